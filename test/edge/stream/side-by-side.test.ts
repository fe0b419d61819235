/** Replays over real partitions that meet each other, a changed rule, the end of the log's retention, and the death of all objects. */
import { abortAllDurableObjects } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type Click, LoggedStream, paceReplays, silenceable } from "./logged-stream.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const FROM = Math.floor(Date.now() / DAY_MS) * DAY_MS - 10 * DAY_MS;
const RANGE = { from: FROM, to: FROM + 9 * DAY_MS };
const PARTITIONS = [0, 1];

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Clicks in pairs by the same user on the same ad, up to half a minute apart, over `spreadMs` from a minute on that depends on `first`. */
const clicks = (count: number, first: number, spreadMs: number): Click[] =>
  Array.from({ length: count }, (_, i) => {
    const pair = first + (i >> 1);
    const apartMs = (i % 2) * (pair % 30) * SECOND_MS;
    return {
      time: FROM + (first % 100) * MINUTE_MS + Math.floor(((i >> 1) * spreadMs) / (count / 2)) + apartMs,
      adId: `ad-${pair % 5}`,
      userId: `u-${pair % 35}`,
      device: pair % 3 === 0 ? "mobile" : "desktop",
      price: pair % 4,
    };
  });

// --- What a plain fold over the log says -----------------------------------------------------------------------------

const COUNT = { clicks: { count: true } };
const BILL = { ...COUNT, invalid: { count: "invalid" }, spent: { sum: "price" } };
const billed = (seconds: number) => ({
  groupBy: ["adId"],
  measures: BILL,
  spam: { by: ["userId", "adId"], within: seconds * SECOND_MS },
});

/** A click is invalid if one by the same user on the same ad, before it in the log, lies near it in time. */
function foldBill(logs: readonly (readonly Click[])[], withinMs: number) {
  const bill = new Map<string, { clicks: number; invalid: number; spent: number }>();
  for (const log of logs) {
    const seen = new Map<string, number[]>();
    for (const { time, adId, userId, price } of log) {
      const row = bill.get(adId) ?? { clicks: 0, invalid: 0, spent: 0 };
      bill.set(adId, row);
      const key = `${userId} ${adId}`;
      const times = seen.get(key) ?? [];
      seen.set(key, times);
      if (times.some((other) => Math.abs(other - time) < withinMs)) row.invalid += 1;
      else {
        row.clicks += 1;
        row.spent += price;
      }
      times.push(time);
    }
  }
  return [...bill].sort(([a], [b]) => (a < b ? -1 : 1)).map(([adId, row]) => ({ adId, ...row }));
}

function foldCounts(log: readonly Click[], attribute: "adId" | "device") {
  const counts = new Map<string, { clicks: number; users: Set<string> }>();
  for (const click of log) {
    const row = counts.get(click[attribute]) ?? { clicks: 0, users: new Set() };
    counts.set(click[attribute], row);
    row.clicks += 1;
    row.users.add(click.userId);
  }
  return [...counts]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([value, row]) => ({ [attribute]: value, clicks: row.clicks, users: row.users.size }));
}

// ---------------------------------------------------------------------------------------------------------------------

describe.each([
  ["", () => async () => {}],
  [", across deploys", () => abortAllDurableObjects],
  [", while a partition now and then does not answer the stream", silenceable],
])("several views are replayed side by side while clicks come in%s", (_, disturbance) => {
  it("and each answers as a plain fold over the log would", async () => {
    const pace = paceReplays();
    const disturb = disturbance();
    const stream = await LoggedStream.create(2, { views: [{ name: "bill", ...billed(10) }] });
    for (const p of PARTITIONS) await stream.send(p, clicks(8_000, p, DAY_MS));
    for (const p of PARTITIONS) await stream.send(p, clicks(8_000, 10 + p, DAY_MS));

    let isOver = false;
    const appending = PARTITIONS.map(async (p) => {
      for (let first = 0; !isOver; first += 50) {
        await stream.send(p, clicks(50, first, DAY_MS));
        await scheduler.wait(5);
      }
    });
    const users = { ...COUNT, users: { distinct: "userId" } };
    const first = await stream.putView("bill", billed(20));
    // It is ahead of the others, which begin when it has folded what is sealed.
    await vi.waitFor(async () => {
      pace.steps = 1;
      for (const { next } of (await stream.job(first)).partitions) expect(next).toBeGreaterThan(0);
    });
    pace.steps = 0;
    const jobs = [
      first,
      await stream.putView("devices", { groupBy: ["device"], window: "1h", measures: users }),
      await stream.putView("phones", { groupBy: ["adId"], where: { device: "mobile" }, measures: users }),
      await stream.putView("strict", billed(25)),
    ];
    for (let i = 0; i < 4; i++) {
      pace.steps += 3;
      await scheduler.wait(100);
      await disturb();
    }
    for (const id of jobs) expect((await stream.job(id)).state).toBe("running");
    pace.steps = Infinity;
    for (const id of jobs) expect(await stream.until(id, "promoted")).toMatchObject({ progress: 1 });
    isOver = true;
    await Promise.all(appending);

    const logs = await Promise.all(PARTITIONS.map((p) => stream.log(p)));
    const log = logs.flat();
    const ask = async (view: string, measures: object, groupBy: string) => {
      const { rows, complete, source } = await stream.answer({ ...RANGE, view, measures, groupBy: [groupBy] });
      expect({ complete, source }).toEqual({ complete: true, source: `view:${view}@${view === "bill" ? 2 : 1}` });
      return rows;
    };
    expect(await ask("bill", BILL, "adId")).toEqual(foldBill(logs, 20 * SECOND_MS));
    expect(await ask("strict", BILL, "adId")).toEqual(foldBill(logs, 25 * SECOND_MS));
    expect(await ask("devices", users, "device")).toEqual(foldCounts(log, "device"));
    const phones = log.filter(({ device }) => device === "mobile");
    expect(await ask("phones", users, "adId")).toEqual(foldCounts(phones, "adId"));
  });
});

