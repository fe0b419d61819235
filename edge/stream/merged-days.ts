/**
 * The days that partitions froze when a generation had caught up, one after the other: of each, the partitions' states are merged, so
 * that memory holds one day however long the history is. What the partitions have the same on both sides comes once.
 */
import { fail, ok, type Result } from "#protocol";
import {
  compileRollup,
  createState,
  cutPieces,
  DAY_MS,
  decodeTable,
  type FoldState,
  Interner,
  mergeWindow,
  NO_WIDE_WINDOWS,
  type RollupPlan,
  rollUp,
  SentDictionaries,
  type Shape,
  shapeOf,
  uniteWide,
  type ViewSpec,
  type WideWindows,
  widen,
  withoutEmpty,
} from "#engine";
import type { ComparedDay, PartitionRpc } from "../partition/rpc.ts";
import { type CommonGround, wholeTime } from "./common-ground.ts";
import { STREAM_LIMITS } from "./limits.ts";
import { callPartitions, type Partitions } from "./partitions.ts";
import { Turns } from "./turns.ts";

export interface ComparedGenerations {
  readonly view: string;
  readonly generation: number;
  readonly before: ViewSpec;
  readonly after: ViewSpec;
}

/** Why a round came to nothing: for now, or for good. */
export interface RoundTrouble {
  readonly kind: "interrupted" | "impossible";
  readonly detail: string;
  /** Whose answer it was, if it was one's. */
  readonly partition?: number;
}

/** Windows of all partitions on either side, and those that are the same on both, which stand in neither of the two. */
export interface MergedWindows {
  readonly before: FoldState;
  readonly after: FoldState;
  readonly both: FoldState;
}

const GONE = "gone";

export class MergedDays {
  readonly shape: Shape;
  readonly #compared: ComparedGenerations;
  readonly #common: CommonGround;
  /** By partition: all days before it are in; Infinity: all days are. */
  readonly #nextDays: number[];
  readonly #turns = new Turns();
  readonly #before: Side;
  readonly #after: Side;
  /** Windows that some partitions have the same on both sides. */
  readonly #both: Side;
  /** Windows of the day that some partition has rolled up: there they are compared as wide as that. */
  #wide: WideWindows = NO_WIDE_WINDOWS;
  #hasMerged = false;

  /** @param from the first day that is wanted, in milliseconds since the epoch */
  constructor(compared: ComparedGenerations, common: CommonGround, partitions: number, from = 0) {
    this.#compared = compared;
    this.#common = common;
    this.shape = shapeOf(common.groupBy, common.measures);
    this.#nextDays = Array.from({ length: partitions }, () => from);
    const interners = this.#newInterners();
    this.#before = new Side(compared.before, common, interners);
    this.#after = new Side(compared.after, common, interners);
    this.#both = new Side(compared.after, common, interners);
  }

  /** The next day that some partition may have; Infinity: there is none. */
  get next(): number {
    return Math.min(...this.#nextDays);
  }

  /** Whether anything was merged since it was last taken. */
  get hasMerged(): boolean {
    return this.#hasMerged;
  }

  /** Groups of a day that are held. */
  get #groupsMax(): number {
    return Math.floor(STREAM_LIMITS.comparedCellsMax / (1 + this.shape.accumulators.length));
  }

