/**
 * Holds a stream's state, makes each new one durable, and drives the partitions towards it:
 *
 *   change   decide ─► commit (one transaction, the alarm included) ─► push to all partitions
 *   alarm    expire ─► push what did not arrive ─► ask for progress ─► compare ─► commit ─► next alarm
 *
 * What is to be done follows from the state alone, never from what a request was about to do: a crash at any point costs
 * time and nothing else. Lacks decisions, which are pure functions elsewhere in this room.
 *
 * Musts: between reading the state and committing what follows from it there is no await. After any call to a partition
 * the state may be another one, so what came back is applied to the state of that moment.
 */
import { fail, type Result } from "#protocol";
import { withVersion } from "./configuration.ts";
import { DiffWalk } from "./diff.ts";
import { comparedBy, DiffPages } from "./diff-pages.ts";
import { STREAM_LIMITS } from "./limits.ts";
import { callPartitions, type Partitions, partitionsOf } from "./partitions.ts";
import { Push } from "./push.ts";
import { comparingReplays, concludeComparison, expire, observeReplays, runningReplays } from "./replays.ts";
import { firstAbsent, type Report, reportsOf } from "./reports.ts";
import type { AdminFailure, DiffRowsPage, DiffRowsRequest } from "./rpc.ts";
import { nextDue } from "./schedule.ts";
import { startDue } from "./scheduled.ts";
import type { ReplayRecord, StreamState } from "./state.ts";
import { bury, load, save } from "./store.ts";

/** What else goes by the object's alarm, and has to know of changes. */
export interface Beside {
  readonly due: (now: number) => number | null;
  readonly changed: () => void;
}

const NOTHING_BESIDE: Beside = { due: () => null, changed: () => {} };

export class ControlLoop {
  readonly #ctx: DurableObjectState;
  readonly #namespace: DurableObjectNamespace;
  #state: StreamState | "deleted" | null;
  readonly #beside: Beside;
  readonly #push: Push;
  /** How many times in a row not everything that was due could be done. */
  #failures = 0;
  #alarmAt: number | null = null;
  #working: Promise<void> | null = null;
  /** Comparisons under way, by job. After a crash they start again. */
  readonly #walks = new Map<string, { readonly diff: DiffWalk; interruptions: number }>();
  readonly #diffPages = new DiffPages();

