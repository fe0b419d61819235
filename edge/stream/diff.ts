/**
 * The comparison of a caught-up generation with the one it was built against, over all partitions.
 *
 * Each partition has frozen both sides at one offset of its log, by UTC day; what is the same on both, once. Here the days
 * are walked in order: of each, the partitions' states are merged and compared, so that memory holds one day however long the
 * history is. The walk can stop after any round of calls and go on from there. It lives in memory only: after a crash it
 * starts again, over the same frozen days.
 *
 * The two sides may be views of different shape. They are compared in what they have in common: the attributes that both
 * group by, the measures that both define alike, and a width of window that holds whole windows of both.
 */
import { assert, fail, ok, type Result } from "#protocol";
import {
  Comparison,
  compileRollup,
  createState,
  cutPieces,
  decodeTable,
  type FoldState,
  Interner,
  type Measures,
  mergeWindow,
  NO_WIDE_WINDOWS,
  type Query,
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
import { canonicalJson } from "./generations.ts";
import { STREAM_LIMITS } from "./limits.ts";
import { callPartitions, type Partitions } from "./partitions.ts";
import type { ReplayDiff } from "./rpc.ts";
import { Turns } from "./turns.ts";

const DAY_MS = 86_400_000;

/** How far a walk has come: `more` to do, `done`, could not go on for now, or never will. */
export type WalkOutcome =
  | { readonly kind: "more" }
  | { readonly kind: "done"; readonly diff: ReplayDiff }
  | { readonly kind: "interrupted"; readonly detail: string }
  | { readonly kind: "impossible"; readonly detail: string };

export interface ComparedGenerations {
  readonly view: string;
  readonly generation: number;
  readonly before: ViewSpec;
  readonly after: ViewSpec;
}

export class DiffWalk {
  readonly #compared: ComparedGenerations;
  /** By partition: all days before it are in; Infinity: all days are. */
  readonly #nextDays: number[];
  readonly #common: CommonGround;
  readonly #before: Side;
  readonly #after: Side;
  /** Windows that some partitions have the same on both sides. */
  readonly #both: Side;
  /** Windows of the day that some partition has rolled up: there they are compared as wide as that. */
  #wide: WideWindows = NO_WIDE_WINDOWS;
  readonly #comparison: Comparison;
  readonly #turns = new Turns();

  constructor(compared: ComparedGenerations, partitions: number) {
    this.#compared = compared;
    this.#nextDays = Array.from({ length: partitions }, () => 0);
    this.#common = commonGround(compared.before, compared.after);
    const interners = this.#newInterners();
    this.#before = new Side(compared.before, this.#common, interners);
    this.#after = new Side(compared.after, this.#common, interners);
    this.#both = new Side(compared.after, this.#common, interners);
    this.#comparison = new Comparison(shapeOf(this.#common.groupBy, this.#common.measures));
  }

  /** Groups of a day that are held. */
  get #groupsMax(): number {
    return Math.floor(STREAM_LIMITS.comparedCellsMax / (1 + this.#comparison.shape.accumulators.length));
  }

  /** One numbering of values for all sides of a day, so that none is looked up to be found on another side. */
  #newInterners(): readonly Interner[] {
    return this.#common.groupBy.map(() => new Interner(false));
  }

  /** Walks on, round by round, as long as `mayGoOn` says so. */
  async continue(partitions: Partitions, mayGoOn: () => boolean): Promise<WalkOutcome> {
    do {
      const day = Math.min(...this.#nextDays);
      if (day === Infinity) {
        await this.#compare();
        return { kind: "done", diff: this.#comparison.diff() };
      }
      const trouble = await this.#round(partitions, day);
      if (trouble !== null) return trouble;
      if (this.#common.everyMs !== null) await this.#compare();
    } while (mayGoOn());
    return { kind: "more" };
  }

  /** Asks all partitions that may have `day` for it. Answers are merged as they arrive, so that few are held at once. */
  async #round(partitions: Partitions, day: number): Promise<WalkOutcome | null> {
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
      if (detail !== null) return { kind: "interrupted", detail: `partition ${which[at]}: ${detail}` };
    }
    return null;
  }

  /** Merges one partition's day; answers why that is impossible, or null. */
  async #merge(parts: readonly ComparedDay[], day: number): Promise<string | null> {
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

  /** Compares what was merged, and makes room for the next day. */
  async #compare(): Promise<void> {
    const interners = this.#newInterners();
    const sides = [this.#before, this.#after, this.#both].map((side) => side.take(interners));
    const [before, after, both] = sides.map((side) => widen(this.#comparison.shape, side, this.#wide)) as [
      FoldState,
      FoldState,
      FoldState,
    ];
    this.#wide = NO_WIDE_WINDOWS;
    for (const table of both.windows.values()) {
      if (before.windows.has(table.start) || after.windows.has(table.start)) {
        // Not the same everywhere: what is, is a part of either side.
        for (const side of [before, after]) mergeWindow(this.#comparison.shape, side, table);
      } else {
        this.#comparison.addSame(table);
      }
      await this.#turns.worked(table.size);
    }
    for (const start of new Set([...before.windows.keys(), ...after.windows.keys()])) {
      const sides = [before.windows.get(start) ?? null, after.windows.get(start) ?? null] as const;
      this.#comparison.addWindow(start, ...sides);
      await this.#turns.worked(sides.reduce((sum, table) => sum + (table?.size ?? 0), 0));
    }
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

interface CommonGround {
  readonly groupBy: readonly string[];
  readonly measures: Measures;
  /** Null: no width holds whole windows of both within a day, so that only totals can be compared. */
  readonly everyMs: number | null;
}

/** What two views can be compared in. With no measure in common, the number of records. */
export function commonGround(before: ViewSpec, after: ViewSpec): CommonGround {
  const everyMs = commonWidth(before.windowMs, after.windowMs);
  const alike = Object.entries(after.measures).filter(
    ([name, measure]) => canonicalJson(before.measures[name]) === canonicalJson(measure),
  );
  return {
    groupBy: everyMs === null ? [] : after.groupBy.filter((attribute) => before.groupBy.includes(attribute)),
    measures: alike.length > 0 ? Object.fromEntries(alike) : { records: { count: true } },
    everyMs,
  };
}

function commonWidth(a: number, b: number): number | null {
  if (a === b) return a;
  const [less, more] = a < b ? [a, b] : [b, a];
  if (more % less === 0 && DAY_MS % more === 0) return more;
  return DAY_MS % a === 0 && DAY_MS % b === 0 ? DAY_MS : null;
}

function wholeTime({ groupBy, measures, everyMs }: CommonGround): Query {
  assert(everyMs === null || everyMs > 0, "a width of window");
  return { from: 0, to: Number.MAX_SAFE_INTEGER, where: {}, groupBy, everyMs, measures, orderBy: null, limit: 1 };
}
