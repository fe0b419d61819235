/** Laws of the stream's decisions, whatever is asked in whatever order. No object, no storage, no clock. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GenerationStatus } from "../../../edge/partition/rpc.ts";
import { changeStream, createStream, partitionConfigs, withVersion } from "../../../edge/stream/configuration.ts";
import { wantedGenerations } from "../../../edge/stream/generations.ts";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import { describeReplay, isOpen, replayId } from "../../../edge/stream/replay-jobs.ts";
import {
  cancelReplay,
  comparingReplays,
  concludeComparison,
  expire,
  observeReplays,
  promoteReplay,
  rollBackView,
  startReplay,
} from "../../../edge/stream/replays.ts";
import type { ReplayRequest, ViewConfig } from "../../../edge/stream/rpc.ts";
import { nextDue } from "../../../edge/stream/schedule.ts";
import type { StreamState } from "../../../edge/stream/state.ts";
import { deleteView, putView } from "../../../edge/stream/views.ts";
import { CLICKS_PER_AD, DEFAULTS, FROM_PHONES, heard, view } from "./example.ts";

const HOUR_MS = 3_600_000;
const PARTITIONS = 2;

function newStream(now = 0, views: readonly ViewConfig[] = [CLICKS_PER_AD]): StreamState {
  const birth = { name: "clicks", streamId: "00", seed: [1, 2, 3, 4] as const, secret: "00", keys: [] };
  return expectOk(createStream(birth, { partitions: PARTITIONS, views }, DEFAULTS, now));
}

function expectOk<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

const reason = (result: { ok: boolean; failure?: { reason: string } }) => (result.ok ? "ok" : result.failure?.reason);

const status = (view: string, generation: number, changes: Partial<GenerationStatus> = {}): GenerationStatus => ({
  view,
  generation,
  state: "caught-up",
  from: 0,
  next: 100,
  target: 100,
  startedAt: 0,
  caughtUpAt: 1_000,
  carried: [],
  missing: [],
  ...changes,
});

/** Lets every partition report the same of a job, and its comparison end at once. */
function report(state: StreamState, id: string, now: number, changes: Partial<GenerationStatus> = {}): StreamState {
  const job = state.replays.get(id);
  if (job === undefined) return state;
  const reports = new Map(
    Array.from({ length: PARTITIONS }, (_, p) => [p, status(job.view, job.generation, changes)] as const),
  );
  let next = observeReplays(state, heard(id, reports), now);
  for (const { id: compared } of comparingReplays(next)) {
    next = concludeComparison(next, compared, { diff: null, error: null }, now);
  }
  return next;
}

const generations = (state: StreamState, name = CLICKS_PER_AD.name) => {
  const known = state.views.get(name);
  return [known?.inForce, known?.previous?.generation, known?.building].map((one) => one?.generation ?? null);
};

const manual: Omit<ReplayRequest, "view"> = { from: null, mode: "build", promote: "manual", maxDuty: 0.5 };

