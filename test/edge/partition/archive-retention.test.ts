/** The archive of a stream that keeps it for so long: packs go, by name, and answers outlive them. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ArchiveRetention } from "../../../edge/partition/archive-retention.ts";
import { FrozenPartials } from "../../../edge/partition/frozen-partials.ts";
import type { Partition } from "../../../edge/partition/partition.ts";
import { queryLog } from "../../../edge/partition/query.ts";
import { BASE, bucket, inObject, makeArchived, objectsOf, pass, START } from "./archived-partition.ts";
import { clicks, DAY, expectOk, generation, HeldPartition, HOUR, MINUTE, wholeRange } from "./held-partition.ts";

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const keysOf = async (held: HeldPartition): Promise<number> => (await objectsOf(held)).length;

/** Three packs, each of another hour, appended four hours apart; the log itself is empty. */
async function withPacks(archiveRetentionMs: number | null): Promise<HeldPartition> {
  const held = await makeArchived({ archiveRetentionMs });
  for (let hour = 0; hour < 3; hour++) {
    await held.append(clicks(100, BASE + hour * HOUR, 7));
    await pass(held, 4 * HOUR);
  }
  return held;
}

const minuteOf = (hour: number) => ({ from: BASE + hour * HOUR, to: BASE + hour * HOUR + MINUTE });

test("packs go when they are older than that, object and all; what they held is missing by name, and views keep it", async () => {
  const held = await withPacks(14 * HOUR);
  const before = await held.queryView({ everyMs: MINUTE });
  expect((await held.status()).archive).toMatchObject({ start: 0, packs: 3 });
  await pass(held, 4 * HOUR);
  expect((await held.status()).archive).toMatchObject({ start: 100, end: 300, packs: 2 });
  expect(await keysOf(held)).toBe(2);
  expect(await held.queryLog({ groupBy: [] })).toMatchObject({
    rows: [{ clicks: 200 }],
    missing: [{ ...minuteOf(0), reason: "trimmed" }],
  });
  expect(await held.stub.records(0, 10)).toMatchObject({ ok: false, failure: { readableFrom: 100 } });
  expect((await held.queryView({ everyMs: MINUTE })).digest).toBe(before.digest);

  // A replay has the rest, and carries over what is gone.
  await held.configure({ generations: [generation(), generation({ generation: 2, against: 1 })] });
  await held.settle();
  expect(await held.generation(2)).toMatchObject({ from: 100, carried: [{ generation: 1 }], missing: [] });
  expect((await held.queryView({ everyMs: MINUTE }, 2)).digest).toBe(before.digest);

  await pass(held, DAY);
  expect((await held.status()).archive).toMatchObject({ start: null, packs: 0, bytes: 0 });
  expect(await keysOf(held)).toBe(0);
});

test("without one they stay, and a shorter one that is set later takes them", async () => {
  const held = await withPacks(null);
  await pass(held, 300 * DAY);
  expect((await held.status()).archive).toMatchObject({ packs: 3 });
  await held.configure({ archiveRetentionMs: DAY });
  await pass(held, MINUTE);
  expect((await held.status()).archive).toMatchObject({ packs: 0 });
});

test("a pack that a replay still needs is waited for, and then the replay fails; what the log has stays archived", async () => {
  const held = await withPacks(13 * HOUR);
  await held.configure({ generations: [generation(), generation({ generation: 2, paused: true })] });
  await pass(held, 2 * HOUR);
  expect((await held.status()).archive).toMatchObject({ packs: 3 });
  await pass(held, 5 * HOUR);
  expect((await held.status()).archive).toMatchObject({ packs: 1 });
  expect(await held.generation(2)).toMatchObject({
    state: "failed",
    error: "the archive's retention overtook the replay",
  });

  const ahead = await makeArchived({ retentionMs: 7 * DAY, archiveRetentionMs: HOUR });
  await ahead.append(clicks(100, BASE));
  expectOk(await ahead.stub.trim(50));
  await pass(ahead, DAY);
  expect(await ahead.status()).toMatchObject({ logStart: 50, archive: { packs: 1 } });
});

test("a scan names what went before it was read", async () => {
  const held = await withPacks(null);
  await inObject(held, async (partition) => {
    const query = wholeRange({ groupBy: [] });
    const scan = queryLog(partition, { configVersion: 1, query, source: { kind: "log" } }, new FrozenPartials());
    // It waits for the first pack, which it gets; the second one goes meanwhile.
    partition.database.transaction(() => {
      partition.trimmed.add([minuteOf(0), minuteOf(1)]);
      partition.packs.removeFirst();
      partition.packs.removeFirst();
    });
    expect(expectOk(await scan)).toMatchObject({
      recordsScanned: 200,
      missing: [
        { ...minuteOf(0), reason: "trimmed" },
        { ...minuteOf(1), reason: "trimmed" },
      ],
    });
  });
});

test("an object that could not be removed is removed later; its records are gone from the first moment on", async () => {
  const held = await withPacks(14 * HOUR);
  vi.setSystemTime(Date.now() + 4 * HOUR);
  let isDown = true;
  const failing = {
    get: (key: string) => bucket.get(key),
    delete: (key: string) => (isDown ? Promise.reject(new Error("R2 is down")) : bucket.delete(key)),
  } as unknown as R2Bucket;
  const inRetention = (work: (retention: ArchiveRetention, partition: Partition) => Promise<void>) =>
    inObject(held, (partition, facts) => work(new ArchiveRetention(partition, facts), partition), failing);
  await inRetention(async (retention, partition) => {
    await retention.run();
    expect(partition.packs.start).toBe(100);
    expect(retention.due(Date.now())).toBe(Date.now() + 1_000);
  });
  expect(await keysOf(held)).toBe(3);
  isDown = false;
  // As after a restart: what is left over is known from the disk.
  await inRetention(async (retention, partition) => {
    expect(retention.due(Date.now())).toBe(Date.now());
    await retention.run();
    expect(partition.packs.start).toBe(100);
    expect(retention.due(Date.now())).toBeGreaterThan(Date.now());
  });
  expect(await keysOf(held)).toBe(2);
});
