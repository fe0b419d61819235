import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createState, digestState, type FoldState, type ViewSpec } from "#engine";
import { Database } from "../../../edge/partition/database.ts";
import { FactStore } from "../../../edge/partition/facts.ts";
import type { Generation } from "../../../edge/partition/generation.ts";
import { Partition } from "../../../edge/partition/partition.ts";
import { Retention } from "../../../edge/partition/retention.ts";
import { startOfKey, windowKey } from "../../../edge/partition/row-keys.ts";
import { BASE_TIME } from "../../support/events.ts";
import {
  adsOf,
  clicks,
  CLICKS_PER_AD,
  DAY,
  expectOk,
  generation,
  HeldPartition,
  HOUR,
  MINUTE,
} from "./held-partition.ts";
import { readComparison } from "./read-comparison.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const BASE_MINUTE = Math.floor(BASE_TIME / MINUTE) * MINUTE;
const ONLY_US: ViewSpec = { ...CLICKS_PER_AD, where: { country: "US" } };

/** Appends clicks in several segments and a tail. */
async function fill(held: HeldPartition, appends = 4, each = 4_000): Promise<void> {
  const { logEnd } = await held.status();
  for (let i = 0; i < appends; i++) {
    const first = logEnd + i * each;
    await held.append(clicks(each, BASE_MINUTE + first * 20, 20, first));
  }
}

test("live = replay = after a crash = the log, by digest", async () => {
  const held = await HeldPartition.make();
  await fill(held);
  const live = (await held.queryView()).digest;
  await held.configure({ generations: [generation(), generation({ generation: 2, against: 1 })] });
  await held.settle();
  expect((await held.queryView({}, 2)).digest).toBe(live);
  expect((await held.queryLog()).digest).toBe(live);
  await held.abort();
  expect((await held.queryView()).digest).toBe(live);
  expect((await held.queryView({}, 2)).digest).toBe(live);
  // Both are folded with each append from now on.
  await fill(held, 1);
  const later = (await held.queryLog()).digest;
  expect((await held.queryView()).digest).toBe(later);
  expect((await held.queryView({}, 2)).digest).toBe(later);
  expect((await held.generation(2)).next).toBe(20_000);
});

test("a view over an empty log, or over a log that has only a tail, answers at once", async () => {
  const held = await HeldPartition.make();
  expect(await held.generation(1)).toMatchObject({ state: "caught-up", next: 0 });
  await held.append(clicks(10, BASE_MINUTE));
  await held.configure({ generations: [generation(), generation({ view: "us", spec: ONLY_US })] });
  expect(await held.generation(1, "us")).toMatchObject({ state: "caught-up", from: 0, next: 10 });
  expect((await held.queryView({ where: { country: "US" } }, 1, "us")).rows).toEqual(
    (await held.queryLog({ where: { country: "US" } })).rows,
  );
});

test("a query of a view that is not ready says so, and a log scan does not wait for it", async () => {
  const held = await HeldPartition.make();
  await fill(held);
  await held.configure({ generations: [generation(), generation({ generation: 2, against: 1 })] });
  const source = { kind: "view", view: "clicks", generation: 2 } as const;
  expect(await held.tryQuery({}, source)).toEqual({ ok: false, failure: { reason: "view_not_ready", view: "clicks" } });
  expect(await held.tryQuery({}, { ...source, view: "nothing" })).toMatchObject({
    failure: { reason: "view_not_ready" },
  });
  expect((await held.queryLog()).digest).toBe((await held.queryView()).digest);
  // Cancelled: the stream no longer wants it.
  await held.configure({ generations: [generation()] });
  await held.ring();
  expect((await held.status()).generations.length).toBe(1);
  expect(await held.rowCount("generations")).toBe(1);
});