describe("a PUT of a view", () => {
  const ready = report(newStream(), "clicks_per_ad-1", 1_000);

  it("builds a new view, and it answers once all partitions have caught up", () => {
    expect(generations(newStream())).toEqual([null, null, 1]);
    expect(generations(ready)).toEqual([1, null, null]);
  });

  it("changes nothing when sent again, whatever the order of the names in it", () => {
    const reordered = Object.fromEntries(Object.entries(CLICKS_PER_AD).reverse()) as unknown as ViewConfig;
    const put = expectOk(putView(ready, reordered, 2_000));
    expect(put).toEqual({ state: ready, created: false, replay: null });
    expect(put.state).toBe(ready);
  });

  it("starts a replay when the specification changed, and the old generation answers until it is done", () => {
    const put = expectOk(putView(ready, FROM_PHONES, 2_000));
    expect(put.replay).toBe("clicks_per_ad-2");
    expect(generations(put.state)).toEqual([1, null, 2]);
    expect(expectOk(putView(put.state, FROM_PHONES, 2_500))).toMatchObject({ replay: "clicks_per_ad-2" });
    expect(generations(report(put.state, "clicks_per_ad-2", 3_000))).toEqual([2, 1, null]);
  });

  it("lists measures in one order, however they are written: windows that are carried hold them in that order", () => {
    const sums = { revenue: { sum: "price" }, pieces: { sum: "quantity" } };
    const reversed = Object.fromEntries(Object.entries(sums).reverse()) as typeof sums;
    const first = newStream(0, [view("sums", { measures: sums })]);
    const built = report(first, "sums-1", 1_000);
    const put = expectOk(putView(built, view("sums", { measures: reversed, where: { device: "mobile" } }), 2_000));
    const orders = partitionConfigs(put.state)[0]?.generations.map(({ spec }) => Object.keys(spec.measures));
    expect(orders).toEqual([
      ["pieces", "revenue"],
      ["pieces", "revenue"],
    ]);
  });

  it("sets a changed retention on all generations without a replay", () => {
    const rebuilt = report(expectOk(putView(ready, FROM_PHONES, 2_000)).state, "clicks_per_ad-2", 3_000);
    const put = expectOk(putView(rebuilt, { ...FROM_PHONES, retentionMs: 5 }, 4_000));
    expect(put.replay).toBeNull();
    expect(partitionConfigs(put.state)[0]?.generations.map(({ retentionMs }) => retentionMs)).toEqual([5, 5]);
  });

  it("sets when windows are rolled up on all generations without a replay, and takes it away again", () => {
    const rebuilt = report(expectOk(putView(ready, FROM_PHONES, 2_000)).state, "clicks_per_ad-2", 3_000);
    const rollup = { hourAfterMs: 5, dayAfterMs: 6 };
    const put = expectOk(putView(rebuilt, { ...FROM_PHONES, rollup }, 4_000));
    expect(put.replay).toBeNull();
    const told = (state: typeof ready) => partitionConfigs(state)[0]?.generations.map((config) => config.rollup);
    expect(told(put.state)).toEqual([rollup, rollup]);
    // What is built later is told too, and what is rolled back to.
    const built = report(
      expectOk(putView(put.state, { ...CLICKS_PER_AD, rollup }, 5_000)).state,
      "clicks_per_ad-3",
      6_000,
    );
    expect(told(built)).toEqual([rollup, rollup]);
    expect(built.views.get("clicks_per_ad")?.config.rollup).toEqual(rollup);
    const back = expectOk(putView(built, CLICKS_PER_AD, 7_000));
    expect(back.replay).toBeNull();
    expect(told(back.state)).toEqual([undefined, undefined]);
    expect(back.state.views.get("clicks_per_ad")?.config).toEqual(CLICKS_PER_AD);
  });

  it("takes the place of another PUT that is being built", () => {
    const first = expectOk(putView(ready, FROM_PHONES, 2_000)).state;
    const second = expectOk(putView(first, { ...FROM_PHONES, where: { device: "tablet" } }, 2_500));
    expect(second.replay).toBe("clicks_per_ad-3");
    expect(second.state.replays.get("clicks_per_ad-2")?.state).toBe("cancelled");
    expect(generations(second.state)).toEqual([1, null, 3]);
  });

  it("of what answers already takes back the one that is being built", () => {
    const changed = expectOk(putView(ready, FROM_PHONES, 2_000)).state;
    const back = expectOk(putView(changed, CLICKS_PER_AD, 2_500));
    expect(back.replay).toBeNull();
    expect(generations(back.state)).toEqual([1, null, null]);
    expect(back.state.views.get("clicks_per_ad")?.config).toEqual(CLICKS_PER_AD);
  });

  it("never cancels what somebody started by hand", () => {
    const { state } = expectOk(startReplay(ready, { ...manual, view: FROM_PHONES }, 2_000));
    expect(putView(state, view("clicks_per_ad", { groupBy: [] }), 2_500)).toMatchObject({
      ok: false,
      failure: { reason: "replay_running", id: "clicks_per_ad-2" },
    });
    expect(generations(expectOk(putView(state, CLICKS_PER_AD, 2_500)).state)).toEqual([1, null, 2]);
  });

  it("tries again what has failed", () => {
    const changed = expectOk(putView(ready, FROM_PHONES, 2_000)).state;
    const failed = report(changed, "clicks_per_ad-2", 3_000, { state: "failed", error: "the fold threw" });
    expect(failed.views.get("clicks_per_ad")?.error).toBe("partition 0: the fold threw");
    expect(generations(failed)).toEqual([1, null, null]);
    expect(expectOk(putView(failed, FROM_PHONES, 4_000)).replay).toBe("clicks_per_ad-3");
  });

  it("is bounded in number", () => {
    const names = Array.from({ length: STREAM_LIMITS.viewsMax }, (_, i) => view(`view_${i}`));
    const full = expectOk(changeStream(ready, { views: names }, 2_000));
    expect(reason(putView(full, view("one_more"), 2_000))).toBe("too_many_views");
  });
});

