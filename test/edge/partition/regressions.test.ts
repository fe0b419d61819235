/**
 * What went wrong once, found by reading: each of these was a silent loss, a wrong number, or a view or partition that stops for
 * good.
 */
import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { digestState, type ViewSpec } from "#engine";
import { Database } from "../../../edge/partition/database.ts";
import { FactStore } from "../../../edge/partition/facts.ts";
import { PARTITION_LIMITS } from "../../../edge/partition/limits.ts";
import { Partition } from "../../../edge/partition/partition.ts";
import { FrozenPartials } from "../../../edge/partition/frozen-partials.ts";
import { queryView } from "../../../edge/partition/query.ts";
import { Replay } from "../../../edge/partition/replay.ts";
import { Retention } from "../../../edge/partition/retention.ts";
import { runSlices } from "../../../edge/partition/slices.ts";
import { ViewRetention } from "../../../edge/partition/view-retention.ts";
import { BASE_TIME } from "../../support/events.ts";
import {
  clicks,
  CLICKS_PER_AD,
  DAY,
  expectOk,
  generation,
  HeldPartition,
  HOUR,
  MINUTE,
  wholeRange,
} from "./held-partition.ts";
import { readComparison } from "./read-comparison.ts";

const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;
const BASE_MINUTE = Math.floor(BASE_TIME / MINUTE) * MINUTE;
const ONLY_US: ViewSpec = { ...CLICKS_PER_AD, where: { country: "US" } };

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

test("a retired generation goes on folding what is carried from it after one of its windows expired", async () => {
  const held = await HeldPartition.make({ generations: [generation({ retentionMs: 10 * DAY })] });
  await held.append(clicks(100, BASE_MINUTE));
  await held.append(clicks(100, BASE_MINUTE + HOUR));
  vi.setSystemTime(START + 5 * DAY);
  await held.ring();
  await held.append(clicks(1, BASE_MINUTE + HOUR)); // keeps the second window alive
  expectOk(await held.stub.trim(Infinity));
  // The next generation can recompute nothing: both windows are carried from the first.
  const second = generation({ generation: 2, spec: ONLY_US, against: 1, retentionMs: 10 * DAY });
  await held.configure({ generations: [generation({ retentionMs: 10 * DAY }), second] });
  await held.settle();
  expect((await held.generation(2)).carried.length).toBe(2);
  await held.configure({ generations: [second] });
  const count = async () => (await held.queryView({ groupBy: [], from: BASE_MINUTE + HOUR }, 2)).rows[0]?.["clicks"];
  expect(await count()).toBe(101);
  await held.append(clicks(1, BASE_MINUTE + HOUR));
  expect(await count()).toBe(102);
  // The first window expires.
  vi.setSystemTime(START + 11 * DAY);
  await held.ring();
  expect((await held.generation(2)).missing.length).toBe(1);
  await held.append(clicks(1, BASE_MINUTE + HOUR));
  const live = await count();
  await held.evict();
  expect({ live, woken: await count() }).toEqual({ live: 103, woken: 103 });
});

test("measures written in another order are not mixed up in carried windows", async () => {
  const spec = (measures: ViewSpec["measures"], where: ViewSpec["where"]): ViewSpec => ({
    where,
    groupBy: ["ad"],
    windowMs: MINUTE,
    measures,
  });
  const a = { revenue: { sum: "price" }, pieces: { sum: "quantity" } } as const;
  const b = { pieces: { sum: "quantity" }, revenue: { sum: "price" } } as const;
  const first = generation({ spec: spec(a, {}) });
  const held = await HeldPartition.make({ generations: [first] });
  await held.append([{ time: BASE_MINUTE, type: "click", ad: "x", price: 100, quantity: 1 }]);
  expectOk(await held.stub.trim(Infinity));
  const second = generation({ generation: 2, spec: spec(b, { country: "US" }), against: 1 });
  await held.configure({ generations: [first, second] });
  await held.settle();
  const { rows, carried, missing } = await held.queryView({ measures: b }, 2);
  // Either carried and right, or named as missing.
  if (missing.length === 0)
    expect({ rows, carried: carried.length }).toEqual({ rows: [{ ad: "x", pieces: 1, revenue: 100 }], carried: 1 });
});

