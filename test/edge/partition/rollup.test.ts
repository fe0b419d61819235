/**
 * Windows that were rolled up beside the same view whose windows never are: whatever happens to both, no answer that both can
 * give differs in a bit.
 */
import { runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  type Buckets,
  createState,
  cutWindows,
  digestState,
  type FoldState,
  mergeWindow,
  NO_WIDE_WINDOWS,
  type Query,
  type ViewSpec,
} from "#engine";
import { Database } from "../../../edge/partition/database.ts";
import { FactStore } from "../../../edge/partition/facts.ts";
import { Partition } from "../../../edge/partition/partition.ts";
import { Replay } from "../../../edge/partition/replay.ts";
import { Rollup } from "../../../edge/partition/rollup.ts";
import { ViewRetention } from "../../../edge/partition/view-retention.ts";
import { readWindows } from "../../../edge/partition/view-reader.ts";
import type { GenerationConfig } from "../../../edge/partition/rpc.ts";
import { readComparison } from "./read-comparison.ts";
import { clicks, CLICKS_PER_AD, DAY, expectOk, generation, HeldPartition, HOUR, MINUTE } from "./held-partition.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const SOON = { hourAfterMs: 3 * HOUR, dayAfterMs: 2 * DAY };
const NEVER = { hourAfterMs: 100_000 * DAY, dayAfterMs: 100_000 * DAY };
const clicksView = (overrides: Partial<GenerationConfig> = {}) => generation({ rollup: SOON, ...overrides });
const FINE = generation({ view: "fine", rollup: NEVER });

/** Of which the tail is stored two hours after it began: windows in memory are not rolled up. */
const make = (...generations: readonly GenerationConfig[]) =>
  HeldPartition.make({ retentionMs: 16 * HOUR, generations });

/** Widths of the stored windows of `clicks`, by the row id of a generation, as its record has them. */
async function wideOf(held: HeldPartition, id: number) {
  const [row] = await held.sql<{ state: string }>("SELECT state FROM generations WHERE id = ?", id);
  const { wide } = JSON.parse(row?.state ?? "{}") as { wide?: { hours: unknown[]; days: unknown[] } };
  return wide ?? { hours: [], days: [] };
}

const starts = async (held: HeldPartition): Promise<number> => held.rowCount("window_rows");

test("minutes become hours, and hours days, and no answer at their widths changes in a bit", async () => {
  const held = await make(clicksView(), FINE);
  await held.append(clicks(3_000, START - 5 * DAY, 2 * MINUTE + 7));
  const whole = (await held.queryView({ everyMs: DAY })).digest;
  const ranges = [
    { from: START - 4 * DAY, to: START, everyMs: DAY },
    { from: START - 5 * DAY, to: START - 3 * DAY, everyMs: null },
    { from: START - DAY - 4 * HOUR, to: START, everyMs: HOUR, where: { ad: "ad-3" }, groupBy: [] },
  ];
  const before = await Promise.all(ranges.map(async (range) => (await held.queryView(range)).digest));
  await held.ring(); // nothing has been there for long enough
  expect(await wideOf(held, 1)).toEqual({ hours: [], days: [] });
  const minutes = (await starts(held)) / 2;
  vi.setSystemTime(START + 4 * HOUR);
  await held.ring();
  await held.ring();
  // Appended at START: days are not due for two days.
  expect(await wideOf(held, 1)).toMatchObject({ days: [], hours: [{ from: START - 5 * DAY }] });
  expect((await starts(held)) - minutes).toBeLessThan(5 * 24);
  expect((await held.queryView({ everyMs: DAY })).digest).toBe(whole);
  expect(await Promise.all(ranges.map(async (range) => (await held.queryView(range)).digest))).toEqual(before);
  vi.setSystemTime(START + 3 * DAY);
  await held.ring();
  expect(await wideOf(held, 1)).toMatchObject({ hours: [], days: [{ from: START - 5 * DAY, to: START }] });
  expect((await starts(held)) - minutes).toBe(5);
  expect((await held.queryView({ everyMs: DAY })).digest).toBe(whole);
  expect((await held.queryView(ranges[0])).digest).toBe(before[0]);
  await held.evict();
  expect((await held.queryView({ everyMs: DAY })).digest).toBe(whole);
  expect((await held.queryView({ everyMs: DAY }, 1, "fine")).digest).toBe(whole);
});