describe("numbers of generations", () => {
  it("are not used again when a view is deleted and made again under its name", () => {
    const deleted = expectOk(deleteView(newStream(), "clicks_per_ad", 1_000));
    expect(deleted.replays.get("clicks_per_ad-1")?.state).toBe("cancelled");
    expect(expectOk(putView(deleted, CLICKS_PER_AD, 2_000)).replay).toBe("clicks_per_ad-2");
  });
});

describe("a replay", () => {
  const ready = report(newStream(), "clicks_per_ad-1", 1_000);

  it("waits to be promoted, rolls back, and is promoted again", () => {
    const started = expectOk(startReplay(ready, { ...manual, view: FROM_PHONES }, 2_000));
    const { id } = started.job;
    expect(reason(promoteReplay(started.state, id, 2_000))).toBe("replay_state");
    let state = report(started.state, id, 3_000);
    expect(state.replays.get(id)?.state).toBe("caught-up");
    expect(state.views.get("clicks_per_ad")?.config).toEqual(CLICKS_PER_AD);

    state = expectOk(promoteReplay(state, id, 4_000)).state;
    expect(generations(state)).toEqual([2, 1, null]);
    expect(state.views.get("clicks_per_ad")?.config).toEqual(FROM_PHONES);
    expect(expectOk(promoteReplay(state, id, 4_500)).state).toBe(state);

    state = expectOk(rollBackView(state, "clicks_per_ad", 5_000));
    expect(generations(state)).toEqual([1, 2, null]);
    expect(state.views.get("clicks_per_ad")?.config).toEqual(CLICKS_PER_AD);

    state = expectOk(promoteReplay(state, id, 6_000)).state;
    expect(generations(state)).toEqual([2, 1, null]);
  });

  it("of a verification drops its generation with the verdict, and leaves the view alone", () => {
    const { state, job } = expectOk(startReplay(ready, { ...manual, view: "clicks_per_ad", mode: "verify" }, 2_000));
    const verification = { compared: 3, differing: 0, skipped: 1 };
    const verified = report(state, job.id, 3_000, { state: "verified", verification });
    expect(describeReplay(expectJob(verified, job.id), 3_000)).toMatchObject({
      state: "verified",
      verification: { compared: 6, differing: 0, skipped: 2 },
    });
    const verdict = expect.objectContaining({ state: "verified", compared: 6, tookMs: 1_000 });
    expect(verified.views.get("clicks_per_ad")).toEqual({
      ...ready.views.get("clicks_per_ad"),
      lastGeneration: 2,
      verified: verdict,
    });
  });

  it("differs if any partition does", () => {
    const { state, job } = expectOk(startReplay(ready, { ...manual, view: "clicks_per_ad", mode: "verify" }, 2_000));
    const one = new Map([[0, status("clicks_per_ad", 2, { state: "verified" })]]);
    const both = new Map([...one, [1, status("clicks_per_ad", 2, { state: "differs" })] as const]);
    const half = observeReplays(state, heard(job.id, one), 3_000);
    expect(half.replays.get(job.id)?.state).toBe("running");
    expect(observeReplays(half, heard(job.id, both), 4_000).replays.get(job.id)?.state).toBe("differs");
  });

  it("measures its speed from its start to caught-up, and not what was appended afterwards", () => {
    const { state, job } = expectOk(startReplay(ready, { ...manual, view: "clicks_per_ad" }, 10_000));
    const running = report(state, job.id, 11_000, { state: "building", next: 25, caughtUpAt: null });
    expect(describeReplay(expectJob(running, job.id), 11_000)).toMatchObject({
      progress: 0.25,
      recordsDone: 50,
      recordsTotal: 200,
      recordsPerSecond: 50,
      etaMs: 3_000,
    });
    let done = report(running, job.id, 14_500, { caughtUpAt: 14_000 });
    done = report(done, job.id, 60_000, { next: 9_000, target: 9_000 });
    expect(describeReplay(expectJob(done, job.id), 70_000)).toMatchObject({
      state: "caught-up",
      progress: 1,
      recordsDone: 200,
      recordsPerSecond: 50,
      etaMs: null,
    });
  });

  it("does not count what a partition folds after it has caught up, while others have not", () => {
    const { state, job } = expectOk(startReplay(ready, { ...manual, view: "clicks_per_ad" }, 10_000));
    const slow = status("clicks_per_ad", 2, { state: "building", next: 0 });
    const at = (next: number) =>
      heard(
        job.id,
        new Map([
          [0, status("clicks_per_ad", 2, { next })],
          [1, slow],
        ]),
      );
    const later = observeReplays(observeReplays(state, at(100), 11_000), at(5_000), 12_000);
    expect(describeReplay(expectJob(later, job.id), 12_000)).toMatchObject({ recordsDone: 100, recordsTotal: 200 });
  });

  it("fails with the reason of the partition that failed, even after it had caught up", () => {
    const { state, job } = expectOk(startReplay(ready, { ...manual, view: FROM_PHONES }, 2_000));
    const caughtUp = report(state, job.id, 3_000);
    const broken = report(caughtUp, job.id, 4_000, { state: "failed", error: "the fold threw" });
    expect(broken.replays.get(job.id)).toMatchObject({ state: "failed", error: "partition 0: the fold threw" });
    expect(generations(broken)).toEqual([1, null, null]);
  });

  it("is cancelled 24 h after it has caught up, if nobody promotes it", () => {
    const { state, job } = expectOk(startReplay(ready, { ...manual, view: FROM_PHONES }, 2_000));
    const caughtUp = report(state, job.id, 3_000);
    const due = nextDue({ ...caughtUp, pushedVersion: caughtUp.version }, 0, 3_000);
    expect(due).toBe(2_000 + 24 * HOUR_MS);
    expect(expire(caughtUp, 2_000 + 24 * HOUR_MS - 1)).toBe(caughtUp);
    const expired = expire(caughtUp, 2_000 + 24 * HOUR_MS);
    expect(expired.replays.get(job.id)).toMatchObject({ state: "cancelled" });
    expect(generations(expired)).toEqual([1, null, null]);
  });

  it("leaves the generation before it in place for 7 days", () => {
    const { state, job } = expectOk(startReplay(ready, { ...manual, promote: "auto", view: FROM_PHONES }, 2_000));
    const promoted = report(state, job.id, 3_000);
    expect(generations(expire(promoted, 3_000 + 7 * 24 * HOUR_MS - 1))).toEqual([2, 1, null]);
    const expired = expire(promoted, 3_000 + 7 * 24 * HOUR_MS);
    expect(generations(expired)).toEqual([2, null, null]);
    expect(reason(rollBackView(expired, "clicks_per_ad", 0))).toBe("nothing_to_roll_back");
  });

  it("is refused while another one of the view is under way, and of a view that is not there or not ready", () => {
    const { state } = expectOk(startReplay(ready, { ...manual, view: "clicks_per_ad" }, 2_000));
    expect(reason(startReplay(state, { ...manual, view: "clicks_per_ad" }, 2_000))).toBe("replay_running");
    expect(reason(startReplay(ready, { ...manual, view: "nothing" }, 2_000))).toBe("unknown_view");
    const unready = expectOk(cancelReplay(newStream(), "clicks_per_ad-1", 500)).state;
    expect(reason(startReplay(unready, { ...manual, view: "clicks_per_ad", mode: "verify" }, 2_000))).toBe(
      "view_not_ready",
    );
  });
});

