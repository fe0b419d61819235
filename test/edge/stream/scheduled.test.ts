/** Verifications that are started by themselves: decisions over the stream's state. */
import { describe, expect, it } from "vitest";
import { createStream } from "../../../edge/stream/configuration.ts";
import { comparingReplays, concludeComparison, observeReplays, startReplay } from "../../../edge/stream/replays.ts";
import type { ReplayRequest } from "../../../edge/stream/rpc.ts";
import { nextDue } from "../../../edge/stream/schedule.ts";
import { scheduleVerification, startDue } from "../../../edge/stream/scheduled.ts";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import type { StreamState } from "../../../edge/stream/state.ts";
import { describeView, putView, viewOf } from "../../../edge/stream/views.ts";
import { CLICKS_PER_AD, DEFAULTS, FROM_PHONES, heard } from "./example.ts";

const NAME = CLICKS_PER_AD.name;
const HOUR_MS = 3_600_000;
const manual: Omit<ReplayRequest, "view"> = { from: null, mode: "build", promote: "manual", maxDuty: 0.5 };

function expectOk<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

type Reported = "caught-up" | "verified" | "differs" | "failed";

/** The only partition reports of a job. */
function report(state: StreamState, id: string, now: number, reported: Reported, windows: readonly number[] = []) {
  const job = state.replays.get(id);
  if (job === undefined) throw new Error(`no job ${id}`);
  const { view, generation } = job;
  const status = { view, generation, state: reported, from: 0, next: 9, target: 9, startedAt: 0, caughtUpAt: now };
  const verification = { compared: 5, differing: windows.length, skipped: 1, windows };
  const error = reported === "failed" ? { error: "it broke" } : {};
  const full = { ...status, carried: [], missing: [], verification, ...error };
  const next = observeReplays(state, heard(id, new Map([[0, full]])), now);
  return comparingReplays(next).reduce(
    (all, one) => concludeComparison(all, one.id, { diff: null, error: null }, now),
    next,
  );
}

const birth = { name: "clicks", streamId: "00", seed: [1, 2, 3, 4] as const, secret: "00", keys: [] };
const made = expectOk(createStream(birth, { views: [CLICKS_PER_AD] }, DEFAULTS, 0));
const building = report(made, `${NAME}-1`, 1_000, "caught-up");
const ready = expectOk(scheduleVerification(building, NAME, 6 * HOUR_MS, 2_000));
const dueAt = 2_000 + 6 * HOUR_MS;
const shown = (state: StreamState) => describeView(viewOf(state, NAME));

describe("a view that is verified by itself", () => {
  it("is due when it was said, starts then, and again so much later", () => {
    expect(shown(ready)).toMatchObject({ verifyEvery: 6 * HOUR_MS, verifyNext: dueAt, verification: null });
    expect(nextDue({ ...ready, pushedVersion: ready.version }, 0, 2_000)).toBe(dueAt);
    expect(startDue(ready, dueAt - 1)).toBe(ready);
    const started = startDue(ready, dueAt);
    expect(started.replays.get(`${NAME}-2`)).toMatchObject({ mode: "verify", note: { by: "schedule" } });
    expect(shown(started).verifyNext).toBe(dueAt + 6 * HOUR_MS);
    expect(startDue(started, dueAt)).toBe(started);
  });

  it("shows what the last verification found, and which windows differ", () => {
    const started = startDue(ready, dueAt);
    const sound = report(started, `${NAME}-2`, dueAt + 500, "verified");
    expect(shown(sound).verification).toMatchObject({
      state: "verified",
      replay: `${NAME}-2`,
      at: dueAt + 500,
      tookMs: 500,
      compared: 5,
      differing: 0,
      skipped: 1,
      differences: [],
    });
    const again = startDue(sound, dueAt + 6 * HOUR_MS);
    const wrong = report(again, `${NAME}-3`, dueAt + 7 * HOUR_MS, "differs", [60_000, 120_000]);
    expect(shown(wrong).verification).toMatchObject({
      state: "differs",
      differing: 2,
      differences: [
        { partition: 0, window: 60_000 },
        { partition: 0, window: 120_000 },
      ],
    });
    const broken = report(startDue(ready, dueAt), `${NAME}-2`, dueAt + 1, "failed");
    expect(shown(broken).verification).toMatchObject({ state: "failed", error: expect.stringContaining("it broke") });
    expect(shown(broken).state).toBe("ready");
  });

  it("makes way for a changed rule, by PUT and by replay, and is made up for", () => {
    const started = startDue(ready, dueAt);
    const put = expectOk(putView(started, FROM_PHONES, dueAt + 1));
    expect(put.replay).toBe(`${NAME}-3`);
    const replayed = expectOk(startReplay(started, { ...manual, view: FROM_PHONES }, dueAt + 1));
    for (const { state } of [put, replayed]) {
      expect(state.replays.get(`${NAME}-2`)).toMatchObject({ state: "cancelled", error: "it made way" });
      expect(shown(state).verification).toBeNull();
    }
  });

  it("waits while the view is being built, and is looked at again soon", () => {
    const busy = expectOk(startReplay(ready, { ...manual, view: FROM_PHONES }, dueAt - 1));
    const later = startDue(busy.state, dueAt);
    expect(later.replays.size).toBe(busy.state.replays.size);
    expect(shown(later).verifyNext).toBe(dueAt + STREAM_LIMITS.verifyAgainMs);
  });

  it("is left alone when somebody has said so, or there is no such view", () => {
    const left = expectOk(scheduleVerification(ready, NAME, null, 3_000));
    expect(shown(left)).toMatchObject({ verifyEvery: null, verifyNext: null });
    expect(startDue(left, dueAt)).toBe(left);
    expect(scheduleVerification(ready, "nothing", HOUR_MS, 0)).toMatchObject({ failure: { reason: "unknown_view" } });
  });

  it("keeps its schedule through promotions, and its verdict", () => {
    const put = expectOk(putView(ready, FROM_PHONES, 3_000));
    const asked = expectOk(startReplay(ready, { ...manual, view: NAME, mode: "verify" }, 3_000));
    expect(shown(report(asked.state, asked.job.id, 4_000, "verified")).verification?.state).toBe("verified");
    expect(shown(put.state).verifyEvery).toBe(6 * HOUR_MS);
  });
});
