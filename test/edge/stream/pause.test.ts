/** What pausing does to a job, to its generation, and to when the stream looks again. No object, no storage, no clock. */
import { expect, it } from "vitest";
import type { GenerationStatus } from "../../../edge/partition/rpc.ts";
import { createStream } from "../../../edge/stream/configuration.ts";
import { wantedGenerations } from "../../../edge/stream/generations.ts";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import { pauseReplay, resumeReplay } from "../../../edge/stream/pause.ts";
import { describeReplay } from "../../../edge/stream/replay-jobs.ts";
import { cancelReplay, observeReplays } from "../../../edge/stream/replays.ts";
import { nextDue } from "../../../edge/stream/schedule.ts";
import type { StreamState } from "../../../edge/stream/state.ts";
import { CLICKS_PER_AD, DEFAULTS, heard } from "./example.ts";

const ID = "clicks_per_ad-1";

function expectOk<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

/** A stream of one partition whose first view is being built since 0. */
function building(): StreamState {
  const birth = { name: "clicks", streamId: "00", seed: [1, 2, 3, 4] as const, secret: "00", keys: [] };
  return expectOk(createStream(birth, { partitions: 1, views: [CLICKS_PER_AD] }, DEFAULTS, 0));
}

function report(state: StreamState, now: number, changes: Partial<GenerationStatus>): StreamState {
  const status: GenerationStatus = {
    view: CLICKS_PER_AD.name,
    generation: 1,
    state: "building",
    from: 0,
    next: 0,
    target: 1_000,
    startedAt: 0,
    caughtUpAt: null,
    carried: [],
    missing: [],
    ...changes,
  };
  return observeReplays(state, heard(ID, new Map([[0, status]])), now);
}

const shown = (state: StreamState, now: number) => {
  const job = state.replays.get(ID);
  return job && describeReplay(job, now);
};
const wanted = (state: StreamState) => [...state.views.values()].flatMap(wantedGenerations);

it("tells the partitions, and the time that a replay stands still is none of its own", () => {
  const before = report(building(), 1_000, { next: 500 });
  expect(shown(before, 1_000)).toMatchObject({ recordsPerSecond: 500, etaMs: 1_000 });
  const paused = expectOk(pauseReplay(before, ID, 1_000)).state;
  expect(wanted(paused)).toMatchObject([{ paused: true }]);
  expect(shown(paused, 61_000)).toMatchObject({ state: "running", paused: true, recordsPerSecond: 500, etaMs: null });
  expect(nextDue({ ...paused, pushedVersion: paused.version }, 0, 61_000)).toBe(61_000 + STREAM_LIMITS.pausedPollMs);

  const resumed = expectOk(resumeReplay(paused, ID, 61_000)).state;
  expect(wanted(resumed)).toEqual(wanted(before));
  const later = report(resumed, 61_500, { next: 750 });
  expect(shown(later, 61_500)).toMatchObject({ recordsPerSecond: 500, etaMs: 500 });
  expect(shown(later, 61_500)).not.toHaveProperty("paused");
  // And once more: pauses add up.
  const again = expectOk(resumeReplay(expectOk(pauseReplay(later, ID, 61_500)).state, ID, 99_500)).state;
  expect(shown(again, 99_500)).toMatchObject({ recordsPerSecond: 500 });
});

it("changes nothing when it is asked for twice", () => {
  const paused = expectOk(pauseReplay(building(), ID, 1_000)).state;
  expect(expectOk(pauseReplay(paused, ID, 2_000)).state).toBe(paused);
  const resumed = expectOk(resumeReplay(paused, ID, 3_000)).state;
  expect(expectOk(resumeReplay(resumed, ID, 4_000)).state).toBe(resumed);
});

it("is refused for what has caught up, is over, or is not there; a paused replay can be cancelled", () => {
  const reason = (result: ReturnType<typeof pauseReplay>) => (result.ok ? "ok" : result.failure.reason);
  const paused = expectOk(pauseReplay(building(), ID, 1_000)).state;
  const cancelled = expectOk(cancelReplay(paused, ID, 2_000)).state;
  expect(reason(pauseReplay(cancelled, ID, 3_000))).toBe("replay_state");
  expect(reason(resumeReplay(cancelled, ID, 3_000))).toBe("replay_state");
  expect(wanted(cancelled)).toEqual([]);
  const caughtUp = report(building(), 1_000, { state: "caught-up", next: 1_000, caughtUpAt: 900 });
  expect(reason(pauseReplay(caughtUp, ID, 2_000))).toBe("replay_state");
  expect(reason(pauseReplay(building(), "nothing-1", 0))).toBe("unknown_replay");
});

it("of a replay that caught up before the partitions heard of it does not last", () => {
  const paused = expectOk(pauseReplay(building(), ID, 1_000)).state;
  const caughtUp = report(paused, 5_000, { state: "caught-up", next: 1_000, caughtUpAt: 900 });
  expect(shown(caughtUp, 5_000)).not.toHaveProperty("paused");
  expect(shown(caughtUp, 5_000)?.recordsPerSecond).toBe(1_111);
});

it("still fails when it is not done within a week", () => {
  const paused = expectOk(pauseReplay(building(), ID, 1_000)).state;
  const late = report(paused, STREAM_LIMITS.replayMs + 1, {});
  expect(late.replays.get(ID)).toMatchObject({ state: "failed" });
});