it("a rule that is changed again while it is replayed: the newest one wins, one at a time answers, nothing is left", async () => {
  const pace = paceReplays();
  pace.steps = Infinity;
  const stream = await LoggedStream.create(2, { views: [{ name: "bill", ...billed(10) }] });
  // A segment and a tail: what is folded of the one is stored before the other is.
  for (const p of PARTITIONS) {
    for (let i = 0; i < 2; i++) await stream.send(p, clicks(8_000, 10 * i + p, DAY_MS));
  }
  const logs = await Promise.all(PARTITIONS.map((p) => stream.log(p)));
  const rules = new Map([10, 20, 5].map((seconds, i) => [`view:bill@${i + 1}`, foldBill(logs, seconds * SECOND_MS)]));
  expect(new Set([...rules.values()].map((rows) => rows[0]?.invalid)).size).toBe(3);
  const answers: string[] = [];
  const ask = async () => {
    const { rows, source } = await stream.answer({ ...RANGE, view: "bill", measures: BILL, groupBy: ["adId"] });
    expect(rows).toEqual(rules.get(source));
    if (answers.at(-1) !== source) answers.push(source);
  };

  const stored = new Promise<void>((resolve) => {
    pace.onStored = () => {
      pace.steps = 0;
      resolve();
    };
  });
  const overtaken = await stream.putView("bill", billed(20));
  await stored;
  const both = await Promise.all(PARTITIONS.map((p) => stream.stored(p)));
  expect(both.flatMap(({ windows }) => windows)).toContain("bill@2");
  expect(both.flatMap(({ memories }) => memories)).toContain("bill@2");
  await ask();
  expect((await stream.job(overtaken)).state).toBe("running");

  const newest = await stream.putView("bill", billed(5));
  expect(await stream.job(overtaken)).toMatchObject({ state: "cancelled", error: expect.stringContaining("PUT") });
  await ask();
  pace.onStored = () => {};
  pace.steps = Infinity;
  let isOver = false;
  const asking = (async () => {
    for (; !isOver; await scheduler.wait(5)) await ask();
  })();
  await stream.until(newest, "promoted");
  isOver = true;
  await asking;
  await ask();
  expect(answers).toEqual(["view:bill@1", "view:bill@3"]);

  /** In the end nothing is stored of any other generation than these. */
  const left = (kept: readonly string[]) =>
    vi.waitFor(
      async () => {
        for (const p of PARTITIONS) {
          const { generations, windows, memories, comparisons } = await stream.stored(p);
          const others = [...windows, ...memories, ...comparisons].filter((owner) => !kept.includes(owner));
          expect({ generations, others }).toEqual({ generations: kept, others: [] });
        }
      },
      { timeout: 30_000, interval: 50 },
    );
  await left(["bill@1", "bill@3"]);
  await stream.deleteView("bill");
  await left([]);
});

it("retention waits for a replay up to its bound, then the replay fails and says so, and what answers is unharmed", async () => {
  const pace = paceReplays();
  const stream = await LoggedStream.create(2, { views: [{ name: "ads", groupBy: ["adId"] }], retentionMs: HOUR_MS });
  for (const p of PARTITIONS) await stream.send(p, clicks(8_000, p, DAY_MS));
  const ask = () => stream.answer({ ...RANGE, view: "ads", groupBy: ["adId"] });
  const before = await ask();
  const id = await stream.putView("ads", { groupBy: ["adId"], where: { device: "mobile" } });

  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3 * HOUR_MS });
  await stream.ring();
  for (const p of PARTITIONS) expect((await stream.log(p)).length, "it is waited for").toBe(8_000);
  expect((await stream.job(id)).state).toBe("running");

  vi.setSystemTime(Date.now() + 4 * HOUR_MS);
  await stream.ring();
  await stream.ring();
  expect(await stream.job(id)).toMatchObject({
    state: "failed",
    error: "partition 0: the log's retention overtook the replay",
  });
  expect(await stream.view("ads")).toMatchObject({ state: "ready", generation: 1, error: expect.any(String) });
  const { rows, source, complete } = await ask();
  expect({ rows, source, complete }).toEqual({ rows: before.rows, source: "view:ads@1", complete: true });

  // Tried again, it takes over what the log has lost.
  pace.steps = Infinity;
  await stream.putView("ads", { groupBy: ["adId"], where: { device: "mobile" } });
  for (let i = 0; i < 5; i++) await stream.ring();
  const again = await ask();
  expect(again).toMatchObject({ rows: before.rows, source: "view:ads@3", complete: true });
  expect(again.carried.length).toBeGreaterThan(0);
});