test("a replay goes on where it was stored after a crash, while appends go on", async () => {
  const held = await HeldPartition.make({ generations: [] });
  // So many windows in each segment that the build is stored after each.
  for (let i = 0; i < 8; i++) await held.append(clicks(8_000, BASE_MINUTE + 4 * i * DAY, 43_000, 8_000 * i));
  await held.configure({ generations: [generation()] });
  let stored = 0;
  for (let crashes = 0; crashes < 3; crashes++) {
    await runInDurableObject(held.stub, async (instance, ctx) => {
      instance.alarm().catch(() => undefined);
      const next = () =>
        JSON.parse(String(ctx.storage.sql.exec("SELECT state FROM generations").one()["state"])).next as number;
      while (next() <= stored) await scheduler.wait(5);
      stored = next();
      await ctx.storage.sync();
      ctx.abort("power cut");
    }).catch(() => undefined);
    expect((await held.generation(1)).next).toBe(stored);
    await held.append(clicks(10, BASE_MINUTE));
  }
  expect(await held.generation(1)).toMatchObject({ state: "building" });
  await held.settle();
  expect((await held.queryView()).digest).toBe((await held.queryLog()).digest);
});

test("two generations that are asked for together catch up in the same turn", async () => {
  const held = await HeldPartition.make();
  await fill(held);
  await held.configure({
    generations: [generation(), generation({ generation: 2, against: 1 }), generation({ view: "us", spec: ONLY_US })],
  });
  await held.settle();
  const [, second, us] = (await held.status()).generations;
  expect(second).toMatchObject({ state: "caught-up", next: 16_000 });
  expect(us).toMatchObject({ state: "caught-up", next: 16_000, caughtUpAt: second?.caughtUpAt });
});

test("the comparison holds both sides of each day", async () => {
  const held = await HeldPartition.make();
  await held.append(clicks(3_000, BASE_MINUTE, 5_000));
  await held.append(clicks(3_000, BASE_MINUTE + 10 * DAY, 5_000));
  await held.append(clicks(3_000, BASE_MINUTE + 10 * DAY, 5_000));
  await held.configure({ generations: [generation(), generation({ generation: 2, spec: ONLY_US, against: 1 })] });
  await held.settle();
  const { days, before, after } = await readComparison(held, 2);
  expect(days.length).toBe(2);
  expect(days.every((day) => day % DAY === 0)).toBe(true);
  const total = (state: FoldState) =>
    [...state.windows.values()].reduce(
      (sum, { records, size }) => sum + Array.from(records.subarray(0, size)).reduce((a, b) => a + b, 0),
      0,
    );
  expect(total(before)).toBe(9_000);
  expect(total(after)).toBe(1_500);
  expect(await held.stub.comparedDay("clicks", 1, 0, 0)).toMatchObject({ ok: true, value: { day: null } });
  expect(digestState(before)).not.toBe(digestState(after));
});

// --- Verification ---

const verification = generation({ generation: 2, mode: "verify", against: 1 });

test("a verification says verified, and costs the view nothing", async () => {
  const held = await HeldPartition.make();
  await fill(held);
  const live = (await held.queryView()).digest;
  await held.configure({ generations: [generation(), verification] });
  await held.settle();
  const verified = await held.generation(2);
  expect(verified).toMatchObject({ state: "verified", verification: { differing: 0, skipped: 0 } });
  expect(verified.verification?.compared).toBe(6);
  await fill(held, 1);
  expect((await held.generation(2)).next).toBe(16_000);
  expect((await held.queryView()).digest).toBe((await held.queryLog()).digest);
  expect((await held.queryView()).digest).not.toBe(live);
});

test("a verification finds a stored window that was tampered with", async () => {
  const held = await HeldPartition.make();
  await fill(held, 4);
  vi.setSystemTime(START + DAY);
  await held.ring();
  // One stored window takes the place of another: sound in itself, but not what the log says.
  await held.sql(
    "UPDATE window_rows SET state = (SELECT state FROM window_rows ORDER BY key LIMIT 1 OFFSET 1) WHERE key = (SELECT max(key) FROM window_rows)",
  );
  await held.abort();
  await held.configure({ generations: [generation(), verification] });
  await held.settle();
  const found = await held.generation(2);
  expect(found.state).toBe("differs");
  const [last] = await held.sql<{ key: number }>(
    "SELECT max(key) AS key FROM window_rows WHERE key < ?",
    windowKey(2, 0, 0),
  );
  expect(found.verification?.windows).toContain(startOfKey(last?.key ?? 0));
  expect(found.verification?.differing).toBeGreaterThan(0);
});

