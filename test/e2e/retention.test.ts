/** Retention: old segments go, nothing pretends that they are still there, and what a view knows it keeps. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StreamClient } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";

const BASE = Date.UTC(2025, 5, 1);
const HOUR = 3_600_000;
const RANGE = { from: BASE, to: BASE + HOUR };

interface PartitionStatus {
  readonly logStart: number;
  readonly logEnd: number;
  readonly records: number;
  readonly bytes: number;
}

/** Appends whole minutes of clicks, `perBatch` each; texts that do not compress make bytes that retention can count. */
async function fill(stream: StreamClient, minutes: number, perBatch: number): Promise<number> {
  for (let minute = 0; minute < minutes; minute++) {
    const events = Array.from({ length: perBatch }, (_, i) => ({
      time: BASE + minute * 60_000 + i,
      adId: `ad-${i % 5}`,
      eventId: crypto.randomUUID(),
    }));
    const producer = { id: "p", sequence: minute * perBatch };
    const { status } = await stream.append({ producer, events }, stream.keys.import);
    expect(status).toBe(200);
  }
  return minutes * perBatch;
}

const statusOf = async (stream: StreamClient): Promise<PartitionStatus> => {
  const { body } = await stream.admin<{ partitions: PartitionStatus[] }>("GET");
  const [status] = body.partitions;
  if (status === undefined) throw new Error("one partition");
  return status;
};

async function untilTrimmed(stream: StreamClient): Promise<PartitionStatus> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const status = await statusOf(stream);
    if (status.logStart > 0) return status;
    if (Date.now() > deadline) throw new Error(`nothing was trimmed: ${JSON.stringify(status)}`);
    await delay(200);
  }
}

/** What holds after any trimming of part or all of the log. */
async function expectHonest(stream: StreamClient, total: number, { logStart, logEnd }: PartitionStatus): Promise<void> {
  expect(logEnd).toBe(total);

  const below = await stream.admin("GET", `/partitions/0/records?offset=${logStart - 1}&limit=10`);
  expect(below).toMatchObject({ status: 410, body: { code: "offset_trimmed", logStart } });

  const fromView = await stream.query({ ...RANGE, view: "clicks_per_ad" });
  expect(fromView).toMatchObject({ complete: true, rows: [{ clicks: total }] });

  const fromLog = await stream.query({ ...RANGE, view: null });
  expect(fromLog.complete).toBe(false);
  expect(fromLog.missing).toEqual(expect.arrayContaining([expect.objectContaining({ reason: "trimmed", from: BASE })]));
  expect(Number(fromLog.rows[0]?.clicks)).toBeLessThanOrEqual(total - logStart);
}

describe("retention", () => {
  const folder = mkdtempSync(join(tmpdir(), "headwater-retention-"));
  let server: Server;
  beforeAll(async () => {
    server = await startServer({ persistTo: folder });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("by bytes drops the oldest segments, and keeps the newest", async () => {
    const stream = await StreamClient.create(server, "by-bytes", { retentionBytes: 700_000 });
    const total = await fill(stream, 20, 2_000);
    const status = await untilTrimmed(stream);
    expect(status.records).toBeGreaterThan(0);
    await expectHonest(stream, total, status);
  });

  test("by time drops what was logged too long ago, even if nothing comes after it", async () => {
    const stream = await StreamClient.create(server, "by-time", { retentionMs: 2_000 });
    const total = await fill(stream, 3, 500);
    const status = await untilTrimmed(stream);
    await expectHonest(stream, total, status);
    // Offsets go on where they were.
    const next = await stream.append({ events: [{ time: BASE, adId: "late" }] }, stream.keys.import);
    expect(next.body).toMatchObject({ offset: total });
  });

  test("by hand trims what lies below an offset", async () => {
    const stream = await StreamClient.create(server, "by-hand", {});
    const total = await fill(stream, 10, 2_000);
    const trimmed = await stream.admin<{ logStart: number }>("POST", "/partitions/0/trim", { before: 9_000 });
    expect(trimmed.status).toBe(200);
    expect(trimmed.body.logStart).toBe(9_000);
    await expectHonest(stream, total, await statusOf(stream));
  });

  test("leaves a replay only what the log still has: the rest is carried over, or missing by name", async () => {
    const stream = await StreamClient.create(server, "carried", {});
    const total = await fill(stream, 10, 2_000);
    await stream.admin("POST", "/partitions/0/trim", { before: 9_000 });

    // The same shape under another rule: windows that cannot be recomputed are the old ones, and the answer says so.
    const view = { name: "clicks_per_ad", groupBy: ["adId"], window: "1m", measures: { clicks: { count: true } } };
    const narrower = { ...view, where: { adId: "ad-1" } };
    const { body } = await stream.admin("POST", "/replays", { view: narrower, promote: "auto", maxDuty: 1 });
    await stream.replayUntil(String(body.id), ["promoted"]);
    const carried = await stream.query({ ...RANGE, every: "1m", groupBy: ["adId"], view: "clicks_per_ad" });
    expect(carried.complete).toBe(true);
    expect(carried.carried).toEqual([{ from: BASE, to: expect.any(Number) as number, generation: 1 }]);
    const carriedTo = Number(carried.carried[0]?.to);
    const adsBefore = new Set(carried.rows.filter((row) => Number(row.time) < carriedTo).map((row) => row.adId));
    const adsAfter = new Set(carried.rows.filter((row) => Number(row.time) >= carriedTo).map((row) => row.adId));
    expect(adsBefore.size).toBe(5);
    expect([...adsAfter]).toEqual(["ad-1"]);

    // Another shape has nothing to carry over.
    await stream.admin("PUT", "/views/per_type", {
      groupBy: ["type"],
      window: "1m",
      measures: { clicks: { count: true } },
    });
    const deadline = Date.now() + 60_000;
    let answer = await stream.ask({ ...RANGE, view: "per_type" });
    while (answer.status === 409 && Date.now() < deadline) {
      await delay(100);
      answer = await stream.ask({ ...RANGE, view: "per_type" });
    }
    expect(answer.body).toMatchObject({ complete: false, missing: [{ from: BASE, to: carriedTo, reason: "trimmed" }] });
    expect(Number(answer.body.rows[0]?.clicks)).toBeLessThan(total);
  });
});
