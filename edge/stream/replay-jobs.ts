/**
 * The life of one replay job:
 *
 *                    ┌────────────► verified | differs        (mode verify, every partition has its verdict)
 *   running ─────────┤
 *    │   │           └─► running, caughtUpAt set: comparing ──► caught-up ──► promoted
 *    │   └─► failed                                                 │
 *    └──────────────────────── cancelled ◄──────────────────────────┘
 *
 * Pure decisions over what partitions report; who asks them, and when, is edge/stream/control-loop.ts. A report may come
 * late, twice, or not at all: whatever a job has once concluded stays.
 */
import { assert } from "#protocol";
import type { GenerationStatus } from "../partition/rpc.ts";
import { STREAM_LIMITS } from "./limits.ts";
import type { JobReports } from "./reports.ts";
import type { Note, PromotionPolicy, ReplayDiff, ReplayJob, ReplayState } from "./rpc.ts";
import type { Generation, PartitionProgress, ReplayRecord } from "./state.ts";
import { verificationOf } from "./verification.ts";

/** One job builds one generation, and both are named by it: numbers of generations are never used again. */
export const replayId = (view: string, generation: number): string => `${view}-${generation}`;

/** How it is to be decided whether a job's generation is promoted; and who asked for it, and why. */
export interface Decision {
  readonly promote: "manual" | "auto";
  readonly promoteIf?: PromotionPolicy;
  readonly note?: Note;
  readonly declared: boolean;
}

export function newReplay(
  view: string,
  generation: Generation,
  decision: Decision,
  partitions: number,
  now: number,
): ReplayRecord {
  return {
    id: replayId(view, generation.generation),
    view,
    generation: generation.generation,
    mode: generation.mode,
    ...decision,
    against: generation.against,
    state: "running",
    startedAt: now,
    caughtUpAt: null,
    finishedAt: null,
    partitions: Array.from({ length: partitions }, (_, partition) => ({
      partition,
      from: 0,
      next: 0,
      target: 0,
      state: "building",
      caughtUpAt: null,
      verification: null,
    })),
    diff: null,
    error: null,
  };
}

/** Under way: its generation is being built, or waits for somebody to decide. */
export const isOpen = ({ state }: ReplayRecord): boolean => state === "running" || state === "caught-up";

/** Partitions still have something to report. */
export const isBuilding = (job: ReplayRecord): boolean => job.state === "running" && job.caughtUpAt === null;

export const isRunning = ({ state }: ReplayRecord): boolean => state === "running";

/** All partitions have caught up, and the comparison is not complete. */
export const isComparing = (job: ReplayRecord): boolean => job.state === "running" && job.caughtUpAt !== null;

/**
 * Takes in what partitions say of the job's generation.
 *
 * A partition that does not answer is waited for: what is known of it stays, and it is told which one it is.
 */
export function observeReplay(job: ReplayRecord, { known, silent }: JobReports, now: number): ReplayRecord {
  if (!isOpen(job)) return job;
  for (const [partition, report] of known) {
    if (report.state === "failed") {
      return finishReplay(job, "failed", now, `partition ${partition}: ${report.error ?? "no reason given"}`);
    }
  }
  if (!isRunning(job)) return job;
  const partitions = job.partitions.map((before) => {
    const { partition } = before;
    return withSilence(progressOf(job, before, known.get(partition)), silent.get(partition), now);
  });
  // Nothing new is nothing to store.
  const next = partitions.every((partition, i) => partition === job.partitions[i]) ? job : { ...job, partitions };
  if (isComparing(job) || !partitions.every((partition) => isSettled(job, partition))) {
    if (now - job.startedAt <= STREAM_LIMITS.replayMs) return next;
    const undone = isComparing(job) ? "compared" : "caught up";
    return finishReplay(next, "failed", now, `not ${undone} after ${STREAM_LIMITS.replayMs / 86_400_000} days`);
  }
  const caughtUpAt = Math.max(job.startedAt, ...partitions.map((partition) => partition.caughtUpAt ?? now));
  const settled = { ...next, caughtUpAt };
  if (job.mode === "build") return settled;
  return finishReplay(settled, partitions.every(({ state }) => state === "verified") ? "verified" : "differs", now);
}

