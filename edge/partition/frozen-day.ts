/**
 * One UTC day of a comparison while it is being frozen: both sides, in memory until there is a row's worth of them. To write
 * a row for each few windows would be a synchronization of the disk for each.
 *
 * A day is kept window by window; one that is too much for an answer is rolled up to a single window, and then it is written
 * only when all of it is there.
 */
import {
  compileRollup,
  createState,
  encodeState,
  type FoldState,
  type GroupTable,
  type RollupPlan,
  rollUp,
} from "#engine";
import type { Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";

const DAY_MS = 86_400_000;

export class FrozenDay {
  /** The generation that is compared. */
  readonly id: number;
  readonly day: number;
  /** Windows that start before it are in. */
  to: number;
  readonly before: FrozenSide;
  readonly after: FrozenSide;

  constructor(generation: Generation, origin: Generation, day: number, isLarge: boolean) {
    this.id = generation.id;
    this.day = day;
    this.to = day;
    // Both alike: rows of a day can only be compared with rows of a day.
    this.before = new FrozenSide(origin, day, isLarge);
    this.after = new FrozenSide(generation, day, isLarge);
  }

  /** Whether there is enough to be written before the day is over. */
  get isFull(): boolean {
    return this.before.bytes + this.after.bytes >= PARTITION_LIMITS.comparisonWriteBytesMax;
  }
}

export class FrozenSide {
  readonly generation: Generation;
  readonly #whole: { readonly rollup: RollupPlan; readonly state: FoldState } | null;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(generation: Generation, day: number, isLarge: boolean) {
    this.generation = generation;
    const rollup = isLarge ? compileRollup(generation.config.spec, wholeDay(generation, day), {}) : null;
    this.#whole = rollup && { rollup, state: createState(rollup.query) };
  }

  /** Of the pieces that are to be written; a whole day has none before its end. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds windows, each of them whole. */
  add(windows: FoldState): void {
    const tables: Iterable<GroupTable> = windows.windows.values();
    if (this.#whole !== null) {
      for (const table of tables) rollUp(this.#whole.rollup, this.#whole.state, table);
      return;
    }
    for (const piece of encodeState(this.generation.plan, windows, PARTITION_LIMITS.comparisonRowBytesMax)) {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
    }
  }

  /** What there is to write, which is then forgotten. */
  take(): readonly Uint8Array[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#bytes = 0;
    if (this.#whole === null) return pieces;
    return [...encodeState(this.generation.plan, this.#whole.state, PARTITION_LIMITS.comparisonRowBytesMax)];
  }
}

const wholeDay = ({ config: { spec } }: Generation, day: number) => ({
  from: day,
  to: day + DAY_MS,
  where: {},
  groupBy: spec.groupBy,
  everyMs: null,
  measures: spec.measures,
  orderBy: null,
  limit: 0,
});