function expectJob(state: StreamState, id: string) {
  const job = state.replays.get(id);
  if (job === undefined) throw new Error(`no job ${id}`);
  return job;
}

// --- Any order of anything --------------------------------------------------------------------------------------------

const names = fc.constantFrom("a", "b");
const views = fc
  .record({ name: names, device: fc.constantFrom("mobile", "tablet", "desktop"), retentionMs: fc.constantFrom(1, 2) })
  .map(({ name, device, retentionMs }) => view(name, { where: { device }, retentionMs }));
const replays = fc.record({ view: names, generation: fc.integer({ min: 1, max: 12 }) });

const commands = fc.oneof(
  views.map((config) => ({ do: "put", config }) as const),
  names.map((name) => ({ do: "delete", name }) as const),
  fc
    .record({
      view: fc.oneof(names, views),
      promote: fc.constantFrom("manual", "auto"),
      mode: fc.constantFrom("build", "verify"),
    })
    .map((request) => ({ do: "start", request }) as const),
  fc
    .record({ replay: replays, state: fc.constantFrom("building", "caught-up", "verified", "differs", "failed") })
    .map((said) => ({ do: "report", ...said }) as const),
  replays.map((replay) => ({ do: "promote", replay }) as const),
  replays.map((replay) => ({ do: "cancel", replay }) as const),
  names.map((name) => ({ do: "rollback", name }) as const),
  fc.integer({ min: 0, max: 200 }).map((hours) => ({ do: "wait", hours }) as const),
);
type Command = typeof commands extends fc.Arbitrary<infer T> ? T : never;

