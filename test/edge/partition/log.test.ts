import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Query } from "#engine";
import { BASE_TIME } from "../../support/events.ts";
import { clicks, DAY, expectOk, generation, HeldPartition, HOUR, MINUTE } from "./held-partition.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const minuteOf = (time: number): number => Math.floor(time / MINUTE) * MINUTE;

const QUESTIONS: readonly Partial<Query>[] = [
  {},
  { groupBy: [], everyMs: HOUR, from: minuteOf(BASE_TIME), to: minuteOf(BASE_TIME) + 6 * HOUR },
  { groupBy: ["country", "ad"], where: { price: { gt: 0.1 } } },
  { groupBy: ["userId"], where: { not: { country: "US" } }, measures: { n: { avg: "price" } } },
  { groupBy: ["ad"], where: { userId: "u-3" } },
];

const answers = async (held: HeldPartition) => {
  const digests: string[] = [];
  for (const question of QUESTIONS) digests.push((await held.queryLog(question)).digest);
  return digests;
};

test("sealing changes no answer and no record", async () => {
  const held = await HeldPartition.make();
  for (let i = 0; i < 4; i++)
    await held.append(clicks(1_000, BASE_TIME, 900, 1_000 * i), { producer: "p", sequence: 1_000 * i });
  const before = await answers(held);
  const records = expectOk(await held.stub.records(0, 10_000)).records;
  expect((await held.status()).segments).toBe(0);
  // An eighth of the retention later the tail is old enough to be sealed.
  vi.setSystemTime(START + DAY);
  await held.ring();
  expect(await held.status()).toMatchObject({ segments: 1, logEnd: 4_000, checkpointOffset: 4_000 });
  expect(await held.rowCount("log")).toBe(0);
  expect(await answers(held)).toEqual(before);
  expect(expectOk(await held.stub.records(0, 10_000)).records).toEqual(records);
  await held.evict();
  expect(await answers(held)).toEqual(before);
  expect(await held.append(clicks(1_000, BASE_TIME), { producer: "p", sequence: 3_000 })).toMatchObject({
    duplicates: 1_000,
  });
});

test("the tail is sealed when it is as long as a segment, or has too many rows", async () => {
  const held = await HeldPartition.make();
  for (let i = 0; i < 3; i++) await held.append(clicks(4_000, BASE_TIME, 5, 4_000 * i));
  expect(await held.sql("SELECT base_offset, count FROM segments")).toEqual([{ base_offset: 0, count: 8_000 }]);
  for (let i = 0; i < 1_030; i++) await held.append(clicks(1, BASE_TIME));
  expect((await held.sql("SELECT base_offset, count FROM segments")).length).toBe(2);
  expect(await held.rowCount("log")).toBeLessThanOrEqual(1_024);
  const before = await answers(held);
  await held.abort();
  expect(await answers(held)).toEqual(before);
  expect((await held.queryView()).digest).toBe(before[0]);
});

test("what admission decided survives the sealing of its commits, before any checkpoint covers it", async () => {
  const held = await HeldPartition.make();
  const rejected = [{ index: 4_000, code: "too_old" as const, detail: "no" }];
  await held.append(clicks(4_000, BASE_TIME), { producer: "p", rejected, sequence: 5, lost: 5 });
  await held.append(clicks(4_000, BASE_TIME), { producer: "q" });
  await held.append(clicks(4_000, BASE_TIME), { producer: "r" });
  const before = await held.status();
  expect(before).toMatchObject({ segments: 1, checkpointOffset: 0, rejected: 1, lost: 5 });
  await held.abort();
  expect(await held.append(clicks(1, BASE_TIME), { producer: "p", sequence: 4_005 })).toMatchObject({ duplicates: 1 });
  expect(await held.append(clicks(1, BASE_TIME), { producer: "q", sequence: 3_999 })).toMatchObject({ duplicates: 1 });
  expect(await held.status()).toMatchObject({ rejected: 1, lost: 5, duplicates: 2 });
  expect(await held.stub.rejects()).toMatchObject([{ index: 4_000 }]);
});