test("a range or buckets that cut what was rolled up are refused, or answered without it, by name", async () => {
  const held = await make(clicksView(), FINE);
  const from = START - 10 * HOUR;
  await held.append(clicks(600, from, MINUTE));
  vi.setSystemTime(START + 4 * HOUR);
  await held.ring();
  const range = { from: from + 10 * MINUTE, to: START - 5 * MINUTE, groupBy: [] };
  const source = { kind: "view", view: "clicks", generation: 1 } as const;
  expect(await held.tryQuery(range, source)).toEqual({
    ok: false,
    failure: {
      reason: "range_not_aligned",
      view: "clicks",
      windowMs: HOUR,
      rolledUpTo: START - 5 * MINUTE,
      missingMs: { view: 105 * MINUTE, log: 0 },
    },
  });
  const partly = expectOk(await held.tryQuery(range, { ...source, leaveOutCut: true }));
  expect(partly.missing).toEqual([
    { from: from + 10 * MINUTE, to: from + HOUR, reason: "rolled_up" },
    { from: START - HOUR, to: START - 5 * MINUTE, reason: "rolled_up" },
  ]);
  expect(partly.rows).toMatchObject([{ clicks: 8 * 60 }]);
  const aligned = { from, to: START };
  expect(await held.tryQuery({ ...aligned, everyMs: 30 * MINUTE }, source)).toMatchObject({
    failure: { reason: "range_not_aligned", windowMs: HOUR, missingMs: { view: 10 * HOUR } },
  });
  expect((await held.queryView({ ...aligned, everyMs: HOUR })).missing).toEqual([]);
  // What came since is as fine as ever.
  await held.append(clicks(60, START + 3 * HOUR, MINUTE));
  expect(
    (await held.queryView({ from: START + 3 * HOUR + 5 * MINUTE, to: START + 4 * HOUR, groupBy: [] })).rows,
  ).toMatchObject([{ clicks: 55 }]);
});

test("what comes late for a window that was rolled up is counted in it", async () => {
  const held = await make(clicksView(), FINE);
  await held.append(clicks(600, START - 10 * HOUR, MINUTE));
  vi.setSystemTime(START + 4 * HOUR);
  await held.ring();
  const rows = await starts(held);
  const late = clicks(90, START - 9 * HOUR, 20_000, 3);
  await held.append(late);
  const hours: Partial<Query> = { from: START - 10 * HOUR, to: START, everyMs: HOUR };
  // In memory, then stored, then read anew.
  for (const then of [() => held.status(), () => held.stub.trim(Infinity), () => held.evict()]) {
    await then();
    expect((await held.queryView(hours)).digest).toBe((await held.queryView(hours, 1, "fine")).digest);
  }
  expect(await starts(held)).toBe(rows);
});

