/**
 * One generation of a view: what it is to compute, how far it has come, and the windows that changed since they were last
 * stored. A live answer is a replay that has caught up: there is one `fold`, and `next` says how far it has come.
 *
 *   building ──► comparing ──► caught-up              mode "build"
 *                     └──────► verified | differs     mode "verify": its windows go as soon as there is a verdict
 *   any of them ──► failed | dropped
 *
 * From the turn in which `next` reached the log's end, a generation is *live*: folded in the same turn as each append.
 *
 * Windows of which the log had lost records when the build began are never computed in part. They are `excluded` from the
 * fold, and once it has caught up each is either carried (answered from the windows of an older generation, which goes on
 * folding them by its own rule) or missing, by name. So a carried window is not copied: it is named, with the generation that
 * it came from. An old generation that nobody wants any more, but whose windows are carried, is `retired`: it folds only
 * those.
 */
import {
  clip,
  type ColumnBatch,
  compileView,
  createState,
  DAY_MS,
  type Dictionaries,
  ENGINE_LIMITS,
  fold,
  type FoldPlan,
  type FoldState,
  type HashSeed,
  type Intervals,
  type KeyedStretches,
  MINUTE_MS,
  NO_WIDE_WINDOWS,
  type TimeInterval,
  wideWindowAt,
  type WideWindows,
} from "#engine";
import { PARTITION_LIMITS } from "./limits.ts";
import type { GenerationConfig, GenerationState, GenerationStatus, Interval } from "./rpc.ts";

export type GenerationPhase = "building" | "comparing" | "caught-up" | "verified" | "differs" | "failed" | "dropped";

/** Windows [from, to) that are answered from another generation. */
export interface CarriedWindows extends Interval {
  /** Row id and number of the generation that folds them. */
  readonly id: number;
  readonly generation: number;
}

export interface Verification {
  readonly compared: number;
  readonly differing: number;
  readonly skipped: number;
  /** Starts of the first windows that differ. */
  readonly windows?: readonly number[];
}

/** What is stored of a generation, beside its windows. */
export interface GenerationRecord {
  readonly config: GenerationConfig;
  readonly phase: GenerationPhase;
  readonly retired: boolean;
  /** The replay's first offset. */
  readonly from: number;
  /** Everything below it is in the stored windows. A live generation is covered by every checkpoint besides. */
  readonly next: number;
  readonly startedAt: number;
  readonly caughtUpAt: number | null;
  readonly excluded: Intervals;
  readonly carried: readonly CarriedWindows[];
  readonly missing: Intervals;
  /** Which stored windows are wider than the specification says. Absent: none. */
  readonly wide?: WideWindows;
  /** Hours and days that would be too large as one window. Absent: none that anybody knows of. */
  readonly tooLarge?: WideWindows;
  /** Windows that start before it have been compared. */
  readonly comparedTo: number | null;
  /** Which of the windows that were frozen for a comparison were wide, on either side. Absent: none. */
  readonly comparedWide?: WideWindows;
  readonly verification: Verification;
  readonly error: string | null;
}

export class Generation {
  readonly id: number;
  readonly #seed: HashSeed;
  readonly #memory: KeyedStretches | null;
  #record: GenerationRecord;
  #plan: FoldPlan;
  #delta: FoldState;
  /** The next offset that will be folded. */
  next: number;

  /** @param memory what its rule remembers of the records that it has folded; null without one that needs order */
  constructor(id: number, record: GenerationRecord, seed: HashSeed, memory: KeyedStretches | null) {
    this.id = id;
    this.#seed = seed;
    this.#memory = memory;
    this.#record = record;
    this.#plan = this.#compile([]);
    this.#delta = createState(this.#plan, seed, memory);
    this.next = record.next;
  }

  get record(): GenerationRecord {
    return this.#record;
  }

  get config(): GenerationConfig {
    return this.#record.config;
  }

  get phase(): GenerationPhase {
    return this.#record.phase;
  }

  /** Groups and measures of its windows. */
  get plan(): FoldPlan {
    return this.#plan;
  }

  get memory(): KeyedStretches | null {
    return this.#memory;
  }

  /** Which stored windows were rolled up. Those in memory never are. */
  get wide(): WideWindows {
    return this.#record.wide ?? NO_WIDE_WINDOWS;
  }

  /** The stored window that a time lies in, if it was rolled up. */
  wideWindowAt(time: number): TimeInterval | null {
    return wideWindowAt(this.wide, time);
  }

  /** The end of the stored window that starts at `start`. */
  endOf(start: number): number {
    return this.wideWindowAt(start)?.to ?? start + this.config.spec.windowMs;
  }