test("counts survive checkpoints, the storing of producers, and crashes in between", async () => {
  const held = await HeldPartition.make();
  const rejected = [{ index: 0, code: "too_old" as const, detail: "no" }];
  let producers = 0;
  const send = async (count: number) => {
    const rows = clicks(count, BASE_TIME);
    const indexes = rows.map((_, i) => i + 1);
    await held.append(rows, { producer: `p-${producers++}`, rejected, indexes });
  };
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < 3; i++) await send(4_000);
    await held.abort();
    for (let i = 0; i < 6; i++) await send(10);
    vi.setSystemTime(START + (round + 1) * 6 * DAY);
    await held.ring();
    for (let i = 0; i < 4; i++) await send(1);
    expect(await held.rowCount("admissions")).toBe(0);
    await held.abort();
    expect((await held.status()).rejected).toBe(13 * (round + 1));
  }
});

test("a scan reads only segments that its range meets", async () => {
  const held = await HeldPartition.make();
  for (let hour = 0; hour < 4; hour++) await held.append(clicks(5_000, minuteOf(BASE_TIME) + hour * HOUR, 100));
  const from = minuteOf(BASE_TIME) + HOUR;
  const answer = await held.queryLog({ from, to: from + HOUR, groupBy: [] });
  expect(answer.recordsScanned).toBe(5_000);
  expect(answer.rows).toMatchObject([{ clicks: 5_000 }]);
});

test("retention by time: whole segments go, reading below says so, and views keep what the log lost", async () => {
  const held = await HeldPartition.make({ retentionMs: 8 * HOUR });
  const old = clicks(600, minuteOf(BASE_TIME), 1_000);
  await held.append(old);
  vi.setSystemTime(START + 2 * HOUR);
  await held.ring();
  await held.append(clicks(600, minuteOf(BASE_TIME) + DAY, 1_000, 600));
  const whole = await held.queryView();
  vi.setSystemTime(START + 9 * HOUR);
  await held.ring();
  expect(await held.status()).toMatchObject({ logStart: 600, logEnd: 1_200, records: 600 });
  const failure = { reason: "offset_trimmed", logStart: 600, readableFrom: 600 };
  expect(await held.stub.records(599, 1)).toEqual({ ok: false, failure });
  expect(expectOk(await held.stub.records(600, 1)).records[0]?.offset).toBe(600);
  expect((await held.queryView()).digest).toBe(whole.digest);
  expect((await held.queryView()).missing).toEqual([]);

  const lost = await held.queryLog();
  expect(lost.rows.length).toBe(7);
  expect(lost.missing).toEqual([
    { from: minuteOf(BASE_TIME), to: minuteOf(BASE_TIME) + 10 * MINUTE, reason: "trimmed" },
  ]);
  // A range that nothing was lost of is complete.
  expect((await held.queryLog({ from: minuteOf(BASE_TIME) + DAY })).missing).toEqual([]);
  await held.abort();
  expect((await held.queryView()).digest).toBe(whole.digest);
  expect((await held.queryLog()).missing).toEqual(lost.missing);
});

test("retention by bytes: the oldest segments go first, and only as many as must", async () => {
  const held = await HeldPartition.make({ retentionBytes: 400_000 });
  for (let i = 0; i < 12; i++) {
    await held.append(clicks(6_000, BASE_TIME + i * HOUR, 100, 6_000 * i));
    await held.ring();
  }
  const { logStart, logEnd } = await held.status();
  expect(logStart).toBeGreaterThan(0);
  expect(logEnd).toBe(72_000);
  const [{ bytes } = { bytes: 0 }] = await held.sql<{ bytes: number }>("SELECT sum(bytes) AS bytes FROM segments");
  expect(bytes).toBeLessThanOrEqual(400_000);
  expect(bytes).toBeGreaterThan(200_000);
  const { rows } = await held.queryView({ groupBy: [] });
  expect(rows).toMatchObject([{ clicks: 72_000 }]);
});

test("offsets are never used again, not even when everything was trimmed", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(50, BASE_TIME), { producer: "p" });
  expect(await held.stub.trim(50)).toEqual({ ok: true, value: { logStart: 50 } });
  for (const lose of [() => held.evict(), () => held.abort()]) {
    await lose();
    expect(await held.status()).toMatchObject({ logStart: 50, logEnd: 50, records: 0, oldestAppendTime: null });
  }
  expect(await held.append(clicks(1, BASE_TIME), { producer: "p", sequence: 50 })).toMatchObject({ offset: 50 });
  expect((await held.queryView({ groupBy: [] })).rows).toMatchObject([{ clicks: 51 }]);
});