test("windows that do not divide an hour or a day stay as they are, and wide ones go when they were kept for long enough", async () => {
  const odd = { view: "odd", spec: { ...CLICKS_PER_AD, windowMs: 7 * MINUTE } };
  const held = await make(clicksView({ retentionMs: 10 * DAY }), clicksView(odd));
  await held.append(clicks(120, START - 3 * HOUR, MINUTE));
  await held.append(clicks(120, START + 10 * HOUR, MINUTE));
  vi.setSystemTime(START + 5 * DAY);
  await held.ring();
  expect(await wideOf(held, 1)).toMatchObject({ hours: [], days: [{ from: START - DAY, to: START + DAY }] });
  expect(await wideOf(held, 2)).toEqual({ hours: [], days: [] });
  vi.setSystemTime(START + 11 * DAY - HOUR);
  // In memory only, in the middle of a wide window.
  await held.append(clicks(1, START + 12 * HOUR));
  vi.setSystemTime(START + 11 * DAY);
  await held.ring();
  expect((await held.generation(1)).missing).toEqual([{ from: START - DAY, to: START }]);
  const answer = await held.queryView({ groupBy: [], from: START - 2 * DAY, to: START + 2 * DAY });
  expect(answer.rows).toMatchObject([{ clicks: 121 }]);
  expect(answer.missing).toEqual([{ from: START - DAY, to: START, reason: "trimmed" }]);
  expect(await wideOf(held, 1)).toMatchObject({ days: [{ from: START, to: START + DAY }] });
});

test("a replay carries what was rolled up over whole, and says from when to when", async () => {
  const held = await make(clicksView(), FINE);
  // The log will lose the first half of an hour in the middle of what is rolled up.
  await held.append(clicks(330, START - 8 * HOUR, MINUTE));
  await held.append(clicks(150, START - 8 * HOUR + 330 * MINUTE, MINUTE, 330));
  vi.setSystemTime(START + 4 * HOUR);
  await held.ring();
  expect(expectOk(await held.stub.trim(330)).logStart).toBe(330);
  await held.configure({ generations: [clicksView(), FINE, clicksView({ generation: 2, against: 1 })] });
  await held.settle();
  const carried = [{ from: START - 8 * HOUR, to: START - 2 * HOUR, generation: 1 }];
  expect((await held.generation(2)).carried).toEqual(carried);
  const range = { from: START - 8 * HOUR, to: START };
  const fine = (await held.queryView(range, 1, "fine")).digest;
  const second = await held.queryView(range, 2);
  expect(second.digest).toBe(fine);
  expect(second.carried).toEqual(carried);
  // Promoted, and the one before retired; what the new one computed itself is rolled up in its turn, and what it carries to days.
  await held.configure({ generations: [FINE, clicksView({ generation: 2, against: 1 })] });
  for (const at of [START + 9 * HOUR, START + 3 * DAY, START + 6 * DAY]) {
    vi.setSystemTime(at);
    await held.ring();
    const answer = await held.queryView(range, 2);
    expect(answer.digest).toBe(fine);
    expect(answer.carried).toEqual(carried);
  }
});

test("a verification compares windows of different widths as the wider ones", async () => {
  const held = await make(clicksView());
  await held.append(clicks(600, START - 20 * HOUR, 2 * MINUTE));
  vi.setSystemTime(START + 4 * HOUR);
  await held.ring();
  await held.append(clicks(60, START + HOUR, MINUTE));
  await held.configure({ generations: [clicksView(), clicksView({ generation: 2, against: 1, mode: "verify" })] });
  await held.settle();
  expect(await held.generation(2)).toMatchObject({
    state: "verified",
    verification: { compared: 20 + 60, differing: 0, skipped: 0 },
  });
});

test("a comparison freezes both sides as wide as the wider one, and says so", async () => {
  const held = await make(clicksView());
  await held.append(clicks(600, START - 20 * HOUR, 2 * MINUTE));
  vi.setSystemTime(START + 4 * HOUR);
  await held.ring();
  await held.append(clicks(60, START + HOUR, MINUTE));
  const spec = { ...CLICKS_PER_AD, where: { country: "US" } };
  await held.configure({ generations: [clicksView(), clicksView({ generation: 2, against: 1, spec })] });
  await held.settle();
  // What becomes of windows afterwards is no matter.
  vi.setSystemTime(START + 9 * DAY);
  await held.ring();
  const first = expectOk(await held.stub.comparedDay("clicks", 2, 0, 0));
  expect(first.wide).toEqual({ hours: [{ from: START - 20 * HOUR, to: START }], days: [] });
  const { before, after } = await readComparison(held, 2);
  const widths = (side: FoldState) => [...side.windows.keys()].filter((start) => start < START);
  expect(widths(before)).toEqual(Array.from({ length: 20 }, (_, i) => START - (20 - i) * HOUR));
  expect(widths(after)).toEqual(widths(before));
  expect(expectOk(await held.stub.comparedDay("clicks", 2, START, 0)).wide).toBe(undefined);
});