function run(state: StreamState, command: Command, now: number): StreamState {
  switch (command.do) {
    case "put": {
      const put = putView(state, command.config, now);
      return put.ok ? put.value.state : state;
    }
    case "delete": {
      const deleted = deleteView(state, command.name, now);
      return deleted.ok ? deleted.value : state;
    }
    case "start": {
      const started = startReplay(state, { ...manual, ...command.request }, now);
      return started.ok ? started.value.state : state;
    }
    case "report":
      return report(state, replayId(command.replay.view, command.replay.generation), now, { state: command.state });
    case "promote": {
      const promoted = promoteReplay(state, replayId(command.replay.view, command.replay.generation), now);
      return promoted.ok ? promoted.value.state : state;
    }
    case "cancel": {
      const cancelled = cancelReplay(state, replayId(command.replay.view, command.replay.generation), now);
      return cancelled.ok ? cancelled.value.state : state;
    }
    case "rollback": {
      const rolledBack = rollBackView(state, command.name, now);
      return rolledBack.ok ? rolledBack.value : state;
    }
    case "wait":
      return expire(state, now);
  }
}

describe("whatever is asked in whatever order", () => {
  it("views, jobs and what partitions are told agree", () => {
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 60 }), (script) => {
        let state = newStream(0, [view("a")]);
        let now = 0;
        /** Every generation that partitions were ever told of, with what it stood for. */
        const told = new Map<string, string>();
        for (const command of script) {
          now += command.do === "wait" ? command.hours * HOUR_MS : 1;
          const before = state;
          state = withVersion(before, run(before, command, now));

          const wanted = partitionConfigs(state)[0]?.generations ?? [];
          const wantedBefore = partitionConfigs(before)[0]?.generations ?? [];
          if (JSON.stringify(wanted) !== JSON.stringify(wantedBefore)) {
            expect(state.version, "a change that partitions must learn of raises the version").toBe(before.version + 1);
          }
          for (const { view: name, generation, spec, mode } of wanted) {
            const key = `${name}@${generation}`;
            const meaning = JSON.stringify({ spec, mode });
            expect(told.get(key) ?? meaning, "a number never changes its meaning").toBe(meaning);
            if (!told.has(key)) told.set(key, meaning);
            else
              expect(
                wantedBefore.some((one) => `${one.view}@${one.generation}` === key),
                "nor comes back",
              ).toBe(true);
          }

          const open = [...state.replays.values()].filter(isOpen).map(({ id }) => id);
          const building = [...state.views].flatMap(([name, { building: one }]) =>
            one === null ? [] : [replayId(name, one.generation)],
          );
          expect(open.toSorted(), "a job under way is a generation being built").toEqual(building.toSorted());
          for (const known of state.views.values()) {
            expect(wantedGenerations(known).length).toBeLessThanOrEqual(3);
            expect(known.previous === null || known.inForce !== null).toBe(true);
            expect(known.inForce?.mode).not.toBe("verify");
            // A generation in force is lost only with its view.
            if (before.views.get(known.config.name)?.inForce && before.generationFloor === state.generationFloor) {
              expect(known.inForce).not.toBeNull();
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
