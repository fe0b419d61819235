/** Replay as a user meets it: change a rule, see what it changes while life goes on, decide. Through the public API alone. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StreamClient } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";

const EVENTS = 40_000;
const BATCH = 2_000;
const COUNTRIES = ["US", "GB", null];
const BASE = Date.UTC(2025, 0, 1);
const MEASURES = { clicks: { count: true }, revenue: { sum: "price" } };
const VIEW = { name: "revenue_per_ad", groupBy: ["adId"], window: "1m", measures: MEASURES };
const ONLY_US = { ...VIEW, where: { country: "US" } };

const event = (i: number) => ({
  time: BASE + (i % 7_200) * 1_000,
  adId: `ad-${i % 50}`,
  country: COUNTRIES[i % 3],
  price: (i % 10) / 10,
});

/** What a plain loop over the first `count` events answers. */
function expected(count: number, keep: (country: unknown) => boolean) {
  const kept = Array.from({ length: count }, (_, i) => event(i)).filter((one) => keep(one.country));
  // Tenths, summed as whole numbers: the one correctly rounded result.
  return { clicks: kept.length, revenue: kept.reduce((sum, one) => sum + Math.round(one.price * 10), 0) / 10 };
}

describe("a replay", () => {
  const folder = mkdtempSync(join(tmpdir(), "headwater-replay-"));
  let server: Server;
  let stream: StreamClient;
  let sent = 0;
  const sendBatch = async () => {
    const events = Array.from({ length: BATCH }, (_, i) => event(sent + i));
    const { status } = await stream.append({ producer: { id: "p", sequence: sent }, events }, stream.keys.import);
    expect(status).toBe(200);
    sent += BATCH;
  };
  const fromView = async () => {
    const { rows, source } = await stream.query({
      from: BASE,
      to: BASE + 7_200_000,
      view: VIEW.name,
      measures: MEASURES,
    });
    return { ...rows[0], generation: Number(source.split("@")[1]) };
  };
  const everyone = () => true;
  const americans = (country: unknown) => country === "US";

  beforeAll(async () => {
    server = await startServer({ persistTo: folder });
    stream = await StreamClient.create(server, "clicks", { partitions: 2, views: [VIEW] });
    // Two producers would do; one on each partition is not needed for what is asked here.
    while (sent < EVENTS) await sendBatch();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("of a changed rule runs beside the answer in force, shows what would change, and is promoted and rolled back", async () => {
    const before = await fromView();
    expect(before).toMatchObject(expected(sent, everyone));

    const started = await stream.admin("POST", "/replays", { view: ONLY_US, promote: "manual", maxDuty: 0.2 });
    expect(started.status).toBe(202);
    expect(started.headers.get("Location")).toContain(String(started.body.id));
    const id = String(started.body.id);

    // Life goes on: appends are taken and the old rule answers.
    await sendBatch();
    const during = await stream.admin("GET", `/replays/${id}`);
    expect(["running", "caught-up"]).toContain(during.body.state);
    expect(during.body).toMatchObject({ id, view: VIEW.name, progress: expect.any(Number) as number });
    expect(await fromView()).toMatchObject({ ...expected(sent, everyone), generation: before.generation });

    const caughtUp = await stream.replayUntil(id, ["caught-up", "failed", "cancelled"]);
    expect(caughtUp).toMatchObject({ state: "caught-up", progress: 1 });
    expect(caughtUp.recordsDone).toBeGreaterThanOrEqual(EVENTS);
    expect(caughtUp.recordsPerSecond).toBeGreaterThan(0);
    const { diff } = caughtUp as {
      diff: {
        rowsCompared: number;
        rowsChanged: number;
        totals: Record<string, { before: number; after: number }>;
        largest: object[];
      };
    };
    // Frozen when it caught up: which appends were in by then depends on timing, but not how the two sides relate.
    const atFreeze = diff.totals.clicks?.before ?? 0;
    expect(atFreeze % BATCH).toBe(0);
    expect(diff.totals.clicks).toEqual({ before: atFreeze, after: expected(atFreeze, americans).clicks });
    expect(diff.totals.revenue).toEqual({
      before: expected(atFreeze, everyone).revenue,
      after: expected(atFreeze, americans).revenue,
    });
    expect(diff.rowsChanged).toBeGreaterThan(0);
    expect(diff.rowsChanged).toBeLessThanOrEqual(diff.rowsCompared);
    expect(diff.largest.length).toBeGreaterThan(0);

    // Caught up is not in force: the old answer still stands, and both go on counting.
    await sendBatch();
    expect(await fromView()).toMatchObject(expected(sent, everyone));

    const promoted = await stream.admin("POST", `/replays/${id}/promote`);
    expect(promoted).toMatchObject({ status: 200, body: { state: "promoted" } });
    const after = await fromView();
    expect(after).toMatchObject(expected(sent, americans));
    expect(after.generation).toBeGreaterThan(before.generation);

    await sendBatch();
    const rolledBack = await stream.admin("POST", `/views/${VIEW.name}/rollback`);
    expect(rolledBack.status).toBe(200);
    expect(await fromView()).toMatchObject({ ...expected(sent, everyone), generation: before.generation });
  });

  test("can be cancelled, and leaves no trace in answers", async () => {
    const before = await fromView();
    const { body } = await stream.admin("POST", "/replays", { view: ONLY_US, maxDuty: 0.05 });
    const cancelled = await stream.admin("POST", `/replays/${String(body.id)}/cancel`);
    expect(cancelled).toMatchObject({ status: 200, body: { state: "cancelled" } });
    expect(await stream.admin("POST", `/replays/${String(body.id)}/promote`)).toMatchObject({ status: 409 });
    expect(await fromView()).toEqual(before);
  });

  test("goes on where it was after a power cut", async () => {
    const { body } = await stream.admin("POST", "/replays", { view: VIEW.name, mode: "verify", maxDuty: 0.1 });
    await delay(300);
    await server.kill();
    await server.restart();
    const job = await stream.replayUntil(String(body.id), ["verified", "differs", "failed", "cancelled"]);
    expect(job).toMatchObject({ state: "verified" });
  });

  test("builds a new view over the log that is there, and puts it in force by itself", async () => {
    const view = { groupBy: ["country"], window: "1h", measures: { clicks: { count: true } } };
    const { status } = await stream.admin("PUT", "/views/per_country", view);
    expect([200, 201, 202]).toContain(status);
    const deadline = Date.now() + 60_000;
    let answer = await stream.ask({ from: BASE, to: BASE + 7_200_000, groupBy: ["country"], view: "per_country" });
    while (answer.status === 409 && Date.now() < deadline) {
      await delay(100);
      answer = await stream.ask({ from: BASE, to: BASE + 7_200_000, groupBy: ["country"], view: "per_country" });
    }
    const clicks = (country: string | null) => expected(sent, (one) => (one ?? null) === country).clicks;
    expect(answer.body.rows).toEqual([
      { country: null, clicks: clicks(null) },
      { country: "GB", clicks: clicks("GB") },
      { country: "US", clicks: clicks("US") },
    ]);
  });
});
