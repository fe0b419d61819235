/** The ledger, and promotion by policy: decisions over the stream's state, and what the object keeps of them. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStream } from "../../../edge/stream/configuration.ts";
import { pageOf } from "../../../edge/stream/ledger.ts";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import { whyHeld } from "../../../edge/stream/promotion-policy.ts";
import {
  comparingReplays,
  concludeComparison,
  observeReplays,
  promoteReplay,
  rollBackView,
  startReplay,
} from "../../../edge/stream/replays.ts";
import type { ReplayDiff, ReplayRequest } from "../../../edge/stream/rpc.ts";
import type { StreamState } from "../../../edge/stream/state.ts";
import { deleteView, putView } from "../../../edge/stream/views.ts";
import { CLICKS_PER_AD, DEFAULTS, FROM_PHONES, heard } from "./example.ts";
import { HeldStream } from "./held-stream.ts";

const NAME = CLICKS_PER_AD.name;
const DIFF: ReplayDiff = {
  rowsCompared: 10,
  rowsChanged: 2,
  totals: { clicks: { before: 100, after: 90 } },
  largest: [{ time: 0, adId: "a", clicks: { before: 30, after: 21 } }],
};
const manual: Omit<ReplayRequest, "view"> = { from: null, mode: "build", promote: "manual", maxDuty: 0.5 };

function expectOk<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

const newStream = (): StreamState =>
  expectOk(
    createStream(
      { name: "clicks", streamId: "00", seed: [1, 2, 3, 4], secret: "00", keys: [] },
      { views: [CLICKS_PER_AD] },
      DEFAULTS,
      0,
    ),
  );

/** The only partition has caught up, and what it has to compare is compared. */
function caughtUp(state: StreamState, id: string, now: number, diff: ReplayDiff | null = DIFF): StreamState {
  const job = state.replays.get(id);
  if (job === undefined) throw new Error(`no job ${id}`);
  const { view, generation } = job;
  const status = { view, generation, from: 0, next: 9, target: 9, startedAt: 0, carried: [], missing: [] };
  const reports = new Map([[0, { ...status, state: "caught-up" as const, caughtUpAt: now }]]);
  const next = observeReplays(state, heard(id, reports), now);
  return comparingReplays(next).reduce(
    (all, one) => concludeComparison(all, one.id, { diff: one.against === null ? null : diff, error: null }, now),
    next,
  );
}

const ready = caughtUp(newStream(), `${NAME}-1`, 1_000);

const replayed = (state: StreamState, request: Partial<ReplayRequest> = {}, diff: ReplayDiff | null = DIFF) => {
  const { state: started, job } = expectOk(startReplay(state, { ...manual, view: FROM_PHONES, ...request }, 2_000));
  return { state: caughtUp(started, job.id, 3_000, diff), id: job.id };
};