test("trim takes the records below an offset, wherever in a segment or in the tail that is, and nothing else", async () => {
  const held = await HeldPartition.make();
  for (let i = 0; i < 4; i++) await held.append(clicks(5_000, BASE_TIME, 5, 5_000 * i));
  for (const before of [10_001, 10_002, 17_500]) {
    expect(expectOk(await held.stub.trim(before))).toEqual({ logStart: before });
    expect(expectOk(await held.stub.trim(3))).toEqual({ logStart: before });
    await held.abort();
    expect(await held.status()).toMatchObject({ logStart: before, logEnd: 20_000, records: 20_000 - before });
    const { records } = expectOk(await held.stub.records(before, 10_000));
    expect(records.map(({ offset }) => offset)).toEqual(Array.from({ length: 20_000 - before }, (_, i) => before + i));
  }
  expect((await held.queryView({ groupBy: [] })).rows).toMatchObject([{ clicks: 20_000 }]);
  expect((await held.queryLog({ groupBy: [] })).rows).toMatchObject([{ clicks: 2_500 }]);
});

/** Twelve appends, each on ads of its own, and the time that passes after each. */
async function appendOnNewAds(held: HeldPartition, everyMs: number): Promise<void> {
  for (let i = 0; i < 12; i++) {
    await held.append(
      clicks(50, BASE_TIME + i * MINUTE, 7, 50 * i).map((row) => ({ ...row, ad: `${String(row.ad)}-${i}` })),
    );
    vi.setSystemTime(START + (i + 1) * everyMs);
    await held.ring();
  }
}

const dictionariesOf = (held: HeldPartition) =>
  held.sql("SELECT DISTINCT generation FROM dictionaries ORDER BY generation");

test("dictionaries are renewed, and old ones stay as long as a view has windows that refer to them", async () => {
  const held = await HeldPartition.make({ retentionMs: 16 * HOUR });
  await appendOnNewAds(held, 3 * HOUR);
  expect(await dictionariesOf(held)).toContainEqual({ generation: 1 });
  expect((await dictionariesOf(held)).length).toBeGreaterThan(3);
  await held.evict();
  const { rows } = await held.queryView();
  expect(rows.length).toBe(12 * 7);
  expect((await held.queryLog()).rows.length).toBeGreaterThan(7);
});

test("old dictionaries go with the last segment and the last window that name them", async () => {
  const held = await HeldPartition.make({
    retentionMs: 16 * HOUR,
    generations: [generation({ retentionMs: 2 * DAY })],
  });
  await appendOnNewAds(held, 12 * HOUR);
  const kept = await dictionariesOf(held);
  expect(kept.length).toBeGreaterThan(1);
  // Windows of two days and what was changed since they were last looked through, a renewal every twelve hours.
  expect(kept.length).toBeLessThanOrEqual(8);
  expect(kept).not.toContainEqual({ generation: 1 });
  await held.evict();
  const { rows } = await held.queryView();
  expect(rows.length).toBeGreaterThanOrEqual(4 * 7);
  expect(rows.length).toBeLessThan(12 * 7);
});

test("identifiers may change: what was written before keeps its encoding, and still answers", async () => {
  const held = await HeldPartition.make({ identifiers: [] });
  await held.append(clicks(100, BASE_TIME));
  await held.configure({ identifiers: ["userId", "ad"] });
  await held.append(clicks(100, BASE_TIME, 7, 100));
  const reference = await HeldPartition.make();
  await reference.append(clicks(200, BASE_TIME, 7).map((row, i) => ({ ...row, time: BASE_TIME + (i % 100) * 7 })));
  for (const question of QUESTIONS) {
    expect((await held.queryLog(question)).rows).toEqual((await reference.queryLog(question)).rows);
  }
  expect((await held.queryView()).rows).toEqual((await reference.queryView()).rows);
});

test("a third scan waits, and too many are refused", async () => {
  const held = await HeldPartition.make();
  for (let i = 0; i < 3; i++) await held.append(clicks(5_000, BASE_TIME, 5, 5_000 * i));
  const asked = await Promise.all(Array.from({ length: 90 }, () => held.tryQuery()));
  const refused = asked.filter((answer) => !answer.ok);
  expect(refused.length).toBeGreaterThan(0);
  for (const answer of refused) expect(answer).toMatchObject({ failure: { reason: "overloaded" } });
  const digests = new Set(asked.flatMap((answer) => (answer.ok ? [answer.value.digest] : [])));
  expect(digests.size).toBe(1);
});