/** A partition over the storage of an object, with nothing between the test and its turns. */
function inside<T>(held: HeldPartition, work: (open: () => { partition: Partition; rollup: Rollup }) => T): Promise<T> {
  return runInDurableObject(held.stub, (_, { storage }) => {
    const database = new Database(storage);
    return work(() => {
      const facts = new FactStore(database);
      const partition = new Partition(database, facts, held.config, Date.now());
      return { partition, rollup: new Rollup(partition, facts) };
    });
  });
}

/** All windows of a view as one, and how many there are. */
function totalOf({ views, windows }: Partition, view: string) {
  const found = views.find(view, 1);
  if (found === undefined) throw new Error(`there is no ${view}`);
  const state = createState(found.plan);
  for (const page of readWindows(views, windows, found, { from: 0, to: 2 * START, everyMs: null })) {
    for (const table of page) mergeWindow(found.plan, state, table, 0);
  }
  return digestState(state);
}

test("the last hours, as many as windows stay fine for, are never cut, whenever they are asked for", async () => {
  // So that only event times count.
  vi.setSystemTime(START - DAY);
  const held = await make(clicksView());
  await held.append(clicks(24 * 60, START - DAY, MINUTE));
  await inside(held, (open) => {
    const { partition, rollup } = open();
    partition.checkpoint(START);
    for (let now = START; now <= START + 4 * HOUR; now += MINUTE) {
      rollup.begin(now);
      while (rollup.step());
      // By a clock that is some seconds behind.
      const [from = 0, to = 0] = [now - SOON.hourAfterMs - 20_000, now].map((time) => time - (time % MINUTE));
      const wide = partition.views.find("clicks", 1)?.wide ?? NO_WIDE_WINDOWS;
      expect(cutWindows(wide, { from, to, everyMs: MINUTE })).toEqual([]);
    }
    expect(partition.views.find("clicks", 1)?.wide.hours).toEqual([{ from: START - DAY, to: START }]);
  });
});

test("a crash between any two steps costs nothing and doubles nothing", async () => {
  const held = await make(clicksView(), FINE);
  await held.append(clicks(1_500, START - 50 * HOUR, 2 * MINUTE));
  vi.setSystemTime(START + 2 * DAY);
  await held.stub.trim(Infinity);
  await inside(held, (open) => {
    const whole = totalOf(open().partition, "fine");
    const rollUp = () => {
      let crashes = 0;
      for (let steps = 1, isDone = false; !isDone; steps++) {
        const { partition, rollup } = open();
        rollup.begin(Date.now());
        for (let i = 0; i < steps && !isDone; i++) isDone = !rollup.step();
        crashes += 1;
        expect(totalOf(partition, "clicks")).toBe(whole);
        expect(totalOf(open().partition, "clicks")).toBe(whole);
      }
      return { crashes, wide: open().partition.views.find("clicks", 1)?.wide };
    };
    const hours = rollUp();
    expect(hours.wide).toEqual({ hours: [{ from: START - 50 * HOUR, to: START }], days: [] });
    expect(hours.crashes).toBeGreaterThan(10);
    vi.setSystemTime(START + 5 * DAY);
    expect(rollUp().wide).toEqual({ hours: [], days: [{ from: START - 3 * DAY, to: START }] });
  });
});

