import { abortAllDurableObjects, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { BASE_TIME } from "../../support/events.ts";
import { clicks, DAY, expectOk, generation, HeldPartition, HOUR, MINUTE } from "./held-partition.ts";

afterEach(() => vi.useRealTimers());

test("events get dense offsets, and can be read back as they were sent", async () => {
  const held = await HeldPartition.make();
  const rows = clicks(3, BASE_TIME);
  expect(await held.append(rows.slice(0, 2))).toMatchObject({
    partition: 0,
    offset: 0,
    accepted: 2,
    lastSequence: null,
  });
  expect(await held.append(rows.slice(2))).toMatchObject({ offset: 2, accepted: 1 });
  const { records, next, logEnd } = expectOk(await held.stub.records(0, 10));
  expect(records.map(({ offset }) => offset)).toEqual([0, 1, 2]);
  expect(records).toEqual(rows.map((row, offset) => ({ ...row, offset, appendTime: expect.any(Number) as number })));
  expect([next, logEnd]).toEqual([3, 3]);
});

test("an append writes one row, however many events it has", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(1, BASE_TIME));
  await held.status();
  const before = (await held.status()).rowsWritten;
  await held.append(clicks(500, BASE_TIME), { producer: "p" });
  expect((await held.status()).rowsWritten - before).toBe(1);
});

test("appends that wait together share a row", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(1, BASE_TIME));
  const before = await held.rowCount("log");
  const replies = await Promise.all(
    Array.from({ length: 64 }, (_, i) => held.append(clicks(2, BASE_TIME), { producer: `p-${i}`, kind: "write" })),
  );
  expect(new Set(replies.map(({ offset }) => offset)).size).toBe(64);
  expect((await held.status()).logEnd).toBe(129);
  expect((await held.rowCount("log")) - before).toBeLessThan(20);
});

test("a retry is a duplicate, also when it shares its original's commit", async () => {
  const held = await HeldPartition.make();
  const rows = clicks(5, BASE_TIME);
  const options = { producer: "p", sequence: 10, lost: 10 };
  // The first commits alone; the others wait for it, and are committed together.
  const [, ...replies] = await Promise.all([
    held.append(clicks(1, BASE_TIME)),
    held.append(rows, options),
    held.append(rows, options),
    held.append(rows, options),
  ]);
  expect(await held.rowCount("log")).toBe(2);
  expect(replies.map(({ accepted }) => accepted)).toEqual([5, 0, 0]);
  expect(replies.map(({ lastSequence }) => lastSequence)).toEqual([14, 14, 14]);
  expect(await held.status()).toMatchObject({ logEnd: 6, duplicates: 10, lost: 10 });
  // A retry that is cut elsewhere: only what is new counts.
  expect(await held.append(clicks(5, BASE_TIME), { producer: "p", sequence: 12 })).toMatchObject({
    offset: 6,
    accepted: 2,
    duplicates: 3,
  });
});

test("a wholly duplicate request writes nothing", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(5, BASE_TIME), { producer: "p" });
  const before = (await held.status()).rowsWritten;
  expect(await held.append(clicks(5, BASE_TIME), { producer: "p" })).toMatchObject({
    accepted: 0,
    duplicates: 5,
    offset: null,
  });
  expect((await held.status()).rowsWritten).toBe(before);
});

test("producers are known after eviction and after a crash: duplicates, gaps and forks are told apart", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(5, BASE_TIME), { producer: "p", commits: [[0, "aa"]] });
  for (const lose of [() => held.evict(), () => held.abort()]) {
    await lose();
    expect(await held.append(clicks(5, BASE_TIME), { producer: "p", commits: [[0, "aa"]] })).toMatchObject({
      duplicates: 5,
    });
    expect(await held.tryAppend(clicks(1, BASE_TIME), { producer: "p", sequence: 6 })).toEqual({
      ok: false,
      failure: { reason: "sequence_gap", expected: 5, received: 6 },
    });
    expect(await held.tryAppend(clicks(5, BASE_TIME), { producer: "p", commits: [[0, "bb"]] })).toMatchObject({
      failure: { reason: "producer_forked", commits: [[0, "aa"]] },
    });
  }
  expect((await held.status()).logEnd).toBe(5);
});