  /** One numbering of values for all sides of a day, so that none is looked up to be found on another side. */
  #newInterners(): readonly Interner[] {
    return this.#common.groupBy.map(() => new Interner(false));
  }

  /** Asks all partitions that may have the next day for it. Answers are merged as they arrive, so that few are held at once. */
  async round(partitions: Partitions): Promise<RoundTrouble | null> {
    const day = this.next;
    const { view, generation } = this.#compared;
    const merging: Promise<string | null>[] = [];
    const which = this.#nextDays.flatMap((next, partition) => (next === day ? [partition] : []));
    const answers = await callPartitions(
      partitions,
      async (partition, index) => {
        const answer = await wholeDay(partition, view, generation, day);
        if (!answer.ok) return answer.failure.reason;
        const parts = answer.value;
        const found = parts[0]?.day ?? null;
        // A call that was repeated because it took too long may answer twice: only the first answer is merged.
        if (this.#nextDays[index] !== day) return null;
        this.#nextDays[index] = found === day ? day + DAY_MS : (found ?? Infinity);
        if (found !== day) return null;
        const merged = this.#merge(parts, day);
        merging.push(merged);
        await merged;
        return null;
      },
      which,
      STREAM_LIMITS.comparedDaysAtOnceMax,
    );
    // All of them: a call whose time was up may still be merging what it was answered.
    const impossible = (await Promise.all(merging)).find((detail) => detail !== null);
    if (impossible !== undefined) return { kind: "impossible", detail: impossible };
    for (const [at, answer] of answers.entries()) {
      const detail = answer.ok ? answer.value : answer.failure.detail;
      const partition = which[at] as number;
      if (detail === GONE) return { kind: "impossible", detail: "partitions no longer keep the comparison" };
      if (detail !== null) return { kind: "interrupted", partition, detail: `partition ${partition}: ${detail}` };
    }
    return null;
  }

  /** Merges one partition's day; answers why that is impossible, or null. */
  async #merge(parts: readonly ComparedDay[], day: number): Promise<string | null> {
    this.#hasMerged = true;
    const dictionaries = new SentDictionaries();
    // One numbering of its values for all parts, so that each value is looked up once.
    const sides = (
      [
        ["before", this.#before],
        ["after", this.#after],
        ["both", this.#both],
      ] as const
    ).map(([name, side]) => ({ name, side, numbering: side.numbering() }));
    for (const part of parts) {
      dictionaries.add(part.values);
      this.#wide = uniteWide(this.#wide, part.wide ?? NO_WIDE_WINDOWS);
      for (const { name, side, numbering } of sides) {
        for (const merged of side.merge(part[name], numbering, dictionaries)) {
          if (!merged.ok) return `${merged.failure} on ${new Date(day).toISOString().slice(0, 10)}`;
          await this.#turns.worked(merged.value);
        }
      }
      const groups = this.#before.groups + this.#after.groups + this.#both.groups;
      if (groups > this.#groupsMax) return `more than ${this.#groupsMax} groups in a day`;
    }
    return null;
  }

  /** What was merged, and makes room for the next day. */
  async take(): Promise<MergedWindows> {
    const interners = this.#newInterners();
    const [before, after, both] = [this.#before, this.#after, this.#both].map((side) =>
      widen(this.shape, side.take(interners), this.#wide),
    ) as [FoldState, FoldState, FoldState];
    this.#wide = NO_WIDE_WINDOWS;
    this.#hasMerged = false;
    for (const table of both.windows.values()) {
      // Not the same everywhere: what is, is a part of either side.
      if (!before.windows.has(table.start) && !after.windows.has(table.start)) continue;
      for (const side of [before, after]) mergeWindow(this.shape, side, table);
      both.windows.delete(table.start);
      await this.#turns.worked(table.size);
    }
    return { before, after, both };
  }
}

/** Asks for a day part by part: all of one partition's day, in one piece, would be a long turn for both. */
async function wholeDay(
  partition: PartitionRpc,
  view: string,
  generation: number,
  from: number,
): Promise<Result<readonly ComparedDay[], { readonly reason: string }>> {
  const parts: ComparedDay[] = [];
  let day = from;
  for (let part: number | undefined = 0; part !== undefined;) {
    const answer = await partition.comparedDay(view, generation, day, part);
    if (!answer.ok) return answer;
    const found: ComparedDay = answer.value;
    if (found.isGone === true) return fail({ reason: GONE });
    if (found.day !== day && part > 0) throw new Error("the comparison is gone");
    parts.push(found);
    if (found.day === null) break;
    day = found.day;
    part = found.next;
    // Calls between objects of one thread leave what comes from outside no turn.
    await scheduler.wait(0);
  }
  return ok(parts);
}

type Numbering = Pick<FoldState, "interners">;

/** Frozen windows of one of the two generations, rolled up to what it has in common with the other. */
class Side {
  readonly #shape: Shape;
  readonly #rollup: RollupPlan;
  #state: FoldState;

  constructor(spec: ViewSpec, common: CommonGround, interners: readonly Interner[]) {
    this.#shape = shapeOf(spec.groupBy, spec.measures);
    this.#rollup = compileRollup(spec, wholeTime(common), {});
    this.#state = this.#newState(interners);
  }

  get groups(): number {
    return this.#state.groups;
  }

  /** For the keys of one partition's pieces. */
  numbering(): Numbering {
    return { interners: this.#shape.groupBy.map(() => new Interner()) };
  }

  /** Merges a part of one partition's day, and says of each piece how many groups it had, or why that is impossible. */
  *merge(
    rows: readonly Uint8Array[],
    numbering: Numbering,
    dictionaries: SentDictionaries,
  ): Generator<Result<number, string>, void> {
    for (const row of rows) {
      for (const piece of cutPieces(row)) {
        const table = decodeTable(this.#shape, numbering, piece, (generation) => dictionaries.of(generation));
        if (!table.ok) return yield fail(table.failure.reason);
        rollUp(this.#rollup, this.#state, table.value);
        yield ok(table.value.size);
      }
    }
  }

  take(interners: readonly Interner[]): FoldState {
    const state = this.#state;
    this.#state = this.#newState(interners);
    return withoutEmpty(this.#rollup.query, state);
  }

  #newState(interners: readonly Interner[]): FoldState {
    return { ...createState(this.#rollup.query), interners };
  }
}