test("a damaged window is found when it is first read, after waking and after it was written again", async () => {
  const held = await HeldPartition.make();
  await fill(held, 1);
  vi.setSystemTime(START + DAY);
  await held.ring();
  await runInDurableObject(held.stub, (_, { storage }) => {
    const database = new Database(storage);
    const wake = () => {
      const { windows, views } = new Partition(database, new FactStore(database), held.config, START + DAY);
      const { id, plan } = views.find("clicks", 1) as Generation;
      const read = () => windows.read(id, plan, createState(plan), BASE_MINUTE, BASE_MINUTE + MINUTE).length;
      return { windows, id, read };
    };
    const [row] = storage.sql
      .exec<{ state: ArrayBuffer }>("SELECT state FROM window_rows ORDER BY key LIMIT 1")
      .toArray();
    const sound = new Uint8Array(row?.state ?? new ArrayBuffer(0));
    const bytes = sound.slice();
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    const awake = wake();
    expect(awake.read()).toBe(1);
    storage.sql.exec("UPDATE window_rows SET state = ? WHERE key = (SELECT min(key) FROM window_rows)", bytes);
    // What was read once is believed: the damage is in what fills the column up.
    expect(awake.read()).toBe(1);
    expect(() => wake().read()).toThrow("a stored window is damaged");
    const damaged = { start: BASE_MINUTE, changedAt: START, pieces: [bytes], rowsBefore: 1 };
    awake.windows.write(awake.id, damaged);
    expect(() => awake.read()).toThrow("a stored window is damaged");
    // Another generation may get the keys of one that was dropped.
    awake.windows.write(awake.id, { ...damaged, pieces: [sound] });
    expect(awake.read()).toBe(1);
    const next = BASE_MINUTE + MINUTE;
    awake.windows.remove(awake.id, BASE_MINUTE, next);
    storage.sql.exec("INSERT INTO window_rows VALUES (?, ?, ?)", windowKey(awake.id, BASE_MINUTE, 0), START, bytes);
    expect(() => awake.read()).toThrow("a stored window is damaged");
  });
});

test("a verification skips, and counts, what the log can no longer recompute", async () => {
  const held = await HeldPartition.make();
  await fill(held, 6);
  expectOk(await held.stub.trim(8_000));
  await held.configure({ generations: [generation(), verification] });
  await held.settle();
  const { state, verification: counted } = await held.generation(2);
  expect(state).toBe("verified");
  // 8,000 clicks at 20 ms: two minutes and a part of the third are gone.
  expect(counted).toEqual({ compared: 5, differing: 0, skipped: 3, windows: [] });
});

// --- Windows that the log has lost ---