test("what producers tell of what they dropped is known by reason, and counts once, after eviction and after a crash", async () => {
  const held = await HeldPartition.make();
  const told = { log_full: 2, expired: 1 };
  await held.append(clicks(1, BASE_TIME), { producer: "p", dropped: told });
  await held.append(clicks(1, BASE_TIME), { producer: "q", sequence: 3, lost: 3, dropped: { cleared: 3 } });
  for (const lose of [() => held.evict(), () => held.abort()]) {
    await lose();
    expect(await held.status()).toMatchObject({ lost: 3, dropped: { log_full: 2, expired: 1, cleared: 3 } });
    // Totals of before come again with a retry, and with whatever is new.
    await held.append(clicks(1, BASE_TIME), { producer: "p", dropped: told });
  }
  await held.append(clicks(1, BASE_TIME), {
    producer: "p",
    sequence: 1,
    dropped: { ...told, log_full: 5, whatever: 1 },
  });
  expect((await held.status()).dropped).toEqual({ log_full: 5, expired: 1, cleared: 3, other: 1 });
});

test("an Idempotency-Key stands for one batch, and is forgotten after a day", async () => {
  const held = await HeldPartition.make();
  const options = { producer: "key", once: true };
  expect(await held.append(clicks(2, BASE_TIME), options)).toMatchObject({ accepted: 2, lastSequence: null });
  expect(await held.append(clicks(2, BASE_TIME), options)).toMatchObject({ accepted: 0, duplicates: 2 });
  vi.useFakeTimers({ now: Date.now() + DAY + HOUR, toFake: ["Date"] });
  expect(await held.append(clicks(2, BASE_TIME), options)).toMatchObject({ accepted: 2 });
});

test("what was acknowledged survives a crash; what was not on disk yet leaves no trace in memory", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(3, BASE_TIME), { producer: "p" });
  const crashed = runInDurableObject(held.stub, async (instance, ctx) => {
    // Committed in memory and handed to SQLite, but the process dies before it reaches the disk.
    void instance.append(held.request(clicks(4, BASE_TIME, 7, 3), { producer: "p", sequence: 3 }));
    ctx.abort("power cut");
  });
  await expect(crashed).rejects.toThrow();
  expect(await held.status()).toMatchObject({ logEnd: 3 });
  expect((await held.queryView()).digest).toBe((await held.queryLog()).digest);
  expect(await held.append(clicks(4, BASE_TIME, 7, 3), { producer: "p", sequence: 3 })).toMatchObject({
    accepted: 4,
    offset: 3,
  });
  await abortAllDurableObjects();
  expect(await held.status()).toMatchObject({ logEnd: 7 });
});

test("a batch of which every event was rejected uses up its sequences", async () => {
  const held = await HeldPartition.make();
  const rejected = [0, 1].map((index) => ({ index, code: "invalid_type" as const, detail: "no" }));
  expect(await held.append([], { producer: "p", rejected })).toEqual({
    partition: 0,
    offset: null,
    accepted: 0,
    duplicates: 0,
    rejected,
    lastSequence: 1,
  });
  await held.evict();
  expect(await held.append(clicks(1, BASE_TIME), { producer: "p", sequence: 2 })).toMatchObject({
    accepted: 1,
    offset: 0,
  });
  expect(await held.status()).toMatchObject({ logEnd: 1, rejected: 2 });
  expect(await held.stub.rejects()).toMatchObject([{ index: 0, code: "invalid_type", partition: 0 }, { index: 1 }]);
});

test("duplicate wins over rejected", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(2, BASE_TIME), { producer: "p" });
  const rejected = [
    { index: 1, code: "too_old" as const, detail: "" },
    { index: 3, code: "too_old" as const, detail: "" },
  ];
  const reply = await held.append(clicks(2, BASE_TIME), { producer: "p", rejected, indexes: [0, 2] });
  expect(reply).toMatchObject({ accepted: 1, duplicates: 2, rejected: [{ index: 3 }], lastSequence: 3 });
});

test("a page's clock is not believed beyond the append time, an import's is; only a page can be late", async () => {
  const held = await HeldPartition.make();
  const now = Date.now();
  const ahead = { time: now + HOUR, type: "click", ad: "a" };
  const late = { time: now - 2 * HOUR, type: "click", ad: "a" };
  await held.append([ahead, late], { kind: "write" });
  await held.append([ahead, late], { kind: "import" });
  const { records } = expectOk(await held.stub.records(0, 10));
  expect(records[0]?.time).toBe(records[0]?.appendTime);
  expect(records[2]?.time).toBe(now + HOUR);
  const status = await held.status();
  expect(status.late).toBe(1);
  expect(status.watermark).toBeLessThanOrEqual(Date.now());
});

