/** The parts that keep what is derived from the log, each alone on a real database. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type CommitPoint, TIME_LIMITS } from "#protocol";
import type { ProducerEntry } from "#engine";
import {
  type AdmissionRecord,
  decodeAdmission,
  encodeAdmission,
  mergeAdmissions,
} from "../../../edge/partition/admission-record.ts";
import { Alarms, type Task } from "../../../edge/partition/alarms.ts";
import { Database } from "../../../edge/partition/database.ts";
import { NO_COUNTS } from "../../../edge/partition/facts.ts";
import { ProducerStore } from "../../../edge/partition/producers.ts";
import { PARTITION_LIMITS } from "../../../edge/partition/limits.ts";
import { SoundWindows } from "../../../edge/partition/sound-windows.ts";
import { runSlices } from "../../../edge/partition/slices.ts";
import { keyOf } from "./held-partition.ts";

const onDatabase = <T>(name: string, body: (database: Database) => T | Promise<T>): Promise<T> =>
  runInDurableObject(env.PARTITION.getByName(`stores-${name}`), (_, { storage }) => body(new Database(storage)));

const NOW = 1_763_790_000_000;
const entry = (last: number, overrides: Partial<ProducerEntry> = {}): ProducerEntry => ({
  kind: "write",
  last,
  lastAt: NOW,
  points: [[last, `commit-${last}`]],
  dropped: {},
  ...overrides,
});

test("which rows of windows are sound is known until they are written or go, and of a bounded number", () => {
  const rows = new SoundWindows();
  rows.foundSound(1);
  rows.foundSound(2);
  rows.forget(1);
  expect([1, 2, 3].filter((key) => rows.isSound(key))).toEqual([2]);
  for (let i = 0; i < PARTITION_LIMITS.soundWindowsMax; i++) rows.foundSound(10 + i);
  expect(rows.isSound(2)).toBe(false);
  expect(rows.isSound(9 + PARTITION_LIMITS.soundWindowsMax)).toBe(true);
  rows.forgetAll();
  expect(rows.isSound(9 + PARTITION_LIMITS.soundWindowsMax)).toBe(false);
});

test("producers outgrow a bucket, and are found all the same", async () => {
  await onDatabase("producers", (database) => {
    const store = new ProducerStore(database);
    const slot = 7;
    const key = (i: number) => keyOf(`producer-${i}`);
    for (let round = 0; round < 3; round++) {
      for (let i = round * 1_500; i < (round + 1) * 1_500; i++) store.set({ key: key(i), slot, entry: entry(i) });
      store.beginStoring();
      expect(database.transaction(() => store.storeSlots(1, NOW))).toBe(true);
      expect(store.changed).toBe(0);
    }
    const rows = database.all<{ bucket: number; length: number }>(
      "SELECT bucket, length(entries) AS length FROM producers",
    );
    expect(rows.length).toBeGreaterThan(1);
    expect(Math.log2(rows.length) % 1).toBe(0);
    for (const { bucket, length } of rows) {
      expect(Math.floor(bucket / 4_096)).toBe(slot);
      expect(length).toBeLessThanOrEqual(128 * 1024);
    }
    // Another object wakes over the same rows.
    const woken = new ProducerStore(database);
    for (let i = 0; i < 4_500; i += 7) expect(woken.get(slot, key(i), NOW)).toEqual(entry(i));
    expect(woken.get(slot, key(9_999), NOW)).toBeUndefined();
    expect(woken.get(slot + 1, key(0), NOW)).toBeUndefined();
  });
});

test("producers are forgotten in their time: pages' after 90 days, keys' after one, imports' never", async () => {
  await onDatabase("forgotten", (database) => {
    const store = new ProducerStore(database);
    const kinds = ["write", "once", "import"] as const;
    for (const kind of kinds) store.set({ key: keyOf(kind), slot: 1, entry: entry(1, { kind }) });
    const known = (now: number) => kinds.filter((kind) => store.get(1, keyOf(kind), now) !== undefined);
    const dayLater = NOW + TIME_LIMITS.idempotencyKeyKeptMs + 1;
    const muchLater = NOW + TIME_LIMITS.producerForgottenAfterMs + 1;
    expect(known(NOW)).toEqual(["write", "once", "import"]);
    expect(known(dayLater)).toEqual(["write", "import"]);
    store.beginStoring();
    store.storeSlots(Infinity, NOW);
    expect(known(muchLater)).toEqual(["import"]);
    // What is forgotten goes from its bucket when that is next written.
    store.set({ key: keyOf("new"), slot: 1, entry: entry(1, { lastAt: muchLater }) });
    store.beginStoring();
    store.storeSlots(Infinity, muchLater);
    expect(database.only<{ entries: string }>("SELECT entries FROM producers").entries).not.toContain(keyOf("write"));
  });
});

test("producers are stored slot by slot; one that changes meanwhile is stored as it is then", async () => {
  await onDatabase("slots", (database) => {
    const store = new ProducerStore(database);
    const set = (i: number, last: number) => store.set({ key: keyOf(`p${i}`), slot: i, entry: entry(last) });
    for (let i = 0; i < 10; i++) set(i, 1);
    store.beginStoring();
    expect(store.storeSlots(4, NOW)).toBe(false);
    for (let i = 0; i < 12; i++) set(i, 2);
    expect(store.storeSlots(4, NOW)).toBe(false);
    expect(store.storeSlots(4, NOW)).toBe(true);
    // The first four changed after they were stored, the last two came after storing began.
    expect(store.changed).toBe(6);
    const woken = new ProducerStore(database);
    const last = Array.from({ length: 12 }, (_, i) => woken.get(i, keyOf(`p${i}`), NOW)?.last);
    expect(last).toEqual([1, 1, 1, 1, 2, 2, 2, 2, 2, 2, undefined, undefined]);
  });
});

const points = fc.array(fc.tuple(fc.nat(100), fc.string({ minLength: 1, maxLength: 64 })), { maxLength: 16 });
const admission: fc.Arbitrary<AdmissionRecord> = fc
  .record({
    names: fc.uniqueArray(fc.nat(20), { maxLength: 5 }),
    last: fc.nat(1000),
    points,
    duplicates: fc.nat(5),
    rejects: fc.array(fc.record({ index: fc.nat(9), code: fc.constant("too_old" as const), detail: fc.string() }), {
      maxLength: 2,
    }),
  })
  .map(({ names, last, points: commits, duplicates, rejects }) => ({
    producers: new Map(
      names.map((name) => {
        const change = { key: keyOf(`p${name}`), slot: name, entry: entry(last, { points: commits as CommitPoint[] }) };
        return [change.key, change];
      }),
    ),
    counters: { ...NO_COUNTS, duplicates },
    rejects: rejects.map((reject) => ({ ...reject, partition: 0, at: NOW })),
  }));

test("what admission decided comes back as it was written, and merges like a log of it", () => {
  fc.assert(
    fc.property(fc.array(admission, { maxLength: 6 }), fc.nat(6), (records, cut) => {
      for (const record of records) expect(decodeAdmission(encodeAdmission(record))).toEqual(record);
      const replayed = (list: readonly AdmissionRecord[]) => ({
        producers: new Map(list.flatMap((record) => [...record.producers])),
        duplicates: list.reduce((sum, { counters }) => sum + counters.duplicates, 0),
        rejects: list.flatMap(({ rejects }) => rejects),
      });
      const merged = [...mergeAdmissions(records.slice(0, cut)), ...mergeAdmissions(records.slice(cut))];
      expect(replayed(merged)).toEqual(replayed(records));
    }),
  );
});

test("merged admissions are cut where they would not fit a row", () => {
  const change = (i: number) => ({
    key: keyOf(`p${i}`),
    slot: 0,
    entry: entry(i, { points: Array.from({ length: 16 }, (_, n) => [n, "x".repeat(64)] as const) }),
  });
  const producers = new Map(Array.from({ length: 2_000 }, (_, i) => [change(i).key, change(i)]));
  const merged = mergeAdmissions([{ producers, counters: NO_COUNTS, rejects: [] }]);
  expect(merged.length).toBeGreaterThan(1);
  for (const record of merged) expect(encodeAdmission(record)?.length).toBeLessThan(1024 * 1024);
  expect(merged.reduce((sum, record) => sum + record.producers.size, 0)).toBe(2_000);
});

// --- Alarms ---

function alarmed(tasks: readonly Task[]) {
  let alarm: number | null = null;
  const sets: number[] = [];
  const storage = {
    getAlarm: () => Promise.resolve(alarm),
    setAlarm: (at: number) => {
      alarm = at;
      sets.push(at);
      return Promise.resolve();
    },
  } as unknown as DurableObjectStorage;
  return { alarms: new Alarms(storage, new Database(storage), () => tasks), sets, lose: () => (alarm = null) };
}

test("the alarm is set for what is due first, and not set again without need", async () => {
  const now = Date.now();
  let due = now + 60_000;
  const { alarms, sets } = alarmed([
    { due: () => null, run: () => Promise.resolve() },
    { due: () => due, run: () => Promise.resolve() },
    { due: () => now + 90_000, run: () => Promise.resolve() },
  ]);
  await alarms.arm(now);
  await alarms.arm(now);
  alarms.watch(now);
  expect(sets).toEqual([now + 60_000]);
  due = now + 10_000;
  await alarms.arm(now);
  expect(sets).toEqual([now + 60_000, now + 10_000]);
  // Later than what it is set for: it rings, finds nothing, and is set again then.
  due = now + 50_000;
  await alarms.arm(now);
  expect(sets.length).toBe(2);
});

test("an alarm that was lost is set again by whoever comes by; one that is due at once does not ring in a loop", async () => {
  const now = Date.now();
  const { alarms, sets } = alarmed([{ due: (at) => at, run: () => Promise.resolve() }]);
  await alarms.arm(now);
  expect(sets).toEqual([now + 100]);
  alarms.watch(now + 5_000);
  expect(sets.length).toBe(1);
  alarms.watch(now + 20_000);
  await Promise.resolve();
  expect(sets).toEqual([now + 100, now + 20_100]);
});

test("a task that throws does not keep the alarm from being set again", async () => {
  const ran: string[] = [];
  const { alarms, sets } = alarmed([
    { due: () => Date.now() - 1, run: () => Promise.reject(new Error("no")) },
    { due: () => Date.now() + 1_000_000, run: () => Promise.resolve(void ran.push("early")) },
  ]);
  await expect(alarms.ring()).rejects.toThrow("no");
  expect(sets.length).toBe(1);
  expect(ran).toEqual([]);
});

test("slices stop when the work is done, when its time is up, and when what it works on is gone", async () => {
  const slices = { size: () => ({ ms: 5, stepsMax: 4 }), duty: () => 1, forMs: Infinity, isStopped: () => false };
  let steps = 0;
  expect(await runSlices({ ...slices, step: () => ++steps < 10 })).toBe(false);
  expect(steps).toBe(10);
  expect(await runSlices({ ...slices, step: () => true, forMs: 0 })).toBe(true);
  let isStopped = false;
  const stopped = runSlices({ ...slices, step: () => (isStopped = true), isStopped: () => isStopped });
  expect(await stopped).toBe(false);
});