  /** Whether no record of these minutes could change a window that the build computes. */
  leavesOut({ minuteMin, minuteMax }: Pick<ColumnBatch, "minuteMin" | "minuteMax">): boolean {
    const { spam, session } = this.config.spec;
    // As far as a rule that needs order looks ahead.
    const reachMs = session === undefined ? (spam?.within ?? 0) : DAY_MS;
    const [first, last] = [minuteMin * MINUTE_MS, (minuteMax + 1) * MINUTE_MS + reachMs];
    return this.#record.excluded.some(({ from, to }) => from <= first && last <= to);
  }

  /** Whether any of the windows that are in memory starts in [from, to). */
  hasChangedIn(from: number, to: number): boolean {
    for (const start of this.#delta.windows.keys()) if (start >= from && start < to) return true;
    return false;
  }

  /** Windows that changed since they were last stored. */
  get delta(): FoldState {
    return this.#delta;
  }

  /** Whether it is folded in the same turn as each append. */
  get isLive(): boolean {
    return this.phase === "comparing" || this.phase === "caught-up";
  }

  /** Whether it is one of those that the stream asked for. */
  get isWanted(): boolean {
    return !this.#record.retired && this.phase !== "dropped";
  }

  /** @param carriedByOthers windows that other generations answer from this one; all that a retired one folds */
  change(changes: Partial<GenerationRecord>, carriedByOthers: Intervals = []): void {
    this.#record = { ...this.#record, ...changes };
    this.#plan = this.#compile(carriedByOthers);
  }

  /**
   * Folds the part of a batch that it has not seen. May throw: what it holds is then of no use, and its caller lets it fail.
   */
  fold(batch: ColumnBatch): void {
    const end = batch.baseOffset + batch.count;
    if (end <= this.next) return;
    fold(this.#plan, this.#delta, batch, this.next - batch.baseOffset, batch.count);
    this.next = end;
    if (this.#delta.groups > ENGINE_LIMITS.windowGroupsMax) this.#checkWindows();
  }

  /**
   * Numbers the keys of windows as these dictionaries do, under which they will be stored; batches may have the codes of others.
   * Does nothing once there are windows.
   */
  numberLike(dictionaries: Dictionaries): void {
    this.#plan.groupBy.forEach((name, k) => {
      const dictionary = dictionaries.find(name);
      if (dictionary !== null) this.#delta.interners[k]?.settle(dictionary);
    });
  }

  /** Forgets what is in memory, because it was stored. */
  clearDelta(): void {
    this.#delta = createState(this.#plan, this.#seed, this.#memory);
  }

  #checkWindows(): void {
    for (const { start, size } of this.#delta.windows.values()) checkWindowGroups(start, size);
  }

  #compile(carriedByOthers: Intervals): FoldPlan {
    const { config, excluded, retired } = this.#record;
    return compileView(config.spec, { only: retired ? carriedByOthers : null, except: excluded });
  }
}

/** Throws if a window has more groups than it may: it is grouped by something that has no bound. */
export function checkWindowGroups(start: number, groups: number): void {
  const max = ENGINE_LIMITS.windowGroupsMax;
  if (groups > max) {
    throw new Error(`the window at ${new Date(start).toISOString()} has more than ${max} groups`);
  }
}

/** Throws if a window takes more rows than their keys can tell apart: its groups hold too much. */
export function checkWindowRows(start: number, rows: number): void {
  const max = PARTITION_LIMITS.windowRowsMax;
  if (rows > max) {
    throw new Error(`the window at ${new Date(start).toISOString()} takes more than ${max} rows`);
  }
}

/** What the stream is told. A comparison is still part of the build. */
export function statusOf({ record, next, memory }: Generation, logEnd: number): GenerationStatus {
  const { config, phase, from, startedAt, caughtUpAt, carried, missing, verification, error } = record;
  return {
    view: config.view,
    generation: config.generation,
    state: stateOf(phase),
    from,
    next,
    target: logEnd,
    startedAt,
    caughtUpAt: phase === "comparing" ? null : caughtUpAt,
    carried: carried.map((windows) => ({ from: windows.from, to: windows.to, generation: windows.generation })),
    missing,
    ...(config.mode === "verify" && { verification }),
    ...(memory !== null && memory.forgottenTo > -Infinity && { forgottenTo: memory.forgottenTo }),
    ...(error !== null && { error }),
  };
}

const stateOf = (phase: GenerationPhase): GenerationState =>
  phase === "comparing" || phase === "dropped" ? "building" : phase;

/** The parts of carried windows that lie in [from, to). */
export const clipCarried = (carried: readonly CarriedWindows[], from: number, to: number): readonly CarriedWindows[] =>
  carried.flatMap((windows) => clip([windows], from, to).map((part) => ({ ...windows, ...part })));

/** Whether windows of one specification can stand among those of another: the same groups, widths and measures. */
export function isSameTable(a: GenerationConfig["spec"], b: GenerationConfig["spec"]): boolean {
  const table = ({ groupBy, windowMs, measures }: GenerationConfig["spec"]) =>
    JSON.stringify([groupBy, windowMs, Object.entries(measures)]);
  return table(a) === table(b);
}

/** What a person is told of an error that stopped a generation. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