test("append times never fall, though the clock may", async () => {
  const held = await HeldPartition.make();
  vi.useFakeTimers({ now: Date.now() + HOUR, toFake: ["Date"] });
  await held.append(clicks(1, BASE_TIME));
  vi.setSystemTime(Date.now() - 30 * MINUTE);
  await held.append(clicks(1, BASE_TIME));
  await held.evict();
  await held.append(clicks(1, BASE_TIME));
  const { records } = expectOk(await held.stub.records(0, 10));
  expect(new Set(records.map(({ appendTime }) => appendTime)).size).toBe(1);
});

test("a full partition refuses what is new, and still knows a duplicate", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(2, BASE_TIME), { producer: "p" });
  await runInDurableObject(held.stub, (_, { storage }) => {
    Object.defineProperty(storage.sql, "databaseSize", { get: () => 9_600_000_000, configurable: true });
  });
  expect(await held.tryAppend(clicks(1, BASE_TIME), { producer: "p", sequence: 2 })).toEqual({
    ok: false,
    failure: { reason: "storage_full", bytes: 9_600_000_000, max: 9_500_000_000 },
  });
  expect(await held.append(clicks(2, BASE_TIME), { producer: "p" })).toMatchObject({ duplicates: 2 });
  expect((await held.status()).logEnd).toBe(2);
});

test("attribute names are bounded: an event that would bring one too many is rejected, its neighbours are not", async () => {
  const held = await HeldPartition.make();
  const named = (from: number, count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, i) => [`n${from + i}`, i]));
  for (let from = 0; from < 256; from += 64)
    await held.append([{ time: BASE_TIME, type: "click", ...named(from, 63) }]);
  const reply = await held.append([
    { time: BASE_TIME, type: "click", ...named(1000, 5) },
    { time: BASE_TIME, type: "click", n0: 1 },
  ]);
  await held.append([{ time: BASE_TIME, type: "click", ...named(2000, 4) }]);
  // Now there is room for no other name; what the edge adds by itself does not count.
  const enriched = [{ time: BASE_TIME, type: "click", country: "US", device: "mobile", ip: "x" }];
  expect(await held.append(enriched)).toMatchObject({ accepted: 1, rejected: [] });
  expect(await held.append([{ time: BASE_TIME, n9999: 1 }])).toMatchObject({ accepted: 0 });
  expect(reply).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: "too_many_attributes" }] });
});

test("an import too long for a row takes several, and is one commit all the same", async () => {
  const held = await HeldPartition.make();
  const rows = clicks(10_000, BASE_TIME, 3).map((row, i) => ({ ...row, text: `${i}`.repeat(20) }));
  expect(await held.append(rows, { producer: "p" })).toMatchObject({ offset: 0, accepted: 10_000 });
  const sizes = await held.sql<{ bytes: number }>("SELECT length(hot) + length(cold) AS bytes FROM log");
  const segments = await held.sql<{ bytes: number }>("SELECT max(length(hot), length(cold)) AS bytes FROM segments");
  for (const { bytes } of [...sizes, ...segments]) expect(bytes).toBeLessThanOrEqual(1024 * 1024);
  await held.evict();
  const { records } = expectOk(await held.stub.records(9_990, 10));
  expect(records.map((record) => record["text"])).toEqual(rows.slice(-10).map(({ text }) => text));
  expect((await held.queryLog()).digest).toBe((await held.queryView()).digest);
});

test("caller and partition settle which configuration holds", async () => {
  const held = new HeldPartition();
  expect(await held.tryAppend(clicks(1, BASE_TIME))).toEqual({ ok: false, failure: { reason: "config_needed" } });
  await held.configure();
  const old = held.request(clicks(1, BASE_TIME));
  await held.configure({ allowedLatenessMs: 5 });
  expect(await held.stub.append(old)).toEqual({ ok: false, failure: { reason: "stale_config", version: 3 } });
  expect(await held.stub.append({ ...old, configVersion: 4 })).toEqual({
    ok: false,
    failure: { reason: "config_needed" },
  });
  expect(await held.stub.configure({ ...held.config, version: 1 })).toEqual({
    ok: false,
    failure: { reason: "stale_config", version: 3 },
  });
  await held.evict();
  expect(await held.stub.append(old)).toMatchObject({ failure: { reason: "stale_config" } });
});

test("a deleted partition stays deleted", async () => {
  const held = await HeldPartition.make({ generations: [generation()] });
  await held.append(clicks(1, BASE_TIME));
  await held.stub.destroy();
  const gone = { ok: false, failure: { reason: "deleted" } };
  expect(await held.tryAppend(clicks(1, BASE_TIME))).toEqual(gone);
  expect(await held.stub.configure({ ...held.config, version: 9 })).toEqual(gone);
  await abortAllDurableObjects();
  expect(await held.stub.status()).toEqual(gone);
  expect(await held.rowCount("log")).toBe(0);
});
