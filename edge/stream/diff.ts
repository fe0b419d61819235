/**
 * The comparison of a caught-up generation with the one it was built against, over all partitions.
 *
 * Each partition has frozen both sides at one offset of its log, by UTC day. Here the days are walked in order: of each, the
 * partitions' states are merged and compared, so that memory holds one day however long the history is. The walk can stop
 * after any round of calls and go on from there. It lives in memory only: after a crash it starts again, over the same
 * frozen days.
 *
 * The two sides may be views of different shape. They are compared in what they have in common: the attributes that both
 * group by, the measures that both define alike, and a width of window that holds whole windows of both.
 */
import { assert } from "#protocol";
import {
  Comparison,
  compileRollup,
  createState,
  decodeTable,
  type FoldState,
  type Measures,
  type Query,
  type RollupPlan,
  rollUp,
  type Shape,
  shapeOf,
  type ViewSpec,
} from "#engine";
import { canonicalJson } from "./generations.ts";
import { STREAM_LIMITS } from "./limits.ts";
import { callPartitions, type Partitions } from "./partitions.ts";
import type { ReplayDiff } from "./rpc.ts";

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
  readonly #comparison: Comparison;

  constructor(compared: ComparedGenerations, partitions: number) {
    this.#compared = compared;
    this.#nextDays = Array.from({ length: partitions }, () => 0);
    this.#common = commonGround(compared.before, compared.after);
    this.#before = new Side(compared.before, this.#common);
    this.#after = new Side(compared.after, this.#common);
    this.#comparison = new Comparison(shapeOf(this.#common.groupBy, this.#common.measures));
  }

  /** Walks on, round by round, as long as `mayGoOn` says so. */
  async continue(partitions: Partitions, mayGoOn: () => boolean): Promise<WalkOutcome> {
    do {
      const day = Math.min(...this.#nextDays);
      if (day === Infinity) {
        this.#compare();
        return { kind: "done", diff: this.#comparison.diff() };
      }
      const trouble = await this.#round(partitions, day);
      if (trouble !== null) return trouble;
      if (this.#common.everyMs !== null) this.#compare();
    } while (mayGoOn());
    return { kind: "more" };
  }

  /** Asks all partitions that may have `day` for it. Answers are merged as they arrive, so that few are held at once. */
  async #round(partitions: Partitions, day: number): Promise<WalkOutcome | null> {
    const { view, generation } = this.#compared;
    let impossible: string | null = null;
    const which = this.#nextDays.flatMap((next, partition) => (next === day ? [partition] : []));
    const answers = await callPartitions(
      partitions,
      async (partition, index) => {
        const answer = await partition.diffDay(view, generation, day);
        if (!answer.ok) return answer.failure.reason;
        const { day: found, before, after } = answer.value;
        // A call that was repeated because it took too long may answer twice: only the first answer is merged.
        if (this.#nextDays[index] !== day) return null;
        if (found === day) {
          impossible ??= this.#before.merge(before, day) ?? this.#after.merge(after, day);
          this.#nextDays[index] = day + DAY_MS;
        } else {
          this.#nextDays[index] = found ?? Infinity;
        }
        return null;
      },
      which,
      STREAM_LIMITS.comparedDaysAtOnceMax,
    );
    if (impossible !== null) return { kind: "impossible", detail: impossible };
    for (const [at, answer] of answers.entries()) {
      const detail = answer.ok ? answer.value : answer.failure.detail;
      if (detail !== null) return { kind: "interrupted", detail: `partition ${which[at]}: ${detail}` };
    }
    return null;
  }

  /** Compares what was merged, and makes room for the next day. */
  #compare(): void {
    this.#comparison.add(this.#before.take(), this.#after.take());
  }
}

/** One of the two generations: its frozen windows, rolled up to what it has in common with the other. */
class Side {
  readonly #shape: Shape;
  readonly #rollup: RollupPlan;
  #state: FoldState;

  constructor(spec: ViewSpec, common: CommonGround) {
    this.#shape = shapeOf(spec.groupBy, spec.measures);
    this.#rollup = compileRollup(spec, wholeTime(common), {});
    this.#state = createState(this.#rollup.query);
  }

  /** Merges one partition's pieces; answers why that is impossible, or null. */
  merge(pieces: readonly Uint8Array[], day: number): string | null {
    const { interners } = createState(this.#shape);
    for (const piece of pieces) {
      const table = decodeTable(this.#shape, { interners }, piece);
      if (!table.ok) return `${table.failure.reason} on ${new Date(day).toISOString().slice(0, 10)}`;
      rollUp(this.#rollup, this.#state, table.value);
    }
    const { comparedGroupsMax } = STREAM_LIMITS;
    return this.#state.groups <= comparedGroupsMax ? null : `more than ${comparedGroupsMax} groups in a day`;
  }

  take(): FoldState {
    const state = this.#state;
    this.#state = createState(this.#rollup.query);
    return state;
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