test("a day that is large on one side only is compared at one width", async () => {
  const limits = PARTITION_LIMITS as { comparedDayBytesMax: number };
  const saved = limits.comparedDayBytesMax;
  const held = await HeldPartition.make();
  for (let i = 0; i < 20; i++) {
    await held.append(
      Array.from({ length: 100 }, (_, n) => ({
        time: BASE_MINUTE + i * MINUTE,
        type: "click",
        ad: `ad-${n}`,
        country: n < 20 ? "US" : "DE",
      })),
    );
  }
  vi.setSystemTime(START + DAY);
  await held.ring();
  // Same clicks of the US on both sides: the second asks for them alone.
  const sizes = await held.sql<{ bytes: number }>("SELECT sum(length(state)) AS bytes FROM window_rows");
  limits.comparedDayBytesMax = (sizes[0]?.bytes ?? 0) - 1;
  try {
    await held.configure({ generations: [generation(), generation({ generation: 2, spec: ONLY_US, against: 1 })] });
    await held.settle();
    const compared = await readComparison(held, 2);
    expect(compared.before.windows.size).toBe(1);
    expect(compared.after.windows.size).toBe(1);
  } finally {
    limits.comparedDayBytesMax = saved;
  }
});

test("a compared day that is read part by part comes whole, and each value once a part", async () => {
  const limits = PARTITION_LIMITS as { comparisonWriteBytesMax: number; comparisonReadBytesMax: number };
  const saved = { ...limits };
  const held = await HeldPartition.make();
  // Each ad in ten minutes, so that parts have many windows of one ad.
  const minutes = Array.from({ length: 300 }, (_, i) => ({
    time: BASE_MINUTE + i * MINUTE,
    type: "click",
    ad: `ad-${Math.floor(i / 10)}`,
  }));
  await held.append(minutes);
  vi.setSystemTime(START + DAY);
  await held.ring();
  Object.assign(limits, { comparisonWriteBytesMax: 1_000, comparisonReadBytesMax: 1_000 });
  try {
    await held.configure({ generations: [generation(), generation({ generation: 2, against: 1 })] });
    await held.settle();
    const { reads, pieces, values, before, after } = await readComparison(held, 2);
    expect(reads).toBeGreaterThan(1);
    // What is the same on both sides is there once.
    expect(pieces).toEqual({ before: 0, after: 0, both: 300 });
    expect(values).toBeLessThan(30 + reads);
    const { digest } = await held.queryView({ everyMs: MINUTE });
    expect({ before: digestState(before), after: digestState(after) }).toEqual({ before: digest, after: digest });
  } finally {
    Object.assign(limits, saved);
  }
});

test("a stored window may take fewer rows than before", async () => {
  const spec: ViewSpec = { where: {}, groupBy: ["ad"], windowMs: DAY, measures: { s: { sum: "price" } } };
  const held = await HeldPartition.make({ generations: [generation({ spec })] });
  const rows = (sign: number, values: readonly number[]) =>
    Array.from({ length: 8_000 }, (_, n) =>
      values.map((v) => ({ time: BASE_MINUTE, type: "c", ad: `ad-${n}`.padEnd(24, "x"), price: sign * v })),
    ).flat();
  // Prices so far apart that the exact sum keeps each of them; corrections take them back.
  const apart = [1e300, 1e250, 1e200, 1e150, 1e100, 1e50, 1];
  const all = rows(1, apart);
  for (let i = 0; i < all.length; i += 8_000) await held.append(all.slice(i, i + 8_000));
  vi.setSystemTime(START + DAY);
  await held.ring();
  const parts = await held.rowCount("window_rows");
  expect(parts).toBeGreaterThan(1);
  const back = rows(-1, apart);
  for (let i = 0; i < back.length; i += 8_000) await held.append(back.slice(i, i + 8_000));
  vi.setSystemTime(START + 2 * DAY);
  await held.ring();
  expect({ ...(await held.generation(1)), parts }).toMatchObject({ state: "caught-up" });
});

