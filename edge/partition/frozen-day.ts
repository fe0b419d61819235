/**
 * One UTC day of a comparison while it is being frozen: in memory until there is a row's worth of it. To write a row for each
 * few windows would be a synchronization of the disk for each.
 *
 * Most windows are the same on both sides: such a one is kept once, and counts for both. Keys are codes of the partition's
 * dictionaries, as in any stored window; whoever reads them elsewhere is sent the values along with them.
 *
 * A day is kept window by window; one that is too much for an answer is rolled up to a single window, and then it is written
 * only when all of it is there.
 */
import {
  compileRollup,
  createState,
  type Dictionaries,
  encodeTablePieces,
  type FoldState,
  type GroupTable,
  holdsTheSame,
  isSameShape,
  type RollupPlan,
  rollUp,
  type Shape,
} from "#engine";
import type { SidesOf } from "./comparison-rows.ts";
import type { Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";

const DAY_MS = 86_400_000;

export class FrozenDay {
  /** The generation that is compared. */
  readonly id: number;
  readonly day: number;
  /** Windows that start before it are in. */
  to: number;
  readonly #before: Shape;
  readonly #after: Shape;
  readonly #isSameShape: boolean;
  /** Both sides alike: rows of a day can only be compared with rows of a day. */
  readonly #whole: { readonly before: WholeDay; readonly after: WholeDay } | null;
  #pieces = noPieces();
  #bytes = 0;

  constructor(generation: Generation, origin: Generation, day: number, isLarge: boolean) {
    this.id = generation.id;
    this.day = day;
    this.to = day;
    this.#before = origin.plan;
    this.#after = generation.plan;
    this.#isSameShape = isSameShape(origin.plan, generation.plan);
    this.#whole = isLarge ? { before: new WholeDay(origin, day), after: new WholeDay(generation, day) } : null;
  }

  /** Whether there is enough to be written before the day is over. */
  get isFull(): boolean {
    return this.#bytes >= PARTITION_LIMITS.comparisonWriteBytesMax;
  }

  /** Adds some windows of both sides, each of them whole. */
  add(before: FoldState, after: FoldState, dictionaries: Dictionaries): void {
    if (this.#whole === null) {
      this.#addWindows(before, after, dictionaries);
    } else {
      this.#whole.before.add(before);
      this.#whole.after.add(after);
    }
  }

  /** What there is to write, which is then forgotten. */
  take(dictionaries: Dictionaries): SidesOf<readonly Uint8Array[]> {
    if (this.#whole !== null) this.#addWindows(this.#whole.before.state, this.#whole.after.state, dictionaries);
    const pieces = this.#pieces;
    this.#pieces = noPieces();
    this.#bytes = 0;
    return pieces;
  }

  #addWindows(before: FoldState, after: FoldState, dictionaries: Dictionaries): void {
    for (const start of new Set([...before.windows.keys(), ...after.windows.keys()])) {
      const [old, young] = [before.windows.get(start), after.windows.get(start)];
      if (this.#isSameShape && old !== undefined && young !== undefined && holdsTheSame(old, young)) {
        this.#encode("both", this.#after, young, dictionaries);
        continue;
      }
      if (old !== undefined) this.#encode("before", this.#before, old, dictionaries);
      if (young !== undefined) this.#encode("after", this.#after, young, dictionaries);
    }
  }

  #encode(side: keyof SidesOf<unknown>, shape: Shape, table: GroupTable, dictionaries: Dictionaries): void {
    for (const piece of encodeTablePieces(shape, table, PARTITION_LIMITS.comparisonRowBytesMax, dictionaries)) {
      this.#pieces[side].push(piece);
      this.#bytes += piece.length;
    }
  }
}

const noPieces = (): SidesOf<Uint8Array[]> => ({ before: [], after: [], both: [] });

/** A day of one side as a single window. */
class WholeDay {
  readonly #rollup: RollupPlan;
  readonly state: FoldState;

  constructor({ config: { spec } }: Generation, day: number) {
    const { groupBy, measures } = spec;
    const whole = { from: day, to: day + DAY_MS, where: {}, groupBy, everyMs: null, measures, orderBy: null, limit: 0 };
    this.#rollup = compileRollup(spec, whole, {});
    this.state = createState(this.#rollup.query);
  }

  add(windows: FoldState): void {
    for (const table of windows.windows.values()) rollUp(this.#rollup, this.state, table);
  }
}