test("what was stored while windows were read to be rolled up is not lost", async () => {
  const held = await make(clicksView(), FINE);
  await held.append(clicks(120, START - 3 * HOUR, MINUTE));
  vi.setSystemTime(START + 5 * HOUR);
  await held.stub.trim(Infinity);
  await inside(held, (open) => {
    for (const stepsBefore of [1, 2, 3]) {
      const { partition, rollup } = open();
      rollup.begin(Date.now());
      for (let i = 0; i < stepsBefore; i++) rollup.step();
      partition.commit([held.request(clicks(40, START - 3 * HOUR, MINUTE))], Date.now());
      if (stepsBefore > 1) partition.checkpoint(Date.now());
      while (rollup.step());
      expect(totalOf(partition, "clicks")).toBe(totalOf(partition, "fine"));
      expect(totalOf(open().partition, "clicks")).toBe(totalOf(open().partition, "fine"));
    }
  });
});

test("what expired while windows were read to be rolled up does not come back", async () => {
  const held = await make(clicksView({ retentionMs: DAY }), FINE);
  await held.append(clicks(120, START - 3 * HOUR, MINUTE));
  vi.setSystemTime(START + DAY + 1);
  await held.stub.trim(Infinity);
  await inside(held, (open) => {
    const { partition, rollup } = open();
    rollup.begin(Date.now());
    for (let i = 0; i < 3; i++) rollup.step();
    const found = partition.views.find("clicks", 1);
    if (found === undefined) throw new Error("there is no view");
    new ViewRetention(partition, new FactStore(partition.database)).expirePage(found, 0, Date.now());
    while (rollup.step());
    expect(partition.windows.isEmpty(found.id)).toBe(true);
  });
});

test("what would be too large a window stays as it is, and is not tried day after day", async () => {
  const spec = { ...CLICKS_PER_AD, measures: { clicks: { count: true as const } } };
  const held = await make(clicksView({ spec }));
  for (let i = 0; i < 13; i++) {
    const time = START - HOUR + i * 4 * MINUTE;
    await held.append(Array.from({ length: 10_000 }, (_, n) => ({ time, type: "click", ad: `ad-${i}-${n}` })));
  }
  await held.append(clicks(60, START - 5 * HOUR, MINUTE));
  vi.setSystemTime(START + 5 * HOUR);
  await held.ring();
  expect(await wideOf(held, 1)).toEqual({ hours: [{ from: START - 5 * HOUR, to: START - 4 * HOUR }], days: [] });
  const [row] = await held.sql<{ state: string }>("SELECT state FROM generations");
  expect(JSON.parse(row?.state ?? "")).toMatchObject({ tooLarge: { hours: [{ from: START - HOUR, to: START }] } });
  await inside(held, (open) => {
    const { rollup } = open();
    rollup.begin(Date.now());
    let steps = 1;
    while (rollup.step()) steps++;
    expect(steps).toBe(2);
  });
});

test("a day that is too large a window is still rolled up to hours", async () => {
  const spec = { ...CLICKS_PER_AD, measures: { clicks: { count: true as const } } };
  const held = await make(clicksView({ spec }));
  for (let i = 0; i < 13; i++) {
    const time = START - 14 * HOUR + i * HOUR;
    await held.append(Array.from({ length: 10_000 }, (_, n) => ({ time, type: "click", ad: `ad-${i}-${n}` })));
  }
  const all = { groupBy: [], measures: spec.measures };
  const whole = (await held.queryView(all)).digest;
  vi.setSystemTime(START + 3 * DAY);
  await held.ring();
  await held.ring();
  expect(await wideOf(held, 1)).toEqual({ hours: [{ from: START - 14 * HOUR, to: START - HOUR }], days: [] });
  expect((await held.queryView(all)).digest).toBe(whole);
});

