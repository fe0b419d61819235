/** What questions get of views whose windows were rolled up: through HTTP, over real partitions. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { StreamRpc } from "../../../edge/stream/rpc.ts";
import { expectOk, expectProblem, TestStream } from "./client.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Ahead of the real clock, so that no alarm of a partition rings by itself. */
const START = Math.ceil(Date.now() / DAY_MS) * DAY_MS + 400 * DAY_MS;
const FROM = START - 6 * HOUR_MS;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const HOURLY = { name: "clicks_per_ad", groupBy: ["adId"], rollup: { hourAfter: "1h", dayAfter: "2d" } };
/** Of more groups, so that it is asked second. */
const FINER = { ...HOURLY, name: "finer", groupBy: ["adId", "country"], rollup: { hourAfter: "30d" } };

/** A click a minute, for the six hours before START, in two partitions. */
async function withClicks(...views: readonly object[]): Promise<TestStream> {
  const stream = await TestStream.create({ partitions: 2, retentionMs: "8h", views });
  for (const [producer, parity] of [
    ["even", 0],
    ["odd", 1],
  ] as const) {
    const events = Array.from({ length: 180 }, (_, i) => ({ time: FROM + (2 * i + parity) * MINUTE_MS, adId: "a" }));
    await stream.appended({ producer: { id: producer, sequence: 0 }, events }, { key: stream.keys.import });
  }
  return stream;
}

/** Alarms ring so much later: tails are stored, what is old is trimmed and rolled up. */
async function later(stream: TestStream, ms: number): Promise<void> {
  vi.setSystemTime(START + ms);
  const directory = env.STREAM.getByName("directory") as unknown as StreamRpc;
  const id = await directory.resolve(stream.name);
  for (const partition of [0, 1]) await runDurableObjectAlarm(env.PARTITION.getByName(`${id}/${partition}`));
}

const CUT = { from: FROM + 15 * MINUTE_MS, to: START };

describe("a view whose windows were rolled up", () => {
  it("answers what they divide, and says of the rest how wide they are and until when", async () => {
    const stream = await withClicks(HOURLY);
    await later(stream, 3 * HOUR_MS);
    const whole = await stream.answer({ from: FROM, to: START, every: "1h", view: "clicks_per_ad" });
    expect(whole).toMatchObject({ complete: true, missing: [] });
    expect(whole.rows.map(({ clicks }) => clicks)).toEqual([60, 60, 60, 60, 60, 60]);
    const cut = await expectProblem(stream.query({ ...CUT, view: "clicks_per_ad" }), 400, "range_not_aligned");
    expect(cut).toMatchObject({ view: "clicks_per_ad", windowMs: HOUR_MS, rolledUpTo: FROM + HOUR_MS });
    const every = stream.query({ from: FROM, to: START, every: "90m", view: "clicks_per_ad" });
    expect(await expectProblem(every, 400, "range_not_aligned")).toMatchObject({
      windowMs: HOUR_MS,
      rolledUpTo: START,
    });
  });

  it("gives way to another view, and that to the log, while they have what is asked", async () => {
    const both = await withClicks(HOURLY, FINER);
    await later(both, 3 * HOUR_MS);
    expect(await both.answer(CUT)).toMatchObject({ source: "view:finer@1", complete: true, rows: [{ clicks: 345 }] });
    vi.setSystemTime(START);
    const alone = await withClicks(HOURLY);
    await later(alone, 3 * HOUR_MS);
    expect(await alone.answer(CUT)).toMatchObject({ source: "log", complete: true, rows: [{ clicks: 345 }] });
  });

  it("leaves out what it cannot tell, by name, where the log has lost more", async () => {
    const stream = await withClicks(HOURLY);
    await later(stream, 3 * HOUR_MS);
    await later(stream, 9 * HOUR_MS);
    const missing = [{ from: CUT.from, to: FROM + HOUR_MS, reason: "rolled_up" }];
    const answer = await stream.answer(CUT);
    expect(answer).toMatchObject({ source: "view:clicks_per_ad@1", complete: false, missing, rows: [{ clicks: 300 }] });
    // Buckets of minutes: the view would lack as much as the log does.
    const minutes = await stream.answer({ from: FROM, to: START, every: "15m" });
    expect(minutes).toMatchObject({ source: "log", complete: false, missing: [{ reason: "trimmed" }] });
    const count = await stream.get(`/ads/a/count?from=${CUT.from}&to=${CUT.to}`);
    expect(await expectOk(count)).toMatchObject({ clicks: 300, complete: false });
  });
});

describe("when windows are rolled up", () => {
  it("is shown as it was set, changes without a replay, and goes back to what it is by itself", async () => {
    const stream = await withClicks(HOURLY);
    const shown = async () => (await expectOk<{ views: object[] }>(stream.admin("GET", "/views"))).views[0];
    expect(await shown()).toMatchObject({ rollup: { hourAfter: HOUR_MS, dayAfter: 2 * DAY_MS }, generation: 1 });
    const body = { groupBy: ["adId"], rollup: { hourAfter: "3h", dayAfter: "3h" } };
    const put = await expectOk(stream.admin("PUT", "/views/clicks_per_ad", { body }));
    expect(put).toMatchObject({ replay: null, rollup: { hourAfter: 3 * HOUR_MS, dayAfter: 3 * HOUR_MS } });
    await later(stream, 5 * HOUR_MS);
    const day = stream.query({ from: FROM, to: START, view: "clicks_per_ad" });
    expect(await expectProblem(day, 400, "range_not_aligned")).toMatchObject({ windowMs: DAY_MS });
    await expectOk(stream.admin("PUT", "/views/clicks_per_ad", { body: { groupBy: ["adId"] } }));
    expect(await shown()).not.toHaveProperty("rollup");
    expect(await shown()).toMatchObject({ generation: 1, previousGeneration: null });
  });

  it("must not be too soon, nor days before hours", async () => {
    const stream = await withClicks();
    for (const rollup of [{ hourAfter: "59m" }, { hourAfter: "91d" }, { dayAfter: "1d" }, { after: "1h" }, "never"]) {
      const body = { groupBy: ["adId"], rollup };
      await expectProblem(stream.admin("PUT", "/views/v", { body }), 400, "invalid_view");
    }
  });
});