/** Progress that is frozen once the partition is done, so that live appends after it do not count as replayed. */
function progressOf(
  job: ReplayRecord,
  known: PartitionProgress,
  report: GenerationStatus | undefined,
): PartitionProgress {
  if (report === undefined || isSettled(job, known)) return known;
  const { from, next, target, state, caughtUpAt, verification } = report;
  if (state === known.state && next === known.next && target === known.target) return known;
  return { partition: known.partition, from, next, target, state, caughtUpAt, verification: verification ?? null };
}

/** What is told of a silence first stays: that another call failed in another way is nothing to store. */
function withSilence(known: PartitionProgress, reason: string | undefined, now: number): PartitionProgress {
  const { silent, ...heard } = known;
  if (reason === undefined) return silent === undefined ? known : heard;
  return silent === undefined ? { ...known, silent: { since: now, reason } } : known;
}

const isSettled = (job: ReplayRecord, { state }: PartitionProgress): boolean =>
  job.mode === "build" ? state === "caught-up" : state === "verified" || state === "differs";

/**
 * The comparison is done, or there is none to be made: the job has caught up.
 *
 * @param error why there is no diff although there should be one: it is missed, but no reason to throw the build away
 */
export function finishComparison(job: ReplayRecord, diff: ReplayDiff | null, error: string | null): ReplayRecord {
  assert(isComparing(job), "a job whose partitions have all caught up");
  return { ...job, state: "caught-up", diff, error };
}

export function finishReplay(
  job: ReplayRecord,
  state: Exclude<ReplayState, "running" | "caught-up">,
  now: number,
  error: string | null = job.error,
): ReplayRecord {
  return { ...job, state, finishedAt: now, error };
}

/** Drops the oldest jobs beyond the bound; those under way stay. */
export function boundReplays(replays: ReadonlyMap<string, ReplayRecord>): ReadonlyMap<string, ReplayRecord> {
  let surplus = replays.size - STREAM_LIMITS.replaysKeptMax;
  if (surplus <= 0) return replays;
  return new Map([...replays].filter(([, job]) => isOpen(job) || surplus-- <= 0));
}

/** A job as the public contract shows it. */
export function describeReplay(job: ReplayRecord, now: number): ReplayJob {
  const recordsDone = sumOf(job, ({ from, next }) => next - from);
  const recordsTotal = sumOf(job, ({ from, target }) => target - from);
  const end = job.caughtUpAt ?? job.finishedAt ?? now;
  const pausedMs = (job.pausedMs ?? 0) + (job.pausedAt === undefined ? 0 : Math.max(0, end - job.pausedAt));
  const elapsedMs = Math.max(1, end - job.startedAt - pausedMs);
  const isPaused = job.pausedAt !== undefined && isBuilding(job);
  // How much it has to do, and when it will, nobody knows.
  const isWaiting = job.partitions.some(({ silent }) => silent !== undefined);
  const recordsPerSecond = Math.round((recordsDone * 1000) / elapsedMs);
  const caughtUp = job.caughtUpAt !== null;
  return {
    id: job.id,
    view: job.view,
    generation: job.generation,
    mode: job.mode,
    promote: job.promote,
    state: job.state,
    progress: caughtUp ? 1 : recordsTotal === 0 ? 0 : Math.min(1, recordsDone / recordsTotal),
    recordsDone,
    recordsTotal,
    recordsPerSecond,
    etaMs:
      !isBuilding(job) || isPaused || isWaiting || recordsPerSecond === 0
        ? null
        : Math.ceil(((recordsTotal - recordsDone) * 1000) / recordsPerSecond),
    startedAt: job.startedAt,
    finishedAt: job.finishedAt,
    ...(isPaused && { paused: true }),
    partitions: job.partitions.map(({ partition, from, next, target, state, silent }) => ({
      partition,
      from,
      next,
      target,
      state,
      ...(isRunning(job) && silent !== undefined && { silent }),
    })),
    ...(job.diff !== null && { diff: job.diff }),
    ...(job.mode === "verify" && { verification: verificationOf(job) }),
    ...(job.promoteIf !== undefined && { promoteIf: job.promoteIf }),
    ...(job.state === "caught-up" && job.held !== undefined && { held: job.held }),
    ...(job.note !== undefined && { by: job.note.by }),
    ...(job.note?.reason != null && { reason: job.note.reason }),
    ...(job.error !== null && { error: job.error }),
  };
}

const sumOf = (job: ReplayRecord, measure: (partition: PartitionProgress) => number): number =>
  job.partitions.reduce((sum, partition) => sum + Math.max(0, measure(partition)), 0);