test("windows that the log has lost are carried from the old generation, and go on by its rule", async () => {
  const held = await HeldPartition.make();
  await fill(held, 6);
  expectOk(await held.stub.trim(8_000));
  const lost = { from: BASE_MINUTE, to: BASE_MINUTE + 3 * MINUTE };
  await held.configure({ generations: [generation(), generation({ generation: 2, spec: ONLY_US, against: 1 })] });
  await held.settle();
  expect(await held.generation(2)).toMatchObject({
    state: "caught-up",
    missing: [],
    carried: [{ ...lost, generation: 1 }],
  });

  const inCarried = await held.queryView({ ...lost }, 2);
  expect(inCarried.rows).toEqual((await held.queryView({ ...lost })).rows);
  expect(inCarried).toMatchObject({ missing: [], carried: [{ ...lost, generation: 1 }] });
  const beyond = { from: lost.to, to: lost.to + HOUR };
  const recomputed = await held.queryView(beyond, 2);
  expect(recomputed.carried).toEqual([]);
  expect(recomputed.rows).toEqual((await held.queryLog({ ...beyond, where: { country: "US" } })).rows);

  // The old generation is wanted no more; what was carried from it stays, and its rule with it.
  await held.configure({ generations: [generation({ generation: 2, spec: ONLY_US, against: 1 })] });
  const before = adsOf(inCarried.rows);
  const late = [
    { time: lost.from, type: "click", ad: "ad-1", country: "DE" },
    { time: beyond.from, type: "click", ad: "ad-1", country: "DE" },
  ];
  await held.append(late);
  await held.ring();
  expect((await held.status()).generations.length).toBe(1);
  for (const lose of [() => held.evict(), () => held.abort(), () => held.stub.trim(Infinity)]) {
    await lose();
    const after = adsOf((await held.queryView({ ...lost }, 2)).rows);
    expect(after).toEqual({ ...before, "ad-1": (before["ad-1"] as number) + 1 });
    expect((await held.queryView(beyond, 2)).rows).toEqual(recomputed.rows);
  }

  // A third generation, after more was lost: each window keeps the generation that it came from.
  const third = generation({ generation: 3, against: 2, spec: { ...ONLY_US, where: { country: "DE" } } });
  await held.configure({ generations: [generation({ generation: 2, spec: ONLY_US, against: 1 }), third] });
  await held.settle();
  const { carried } = await held.generation(3);
  expect(carried[0]).toEqual({ ...lost, generation: 1 });
  expect(carried[1]).toMatchObject({ from: lost.to, generation: 2 });
  await held.configure({ generations: [third] });
  await held.ring();
  expect((await held.queryView({}, 3)).rows).toEqual((await held.queryView({}, 3)).rows);
  expect(adsOf((await held.queryView({ ...lost }, 3)).rows)).toEqual({
    ...before,
    "ad-1": (before["ad-1"] as number) + 1,
  });
});

test("windows that nobody can give are missing by name, and never computed in part", async () => {
  const held = await HeldPartition.make();
  await fill(held, 6);
  expectOk(await held.stub.trim(8_000));
  const lost = { from: BASE_MINUTE, to: BASE_MINUTE + 3 * MINUTE };
  const byUser: ViewSpec = { ...CLICKS_PER_AD, groupBy: ["country"] };
  await held.configure({ generations: [generation(), generation({ generation: 2, spec: byUser, against: 1 })] });
  await held.settle();
  expect(await held.generation(2)).toMatchObject({ state: "caught-up", carried: [], missing: [lost] });
  await held.append(clicks(5, lost.from));
  const answer = await held.queryView({ groupBy: ["country"] }, 2);
  expect(answer.missing).toEqual([{ ...lost, reason: "trimmed" }]);
  expect((await held.queryView({ groupBy: ["country"], ...lost }, 2)).rows).toEqual([]);
  expect((await held.queryView({ groupBy: ["country"], from: lost.to }, 2)).missing).toEqual([]);
});

test("a replay from a time leaves what lies before it to the old generation", async () => {
  const held = await HeldPartition.make();
  await fill(held);
  const from = BASE_MINUTE + 2 * MINUTE;
  await held.configure({ generations: [generation(), generation({ generation: 2, spec: ONLY_US, against: 1, from })] });
  await held.settle();
  expect((await held.generation(2)).carried).toEqual([{ from: 0, to: from, generation: 1 }]);
  expect((await held.queryView({ to: from }, 2)).digest).toBe((await held.queryView({ to: from })).digest);
  expect((await held.queryView({ from }, 2)).rows).toEqual(
    (await held.queryLog({ from, where: { country: "US" } })).rows,
  );
});

// --- Failure, and the end of windows ---

