/**
 * A replay stands still until it is resumed: partitions are told that its generation is paused, and fold nothing into it. It
 * stays `running`, keeps what it has built, holds the log back as any replay does, and fails like any other when it takes too
 * long. Pure.
 */
import { assert, fail, ok, type Result } from "#protocol";
import type { ReplayChange } from "./replays.ts";
import { isBuilding } from "./replay-jobs.ts";
import type { AdminFailure } from "./rpc.ts";
import { type Generation, type ReplayRecord, type StreamState, withEntry } from "./state.ts";

/** Only of a replay that still builds: what has caught up follows each append, and cannot stand still. */
export function pauseReplay(state: StreamState, id: string, now: number): Result<ReplayChange, AdminFailure> {
  const job = state.replays.get(id);
  if (job === undefined) return fail({ reason: "unknown_replay", id });
  if (!isBuilding(job)) return fail({ reason: "replay_state", id, state: job.state });
  if (job.pausedAt !== undefined) return ok({ state, job });
  return ok(withBoth(state, { ...job, pausedAt: now }, (building) => ({ ...building, paused: true })));
}

export function resumeReplay(state: StreamState, id: string, now: number): Result<ReplayChange, AdminFailure> {
  const job = state.replays.get(id);
  if (job === undefined) return fail({ reason: "unknown_replay", id });
  if (!isBuilding(job)) return fail({ reason: "replay_state", id, state: job.state });
  const { pausedAt, pausedMs = 0, ...running } = job;
  if (pausedAt === undefined) return ok({ state, job });
  const resumed = { ...running, pausedMs: pausedMs + (now - pausedAt) };
  return ok(withBoth(state, resumed, (building) => ({ ...building, paused: false })));
}

/** The job and the generation that it builds say the same. */
function withBoth(state: StreamState, job: ReplayRecord, change: (building: Generation) => Generation): ReplayChange {
  const view = state.views.get(job.view);
  assert(view?.building?.generation === job.generation, "a job that builds is its view's generation being built");
  const views = withEntry(state.views, job.view, { ...view, building: change(view.building) });
  return { job, state: { ...state, views, replays: withEntry(state.replays, job.id, job) } };
}