  constructor(ctx: DurableObjectState, namespace: DurableObjectNamespace, beside: Beside = NOTHING_BESIDE) {
    this.#beside = beside;
    this.#ctx = ctx;
    this.#namespace = namespace;
    this.#state = load(ctx.storage, Date.now());
    const state = this.#stored();
    this.#push = new Push(state);
    if (state === null) return;
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = await ctx.storage.getAlarm();
      this.#arm();
    });
  }

  /** The stream's state; null if there is none, or none any more. */
  get state(): StreamState | null {
    const state = this.#stored();
    return state === null || state.deleting ? null : state;
  }

  /** True once the stream was deleted: its id never comes to life again. */
  get isDeleted(): boolean {
    return this.#state === "deleted" || this.#stored()?.deleting === true;
  }

  #stored(): StreamState | null {
    return this.#state === "deleted" ? null : this.#state;
  }

  /** Makes the first state durable. Partitions are told by {@link work}. */
  create(state: StreamState): void {
    this.#commit(state);
  }

  /**
   * Makes what `decide` leads to durable and tells the partitions. Answers when all of them have answered or have failed
   * to: those are told later, by alarm, and whoever speaks to them before with the new version tells them first.
   */
  async change<T extends { readonly state: StreamState }>(
    decide: (state: StreamState, now: number) => Result<T, AdminFailure>,
  ): Promise<Result<T, AdminFailure>> {
    const { state } = this;
    if (state === null) return fail(this.unknownStream());
    const decided = decide(state, Date.now());
    if (!decided.ok) return decided;
    this.#commit(decided.value.state);
    await this.#tell();
    return decided;
  }

  unknownStream(): AdminFailure {
    return { reason: "unknown_stream", stream: this.#stored()?.name ?? this.#ctx.id.name ?? "" };
  }

  /** Asks every partition for its status. */
  async ask(): Promise<readonly Report[]> {
    const { state } = this;
    if (state === null) return [];
    const answers = await callPartitions(this.#partitions(state), (partition) => partition.status());
    return answers.map((answer, partition): Report => {
      if (!answer.ok) return { partition, error: answer.failure.detail };
      const status = answer.value;
      if (!status.ok) {
        if (status.failure.reason === "config_needed") this.#isBehind(partition, state.version);
        return { partition, error: status.failure.reason };
      }
      if (status.value.configVersion < state.version) this.#isBehind(partition, state.version);
      return status.value;
    });
  }

  /** Rows of a job's diff. */
  async diffRows(id: string, request: DiffRowsRequest): Promise<Result<DiffRowsPage, AdminFailure>> {
    const { state } = this;
    if (state === null) return fail(this.unknownStream());
    return this.#diffPages.page(state, this.#partitions(state), id, request);
  }

  /** Tells the partitions that somebody listens to the live feed. One that cannot be told is told by the next who comes. */
  async listen(): Promise<void> {
    const { state } = this;
    if (state !== null) await callPartitions(this.#partitions(state), (partition) => partition.listen());
  }

  /** Takes in what partitions say of the replays under way. */
  observe(reports: readonly Report[]): void {
    const { state } = this;
    if (state === null) return;
    const byJob = new Map([...state.replays.values()].map((job) => [job.id, reportsOf(job, reports)]));
    this.#commit(observeReplays(state, byJob, Date.now()));
  }

  /** Does everything that is due. At most one runs at a time; whoever comes second waits for the first. */
  work(): Promise<void> {
    this.#working ??= this.#workOnce().finally(() => {
      this.#working = null;
      this.#arm();
    });
    return this.#working;
  }

  /** The alarm. Nothing that goes wrong here may end the chain of alarms, so the next one is always set. */
  async alarm(): Promise<void> {
    this.#alarmAt = null;
    // A minute may have begun.
    this.#beside.changed();
    try {
      await this.work();
    } catch (error) {
      this.#failures++;
      console.error("stream: work that was due has failed and will be repeated", error);
      this.#arm();
    }
  }

  /** Sets the alarm again if the platform has lost it. Called at every request. */
  watch(): void {
    if (this.#alarmAt === null || this.#working !== null) return;
    if (Date.now() > this.#alarmAt + STREAM_LIMITS.alarmOverdueMs) this.#arm();
  }

  /**
   * Deletes the stream. From the first commit on it is gone for everybody; emptying the partitions is tried at once, and by
   * alarm until all are empty.
   */
  async destroy(): Promise<void> {
    const { state } = this;
    if (state === null) return;
    this.#commit({ ...state, deleting: true });
    // What is running now began before the deletion.
    await this.#working;
    await this.work();
  }

  async #workOnce(): Promise<void> {
    const stored = this.#stored();
    if (stored === null) return;
    if (stored.deleting) return this.#emptyPartitions(stored);
    this.#commit(startDue(expire(stored, Date.now()), Date.now()));
    let complete = await this.#tell();
    const reports = this.state !== null && runningReplays(this.state).length > 0 ? await this.ask() : [];
    this.observe(reports);
    const comparing = this.state === null ? [] : comparingReplays(this.state);
    for (const id of this.#walks.keys()) if (!comparing.some((job) => job.id === id)) this.#walks.delete(id);
    for (const job of comparing) if (!(await this.#compare(job, reports))) complete = false;
    // What was promoted, failed or dropped just now.
    if (!(await this.#tell())) complete = false;
    this.#failures = complete ? 0 : this.#failures + 1;
  }

  /** Tells the partitions what they do not know yet. True if now all of them hold the newest configuration. */
  async #tell(): Promise<boolean> {
    const { state } = this;
    if (state === null || state.pushedVersion === state.version) return true;
    await this.#push.run(state, this.#partitions(state));
    const now = this.state;
    if (now === null || !this.#push.isComplete(now)) return false;
    if (now.pushedVersion < now.version) this.#commit({ ...now, pushedVersion: now.version });
    return true;
  }

  /** A partition has lost a configuration that it had answered for. It is told again. */
  #isBehind(partition: number, version: number): void {
    const { state } = this;
    if (state === null || this.#push.heldBy(partition) < version) return;
    this.#push.forget(partition);
    if (state.pushedVersion >= version) this.#commit({ ...state, pushedVersion: version - 1 });
  }

  /** Continues the comparison of a job for a while. False if it could not go on. */
  async #compare(job: ReplayRecord, reports: readonly Report[]): Promise<boolean> {
    const { state } = this;
    if (state === null) return true;
    // It is waited for: what follows may be that the job is promoted by itself, which is never done on a part of the stream.
    if (firstAbsent(job, reports) !== null) return false;
    const compared = comparedBy(state, job);
    if (compared === null) {
      this.#commit(concludeComparison(state, job.id, { diff: null, error: null }, Date.now()));
      return true;
    }
    const walk = this.#walks.get(job.id) ?? {
      diff: new DiffWalk(compared, state.settings.partitions),
      interruptions: 0,
    };
    this.#walks.set(job.id, walk);
    const until = Date.now() + STREAM_LIMITS.comparisonSliceMs;
    const outcome = await walk.diff.continue(this.#partitions(state), () => Date.now() < until);
    if (outcome.kind === "more") return true;
    if (outcome.kind === "interrupted" && ++walk.interruptions < STREAM_LIMITS.comparisonAttemptsMax) return false;
    this.#walks.delete(job.id);
    const concluded =
      outcome.kind === "done"
        ? { diff: outcome.diff, error: null }
        : { diff: null, error: `no diff: ${outcome.detail}` };
    if (this.state !== null) this.#commit(concludeComparison(this.state, job.id, concluded, Date.now()));
    return true;
  }

  async #emptyPartitions(state: StreamState): Promise<void> {
    const answers = await callPartitions(this.#partitions(state), (partition) => partition.destroy());
    if (!answers.every(({ ok }) => ok)) {
      this.#failures++;
      return;
    }
    bury(this.#ctx.storage);
    this.#state = "deleted";
    await this.#ctx.storage.deleteAlarm();
  }

  #partitions(state: StreamState): Partitions {
    return partitionsOf(this.#namespace, state);
  }

  #commit(after: StreamState): void {
    const before = this.#stored();
    const next = before === null ? after : withVersion(before, after);
    if (next === before) return;
    save(this.#ctx.storage, before, next, Date.now());
    this.#state = next;
    this.#arm();
    if (before !== null && before.version !== next.version) this.#beside.changed();
  }

  /** What goes beside is due at another time. */
  readonly arm = (): void => this.#arm();

  /** Sets the alarm to when something is due, if it is not set to an earlier time anyway: waking in vain is cheaper. */
  #arm(): void {
    const state = this.#stored();
    const now = Date.now();
    const dues = state === null ? [] : [nextDue(state, this.#failures, now), this.#beside.due(now)];
    const due = dues.reduce<number | null>(
      (soonest, one) => (soonest === null ? one : Math.min(soonest, one ?? soonest)),
      null,
    );
    if (due === null || (this.#alarmAt !== null && this.#alarmAt > now && this.#alarmAt <= due)) return;
    this.#alarmAt = due;
    // Not awaited, so that it is part of the same atomic write as the rows before it.
    void this.#ctx.storage.setAlarm(due);
  }
}
