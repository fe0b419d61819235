/**
 * What is known of a view's soundness: the verdict of its last verification, and when the next one is due. Pure; what starts one
 * is in scheduled.ts.
 */
import { STREAM_LIMITS } from "./limits.ts";
import type { Note, VerificationReport } from "./rpc.ts";
import type { ReplayRecord, ViewState } from "./state.ts";

/** Who started a verification that nobody asked for just then. It makes way for people. */
export const BY_SCHEDULE: Note = { by: "schedule", reason: null };

export const isScheduled = ({ mode, note }: ReplayRecord): boolean => mode === "verify" && note?.by === BY_SCHEDULE.by;

/** The view with the verdict of a verification that has just ended; as it was if it has none. */
export function withVerdict(view: ViewState, job: ReplayRecord, now: number): ViewState {
  if (job.mode !== "verify" || (job.state !== "verified" && job.state !== "differs" && job.state !== "failed")) {
    return view;
  }
  const verified: VerificationReport = {
    replay: job.id,
    state: job.state,
    at: now,
    tookMs: now - job.startedAt,
    ...verificationOf(job),
    ...(job.error !== null && { error: job.error }),
  };
  return { ...view, verified };
}

/** What all partitions of a verification have found together. */
export function verificationOf({ partitions }: ReplayRecord) {
  const sum = { compared: 0, differing: 0, skipped: 0 };
  const differences: { readonly partition: number; readonly window: number }[] = [];
  for (const { partition, verification } of partitions) {
    sum.compared += verification?.compared ?? 0;
    sum.differing += verification?.differing ?? 0;
    sum.skipped += verification?.skipped ?? 0;
    for (const window of verification?.windows ?? []) differences.push({ partition, window });
  }
  return { ...sum, differences: differences.slice(0, STREAM_LIMITS.differencesShownMax) };
}