test("nothing is rolled up while a generation of the view is built or compared", async () => {
  const held = await make(clicksView(), FINE);
  await held.append(clicks(120, START - 3 * HOUR, MINUTE));
  vi.setSystemTime(START + 5 * HOUR);
  await held.ring();
  await held.append(clicks(120, START - DAY - 3 * HOUR, MINUTE));
  await inside(held, (open) => {
    const { partition, rollup } = open();
    partition.checkpoint(Date.now());
    const second = clicksView({ generation: 2, against: 1 });
    partition.configure({ ...held.config, version: 9, generations: [clicksView(), FINE, second] }, Date.now());
    const replay = new Replay(partition);
    const rollUp = () => {
      rollup.begin(Date.now() + DAY);
      while (rollup.step());
      return partition.views.find("clicks", 1)?.wide.hours.length;
    };
    expect(rollUp()).toBe(1);
    while (partition.views.building.length > 0) replay.buildStep(Date.now());
    expect(partition.views.comparing.length).toBe(1);
    expect(rollUp()).toBe(1);
    for (let [next] = partition.views.comparing; next !== undefined; [next] = partition.views.comparing)
      partition.comparisons.step(next);
    expect(rollUp()).toBe(2);
  });
});

test("who is reading reads each window once, whatever is rolled up meanwhile", async () => {
  const held = await make(clicksView(), FINE);
  // More than a page of windows.
  await held.append(clicks(2_000, START - 2_000 * MINUTE, MINUTE));
  vi.setSystemTime(START + 5 * HOUR);
  await held.stub.trim(Infinity);
  await inside(held, (open) => {
    const { partition, rollup } = open();
    const { views, windows } = partition;
    const found = views.find("clicks", 1);
    if (found === undefined) throw new Error("there is no view");
    const read = (buckets: Buckets, between: () => void) => {
      let [records, pages] = [0, 0];
      for (const page of readWindows(views, windows, found, buckets)) {
        for (const table of page)
          for (let group = 0; group < table.size; group++) records += table.records[group] as number;
        if (pages++ === 0) between();
      }
      return records;
    };
    const rollUp = () => {
      rollup.begin(Date.now());
      while (rollup.step());
    };
    const range = { from: START - 34 * HOUR, to: START, everyMs: null };
    // Buckets of minutes: nothing may become an hour before they are read; what has been read may.
    expect(read({ ...range, everyMs: MINUTE }, rollUp)).toBe(2_000);
    expect(found.wide.hours.length).toBe(1);
    expect(found.wide.hours[0]?.to).toBeLessThanOrEqual(START - 1_000 * MINUTE);
    expect(read({ ...range, to: START - 30 * MINUTE }, rollUp)).toBe(1_970);
    expect(found.wide.hours).toEqual([{ from: START - 34 * HOUR, to: START - HOUR }]);
    expect(read(range, rollUp)).toBe(2_000);
    expect(found.wide.hours).toEqual([{ from: START - 34 * HOUR, to: START }]);
  });
});

// --- Anything ---

type Step = (held: HeldPartition, world: World) => Promise<void>;

interface World {
  readonly spec: ViewSpec;
  /** From when on each generation was recomputed. */
  readonly froms: (number | null)[];
  now: number;
  inForce: number;
  last: number;
  appended: number;
}

const SPAM: ViewSpec = {
  ...CLICKS_PER_AD,
  measures: { ...CLICKS_PER_AD.measures, spam: { count: "invalid" } },
  spam: { by: ["userId", "ad"], within: 2 * HOUR },
};

const SESSIONS: ViewSpec = {
  ...CLICKS_PER_AD,
  measures: { n: { session: "count" }, ms: { session: "duration" }, clicks: { session: "clicks" } },
  session: { by: ["userId", "ad"], gap: 3 * HOUR },
};