test("a window that came late between two expired ones is not lost from memory only", async () => {
  const held = await HeldPartition.make({ generations: [generation({ retentionMs: 10 * DAY })] });
  await held.append(clicks(1, BASE_MINUTE));
  await held.append(clicks(1, BASE_MINUTE + 2 * MINUTE));
  vi.setSystemTime(START + 5 * DAY);
  await held.ring();
  vi.setSystemTime(START + 11 * DAY);
  // A late import for the minute in between, of which nothing was stored yet.
  await held.append(clicks(1, BASE_MINUTE + MINUTE));
  await held.ring();
  const between = { from: BASE_MINUTE + MINUTE, to: BASE_MINUTE + 2 * MINUTE, groupBy: [] };
  const live = await held.queryView(between);
  await held.abort();
  const woken = await held.queryView(between);
  expect({ missing: live.missing, rows: live.rows }).toEqual({ missing: woken.missing, rows: woken.rows });
  expect(live.missing).toEqual([]);
});

test("what admission decided does not pile up in a partition that sleeps between clicks", async () => {
  const held = await HeldPartition.make();
  const counts: number[] = [];
  for (let day = 1; day <= 40; day++) {
    vi.setSystemTime(START + day * DAY);
    for (let n = 0; n < 6; n++) {
      await held.append(clicks(1, BASE_MINUTE), { producer: `p-${day}-${n}`, sequence: 0 });
      await held.evict();
    }
    await held.ring(); // the tail has grown old: a checkpoint
    await held.evict();
    counts.push(await held.rowCount("admissions"));
  }
  expect(counts.at(-1)).toBeLessThan(3);
});

test("a list of excluded windows that was coarsened excludes nothing that is not named", async () => {
  const held = new HeldPartition({ retentionMs: DAY, generations: [generation({ retentionMs: 4_000 * DAY })] });
  await runInDurableObject(held.stub, async (_, { storage }) => {
    const database = new Database(storage);
    const facts = new FactStore(database);
    const partition = new Partition(database, facts, held.config, START);
    partition.configure(held.config, START);
    const row = (time: number) => ({ time, type: "click", ad: "x" });
    // A click every other minute: a thousand intervals.
    partition.commit([held.request(Array.from({ length: 1_000 }, (_, i) => row(BASE_MINUTE + 2 * i * MINUTE)))], START);
    const retention = new Retention(partition);
    while (retention.trimBefore(Infinity, START));
    expect(partition.log.start).toBe(1_000);
    const second = generation({ generation: 2, against: 1, retentionMs: 10 * DAY });
    partition.configure(
      { ...held.config, version: 2, generations: [generation({ retentionMs: 4_000 * DAY }), second] },
      START,
    );
    const replay = new Replay(partition);
    for (let i = 0; i < 100; i++) {
      replay.buildStep(START);
      for (const g of partition.views.comparing) partition.comparisons.step(g);
    }
    const two = partition.views.find("clicks", 2);
    if (two === undefined) throw new Error("the second generation is wanted");
    expect(two.phase).toBe("caught-up");
    expect(two.record.excluded.length).toBe(1_000);
    // A window of its own, which expires after ten days.
    partition.commit([held.request([row(BASE_MINUTE + 5 * DAY)])], START);
    partition.checkpoint(START);
    new ViewRetention(partition, facts).expirePage(two, 0, START + 11 * DAY);
    // A late click in each minute between the carried ones.
    const late = Array.from({ length: 999 }, (_, i) => row(BASE_MINUTE + (2 * i + 1) * MINUTE));
    partition.commit([held.request(late)], START + 11 * DAY);
    const query = wholeRange({
      from: BASE_MINUTE,
      to: BASE_MINUTE + 3 * DAY,
      groupBy: [],
      measures: { clicks: { count: true } },
    });
    const source = { kind: "view", view: "clicks", generation: 2 } as const;
    const answer = await queryView(partition, { configVersion: 2, query, source }, new FrozenPartials());
    if (!answer.ok) throw new Error(answer.failure.reason);
    let counted = 0;
    for (const { start, size, records } of two.delta.windows.values())
      if (start >= BASE_MINUTE && start < BASE_MINUTE + 3 * DAY)
        for (let i = 0; i < size; i++) counted += records[i] as number;
    // What is not counted is named.
    const named = answer.value.missing.reduce((sum, { from, to }) => sum + (to - from) / MINUTE, 0);
    expect({ counted, named }).toEqual({ counted: 999 - named, named });
  });
});

test("what has stopped does not work on", async () => {
  let steps = 0;
  await runSlices({
    step: () => ++steps < 0,
    size: () => ({ ms: 15, stepsMax: 1 }),
    duty: () => 1,
    forMs: 1000,
    isStopped: () => true,
  });
  expect(steps).toBe(0);
});
