/**
 * When the object has to wake by itself. There is one alarm and many things to do, so the next time is computed from the
 * state whenever it changes, rather than kept in a table that could disagree with it. Pure.
 */
import { STREAM_LIMITS } from "./limits.ts";
import { buildingReplays, comparingReplays, unpromotedSince } from "./replays.ts";
import type { StreamState } from "./state.ts";

/**
 * The time at which the object is next due; null: never.
 *
 * @param failures how many times in a row the work that is due has not succeeded
 */
export function nextDue(state: StreamState, failures: number, now: number): number | null {
  if (state.deleting) return now + retryDelayMs(failures);
  const due: number[] = [];
  if (state.pushedVersion < state.version) due.push(now + retryDelayMs(failures));
  if (comparingReplays(state).length > 0)
    due.push(now + (failures > 0 ? retryDelayMs(failures) : STREAM_LIMITS.pollMsMin));
  for (const job of buildingReplays(state)) {
    due.push(now + (job.pausedAt === undefined ? pollDelayMs(now - job.startedAt) : STREAM_LIMITS.pausedPollMs));
  }
  for (const job of state.replays.values()) {
    const since = unpromotedSince(job);
    if (since !== null) due.push(since + STREAM_LIMITS.unpromotedKeptMs);
  }
  for (const { previous, verify } of state.views.values()) {
    if (previous !== null) due.push(previous.until);
    if (verify !== undefined) due.push(verify.dueAt);
  }
  return due.length === 0 ? null : Math.max(now + STREAM_LIMITS.pollMsMin, Math.min(...due));
}

/** A quarter of the time that the replay has taken already: prompt for short ones, once a second for long ones. */
const pollDelayMs = (ageMs: number): number =>
  Math.min(STREAM_LIMITS.pollMsMax, Math.max(STREAM_LIMITS.pollMsMin, ageMs / 4));

const retryDelayMs = (failures: number): number =>
  Math.min(STREAM_LIMITS.retryMsMax, STREAM_LIMITS.retryMsMin * 2 ** Math.min(failures, 10));