describe("the ledger", () => {
  it("begins with what was published first", () => {
    expect(ready.ledger).toMatchObject([
      { entry: 1, action: "promote", at: 1_000, by: "admin", reason: null, fromGeneration: null, toGeneration: 1 },
    ]);
    expect(ready.ledger[0]).toMatchObject({ diff: null, noDiff: expect.stringContaining("nothing was published") });
  });

  it("has of each promotion and rollback who, when, why, what was asked, and what that changed", () => {
    const { state, id } = replayed(ready, { note: { by: "sam", reason: "phones only" } });
    const promoted = expectOk(promoteReplay(state, id, 4_000, { by: "kim", reason: "reviewed" })).state;
    expect(promoted.ledger.at(-1)).toEqual({
      entry: 2,
      view: NAME,
      action: "promote",
      at: 4_000,
      by: "kim",
      reason: "reviewed",
      replay: id,
      fromGeneration: 1,
      toGeneration: 2,
      specBefore: expect.objectContaining({ where: {} }),
      specAfter: expect.objectContaining({ where: FROM_PHONES.where }),
      diff: DIFF,
      diffFrozenAt: 3_000,
      noDiff: null,
    });
    const back = expectOk(rollBackView(promoted, NAME, 5_000, { by: "kim", reason: "too strict" }));
    expect(back.ledger.at(-1)).toMatchObject({
      entry: 3,
      action: "rollback",
      reason: "too strict",
      fromGeneration: 2,
      toGeneration: 1,
      diff: {
        totals: { clicks: { before: 90, after: 100 } },
        largest: [{ time: 0, adId: "a", clicks: { before: 21, after: 30 } }],
      },
      diffFrozenAt: 3_000,
    });
    const again = expectOk(promoteReplay(back, id, 6_000)).state;
    expect(again.ledger.at(-1)).toMatchObject({ entry: 4, action: "promote", by: "admin", diff: DIFF });
    // Nothing moved: nothing is entered.
    expect(expectOk(promoteReplay(again, id, 7_000)).state.ledger).toHaveLength(4);
  });

  it("says of what was promoted by itself who asked for that", () => {
    const { state } = replayed(ready, { promote: "auto", note: { by: "sam", reason: "as agreed" } });
    expect(state.ledger.at(-1)).toMatchObject({ entry: 2, by: "sam", reason: "as agreed", diff: DIFF });
    const put = expectOk(putView(state, CLICKS_PER_AD, 4_000, { by: "kim", reason: "all devices" }));
    expect(caughtUp(put.state, String(put.replay), 5_000).ledger.at(-1)).toMatchObject({ entry: 3, by: "kim" });
  });

  it("says why there is no diff", () => {
    const { state, id } = replayed(ready, {}, null);
    expect(expectOk(promoteReplay(state, id, 4_000)).state.ledger.at(-1)).toMatchObject({
      diff: null,
      noDiff: expect.stringContaining("not compared"),
    });
  });

  it("knows the diff though the job that made it is no longer kept", () => {
    const { state, id } = replayed(ready);
    const promoted = expectOk(promoteReplay(state, id, 4_000)).state;
    const back = expectOk(rollBackView({ ...promoted, replays: new Map() }, NAME, 5_000));
    expect(back.ledger.at(-1)).toMatchObject({
      replay: null,
      diff: { totals: { clicks: { before: 90, after: 100 } } },
    });
  });

  it("is read page by page, the newest first, and outlives its view", () => {
    const { state, id } = replayed(ready);
    let next = expectOk(promoteReplay(state, id, 4_000)).state;
    for (let i = 0; i < 5; i++) next = expectOk(rollBackView(next, NAME, 5_000 + i));
    const first = pageOf(next, NAME, null, 3);
    expect(first.entries.map(({ entry }) => entry)).toEqual([7, 6, 5]);
    const second = pageOf(next, NAME, first.next, 10);
    expect(second.entries.map(({ entry }) => entry)).toEqual([4, 3, 2, 1]);
    expect([first.next, second.next]).toEqual([5, null]);
    expect(pageOf(next, "other", null, 10).entries).toEqual([]);
    expect(pageOf(expectOk(deleteView(next, NAME, 6_000)), NAME, null, 10).entries).toHaveLength(7);
  });

  it("is bounded, and says how many entries have gone", () => {
    const { state, id } = replayed(ready);
    let next = expectOk(promoteReplay(state, id, 4_000)).state;
    const turns = STREAM_LIMITS.ledgerEntriesMax + 8;
    for (let i = 0; i < turns; i++) next = expectOk(rollBackView(next, NAME, 5_000 + i));
    expect(next.ledger).toHaveLength(STREAM_LIMITS.ledgerEntriesMax);
    expect(pageOf(next, NAME, null, 1)).toMatchObject({ dropped: 10, entries: [{ entry: turns + 2 }] });
  });

  it("ends, whatever was done, with the generation that answers", () => {
    const someAct = fc.constantFrom("replay", "auto", "promote", "rollback");
    fc.assert(
      fc.property(fc.array(someAct, { maxLength: 12 }), (acts) => {
        let state = ready;
        let id = `${NAME}-1`;
        for (const act of acts) {
          const building = state.views.get(NAME)?.building != null;
          if ((act === "replay" || act === "auto") && !building) {
            ({ state, id } = replayed(state, { promote: act === "auto" ? "auto" : "manual" }));
          } else if (act === "promote") {
            const done = promoteReplay(state, id, 4_000);
            if (done.ok) ({ state } = done.value);
          } else if (act === "rollback") {
            const done = rollBackView(state, NAME, 4_000);
            if (done.ok) state = done.value;
          }
          expect(state.ledger.at(-1)?.toGeneration).toBe(state.views.get(NAME)?.inForce?.generation);
          state.ledger.slice(1).forEach(({ fromGeneration }, i) => {
            expect(fromGeneration).toBe(state.ledger[i]?.toGeneration);
          });
        }
      }),
    );
  });

  it("is stored with what it is about", async () => {
    const held = new HeldStream();
    await held.call((stream) => stream.put("clicks", held.streamId, { views: [CLICKS_PER_AD] }, DEFAULTS));
    held.crash();
    const page = () => held.call((stream) => stream.ledger(NAME, null, 10)).then(expectOk);
    expect((await page()).entries).toMatchObject([{ entry: 1, toGeneration: 1 }]);
    await held.call((stream) => stream.putView(FROM_PHONES, { by: "kim", reason: "phones" }));
    while (await held.fireAlarm()) if ((await page()).entries.length > 1) break;
    held.crash();
    expect((await page()).entries).toMatchObject([{ entry: 2, by: "kim", reason: "phones" }, { entry: 1 }]);
    expect(await held.call((stream) => stream.ledger("nothing", null, 10))).toMatchObject({
      failure: { reason: "unknown_view" },
    });
  });
});

describe("promotion by policy", () => {
  it.each([
    [{ totalChangeMax: 0.1 }, null],
    [{ totalChangeMax: 0.09 }, "`clicks`"],
    [{ rowsChangedMax: 0.2 }, null],
    [{ rowsChangedMax: 0.19 }, "2 of 10 rows"],
    [{ totalChangeMax: 0.5, rowsChangedMax: 0 }, "2 of 10 rows"],
  ])("%o", (promoteIf, why) => {
    const { state, id } = replayed(ready, { promote: "auto", promoteIf });
    const job = state.replays.get(id);
    expect(job?.state).toBe(why === null ? "promoted" : "caught-up");
    if (why === null) expect(job?.held).toBeUndefined();
    else expect(job?.held).toContain(why);
  });

  it("waits for a decision where there is no diff, and can be decided by hand", () => {
    const { state, id } = replayed(ready, { promote: "auto", promoteIf: { totalChangeMax: 1 } }, null);
    expect(state.replays.get(id)).toMatchObject({ state: "caught-up", held: expect.stringContaining("no diff") });
    expect(expectOk(promoteReplay(state, id, 4_000)).job.state).toBe("promoted");
  });

  it("takes something that was nothing for any change", () => {
    const totals = { clicks: { before: 0, after: 1 }, revenue: { before: null, after: null } };
    expect(whyHeld({ totalChangeMax: 1_000 }, { ...DIFF, totals })).toContain("`clicks`");
    expect(whyHeld({ totalChangeMax: 0 }, { ...DIFF, totals: { clicks: { before: 0, after: 0 } } })).toBeNull();
  });
});