const configure = (held: HeldPartition, { spec, froms, inForce, last }: World) => {
  const wanted = [...new Set([inForce, last])];
  return held.configure({
    generations: [
      { ...FINE, spec },
      ...wanted.map((number) =>
        clicksView({
          spec,
          generation: number,
          against: number === 1 ? null : number - 1,
          from: froms[number - 1] ?? null,
        }),
      ),
    ],
  });
};

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .record({
        count: fc.integer({ min: 1, max: 60 }),
        ago: fc.integer({ min: 1, max: 6 * 1440 }),
        step: fc.integer({ min: 1, max: 50 }),
      })
      .map(({ count, ago, step }): Step => async (held, world) => {
        const rows = clicks(count, world.now - ago * MINUTE, step * 30_000, world.appended);
        world.appended += count;
        await held.append(rows.filter(({ time }) => (time as number) <= world.now));
      }),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(HOUR, 5 * HOUR, DAY, 3 * DAY).map((ms): Step => async (held, world) => {
      vi.setSystemTime((world.now += ms));
      await held.ring();
    }),
  },
  {
    weight: 1,
    arbitrary: fc.double({ min: 0, max: 1, noNaN: true }).map((share): Step => async (held) => {
      const { logStart, logEnd } = await held.status();
      expectOk(await held.stub.trim(Math.floor(logStart + share * (logEnd - logStart))));
    }),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Step>(
      (held) => held.evict(),
      (held) => held.abort(),
    ),
  },
  {
    weight: 2,
    // A replay of all, or of the last days, and its promotion: the generation before is retired at once.
    arbitrary: fc.option(fc.integer({ min: 1, max: 6 * 1440 })).map((ago): Step => async (held, world) => {
      world.last += 1;
      world.froms.push(ago === null ? null : world.now - ago * MINUTE);
      await configure(held, world);
      await held.settle();
      world.inForce = world.last;
      await configure(held, world);
    }),
  },
);

async function checkAll(held: HeldPartition, { now, inForce, spec: { measures } }: World): Promise<void> {
  const end = Math.ceil(now / DAY) * DAY;
  for (const everyMs of [null, DAY]) {
    const range = { from: end - 60 * DAY, to: end, everyMs, measures };
    const own = await held.queryView(range, inForce);
    expect(own.missing).toEqual([]);
    expect(own.digest).toBe((await held.queryView(range, 1, "fine")).digest);
  }
  // Whatever a narrower question is answered is what the fine windows say, but for what is named.
  const source = { kind: "view", view: "clicks", generation: inForce } as const;
  const range = {
    from: now - (now % MINUTE) - 3 * DAY,
    to: now - (now % MINUTE) - HOUR,
    everyMs: 10 * MINUTE,
    groupBy: [],
    measures,
  };
  const whole = await held.tryQuery(range, source);
  const fine = await held.queryView(range, 1, "fine");
  if (whole.ok) expect(whole.value.digest).toBe(fine.digest);
  else expect(whole.failure).toMatchObject({ reason: "range_not_aligned" });
  const partly = expectOk(await held.tryQuery(range, { ...source, leaveOutCut: true }));
  const isNamed = (time: number) => partly.missing.some(({ from, to }) => from < time + 10 * MINUTE && time < to);
  const kept = (rows: typeof fine.rows) => rows.filter((row) => !isNamed(row["time"] as number));
  expect(kept(partly.rows)).toEqual(kept(fine.rows));
}

test.each([
  ["clicks", CLICKS_PER_AD],
  ["clicks without spam", SPAM],
  ["sessions", SESSIONS],
])(
  "any history of %s, late ones, roll-ups, trims, crashes and replays leaves what fine windows say",
  async (_, spec) => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 20 }), async (history) => {
        vi.setSystemTime(START);
        const generations = [clicksView({ spec }), { ...FINE, spec }];
        const held = await HeldPartition.make({ retentionMs: 4 * DAY, generations });
        const world: World = { spec, froms: [null], now: START, inForce: 1, last: 1, appended: 0 };
        for (const step of history) await step(held, world);
        await checkAll(held, world);
        await held.abort();
        await checkAll(held, world);
      }),
      { numRuns: 25 },
    );
  },
);