test("a view that fails stops alone, for good, and says why", async () => {
  const perClick: ViewSpec = { where: {}, groupBy: ["click"], windowMs: DAY, measures: { clicks: { count: true } } };
  const held = await HeldPartition.make({ generations: [generation(), generation({ view: "wide", spec: perClick })] });
  const wide = (first: number) => clicks(10_000, BASE_MINUTE, 1, first).map((row, i) => ({ ...row, click: first + i }));
  for (let i = 0; i < 30; i++) await held.append(wide(10_000 * i));
  for (const lose of [() => held.evict(), () => held.abort()]) {
    await lose();
    const failed = await held.generation(1, "wide");
    expect(failed).toMatchObject({ state: "failed", error: expect.stringContaining("250000 groups") as string });
  }
  expect(
    await held.tryQuery(
      { groupBy: ["click"], measures: perClick.measures },
      { kind: "view", view: "wide", generation: 1 },
    ),
  ).toMatchObject({
    failure: { reason: "view_failed" },
  });
  expect(await held.append(wide(300_000))).toMatchObject({ accepted: 10_000, offset: 300_000 });
  expect((await held.queryView({ groupBy: [] })).rows).toMatchObject([{ clicks: 310_000 }]);
});

test("a window goes when nothing has changed it for long enough, and is missing from then on", async () => {
  const held = await HeldPartition.make({ generations: [generation({ retentionMs: 10 * DAY })] });
  await held.append(clicks(100, BASE_MINUTE));
  await held.append(clicks(100, BASE_MINUTE + HOUR));
  vi.setSystemTime(START + 5 * DAY);
  await held.ring();
  await held.append(clicks(1, BASE_MINUTE + HOUR));
  vi.setSystemTime(START + 11 * DAY);
  await held.ring();
  expect((await held.generation(1)).missing).toEqual([{ from: BASE_MINUTE, to: BASE_MINUTE + MINUTE }]);
  const { rows, missing } = await held.queryView({ groupBy: [] });
  expect(rows).toMatchObject([{ clicks: 101 }]);
  expect(missing.length).toBe(1);
  // What comes for it later would be a part that passes for the whole.
  await held.append(clicks(1, BASE_MINUTE));
  expect((await held.queryView({ groupBy: [] })).rows).toMatchObject([{ clicks: 101 }]);
});

test("what a replay still needs is not trimmed before it has been folded", async () => {
  const held = await HeldPartition.make({ retentionMs: HOUR, generations: [] });
  await fill(held, 6);
  vi.setSystemTime(START + 10 * MINUTE);
  await held.ring();
  await held.configure({ generations: [generation()] });
  // Two hours later everything has expired, but the replay has not begun. Nobody trims it away, by hand neither.
  vi.setSystemTime(START + 2 * HOUR);
  expect(expectOk(await held.stub.trim(24_000))).toEqual({ logStart: 0 });
  await held.settle();
  expect((await held.queryView({ groupBy: [] })).rows).toMatchObject([{ clicks: 24_000 }]);
  for (let i = 0; i < 5; i++) await held.ring();
  expect((await held.status()).logStart).toBe(24_000);
});

test("retention waits for a replay only so long; then the replay fails and says why", async () => {
  const held = new HeldPartition({ retentionMs: HOUR, generations: [] });
  await runInDurableObject(held.stub, (_, { storage }) => {
    const database = new Database(storage);
    const partition = new Partition(database, new FactStore(database), held.config, START);
    partition.commit([held.request(clicks(100, BASE_MINUTE))], START);
    partition.checkpoint(START);
    partition.configure({ ...held.config, generations: [generation()] }, START);
    const retention = new Retention(partition);
    expect(retention.turn(START + 2 * HOUR)).toBe(false);
    expect(partition.log.start).toBe(0);
    expect(retention.due(START + 2 * HOUR)).toBe(START + 6 * HOUR);
    expect(retention.turn(START + 6 * HOUR)).toBe(true);
    expect(partition.log.start).toBe(100);
    expect(partition.views.all.map(({ record }) => record)).toMatchObject([
      { phase: "failed", error: "the log's retention overtook the replay" },
    ]);
  });
});
