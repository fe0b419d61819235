/**
 * Rules that need order, in a real partition: whatever happens to the object and to its log, live and replay say what one look at
 * all clicks says.
 */
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MINUTE_MS, type ViewSpec } from "#engine";
import { BASE_TIME, type Row } from "../../support/events.ts";
import { CLICKS_PER_AD, DAY, expectOk, generation, HeldPartition, HOUR } from "./held-partition.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

/** A view with such a rule, and what one look at all clicks says of it: measures by group and window. */
interface Ruled {
  readonly spec: ViewSpec;
  /** Milliseconds over which clicks are spread. */
  readonly spreadMs: number;
  expected(rows: readonly Row[]): Answered;
}

type Answered = Readonly<Record<string, Readonly<Record<string, number>>>>;

const WITHIN = 90_000;

const SPAM: Ruled = {
  spec: {
    ...CLICKS_PER_AD,
    measures: { clicks: { count: true }, spam: { count: "invalid" }, revenue: { sum: "price" } },
    spam: { by: ["userId", "ad"], within: WITHIN },
  },
  spreadMs: 20 * MINUTE_MS,
  expected(rows) {
    const groups: Record<string, { clicks: number; spam: number; revenue: number }> = {};
    rows.forEach((row, i) => {
      const isNear = ({ time, ad, userId }: Row) =>
        ad === row["ad"] && userId === row["userId"] && Math.abs(time - row.time) < WITHIN;
      const isSpam = row["ad"] !== null && rows.slice(0, i).some(isNear);
      const group = (groups[`${row["ad"]} ${minuteOf(row.time)}`] ??= { clicks: 0, spam: 0, revenue: 0 });
      if (isSpam) group.spam += 1;
      else [group.clicks, group.revenue] = [group.clicks + 1, group.revenue + Number(row["price"])];
    });
    return groups;
  },
};

const GAP = 3 * HOUR;

const SESSIONS: Ruled = {
  spec: {
    where: {},
    groupBy: ["ad"],
    windowMs: MINUTE_MS,
    measures: { n: { session: "count" }, ms: { session: "duration" }, clicks: { session: "clicks" } },
    session: { by: ["userId", "ad"], gap: GAP },
  },
  spreadMs: 3 * DAY,
  expected(rows) {
    const keys = Map.groupBy(
      rows.filter(({ ad }) => ad !== null),
      ({ ad, userId }) => `${ad} ${userId}`,
    );
    const groups: Record<string, { n: number; ms: number; clicks: number }> = {};
    for (const clicks of keys.values()) {
      let group = { n: 0, ms: 0, clicks: 0 };
      let before = -Infinity;
      for (const { time, ad } of clicks.toSorted((a, b) => a.time - b.time)) {
        const isNew = time - before >= GAP || Math.floor(time / DAY) !== Math.floor(before / DAY);
        if (isNew) group = groups[`${ad} ${minuteOf(time)}`] ??= { n: 0, ms: 0, clicks: 0 };
        if (isNew) group.n += 1;
        else group.ms += time - before;
        group.clicks += 1;
        before = time;
      }
    }
    return Object.fromEntries(
      Object.entries(groups).map(([key, { n, ms, clicks }]) => [key, { n, ms: ms / n, clicks: clicks / n }]),
    );
  },
};

const minuteOf = (time: number) => Math.floor(time / MINUTE_MS) * MINUTE_MS;

const someClick = (spreadMs: number): fc.Arbitrary<Row> =>
  fc
    .record({
      time: fc.integer({ min: 0, max: spreadMs }).map((ms) => BASE_TIME + ms),
      ad: fc.constantFrom("ad-1", "ad-2", null),
      userId: fc.constantFrom("u-1", "u-2", "u-3"),
      price: fc.constantFrom(0.1, 0.25),
    })
    .map((row) => ({ ...row, type: "click" }));

async function answered(held: HeldPartition, { spec, spreadMs }: Ruled, number: number): Promise<Answered> {
  const range = { from: BASE_TIME - MINUTE_MS, to: BASE_TIME + spreadMs + MINUTE_MS, everyMs: MINUTE_MS };
  const { rows, missing } = await held.queryView({ ...range, measures: spec.measures }, number);
  expect(missing).toEqual([]);
  return Object.fromEntries(
    rows.map((row) => [
      `${row["ad"]} ${row["time"]}`,
      Object.fromEntries(Object.keys(spec.measures).map((name) => [name, Number(row[name])])),
    ]),
  );
}

/** Sums of prices to the millionth: what they are expected to be was added up in another order. */
const rounded = (groups: Answered) =>
  Object.fromEntries(
    Object.entries(groups).map(([key, group]) => [
      key,
      Object.fromEntries(Object.entries(group).map(([name, value]) => [name, Number(value.toFixed(6))])),
    ]),
  );

type Step =
  | { readonly kind: "append"; readonly rows: readonly Row[] }
  | { readonly kind: "evict" }
  | { readonly kind: "abort" }
  | { readonly kind: "seal" }
  | { readonly kind: "trim"; readonly percent: number };

const someStep = (spreadMs: number): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc
        .array(someClick(spreadMs), { minLength: 1, maxLength: 15 })
        .map((rows) => ({ kind: "append", rows })),
    },
    { weight: 1, arbitrary: fc.constantFrom({ kind: "evict" }, { kind: "abort" }) },
    { weight: 2, arbitrary: fc.constant({ kind: "seal" }) },
    { weight: 1, arbitrary: fc.nat(100).map((percent) => ({ kind: "trim", percent })) },
  ) as fc.Arbitrary<Step>;

async function take(step: Step, held: HeldPartition, rows: Row[]): Promise<void> {
  if (step.kind === "append") {
    await held.append(step.rows);
    rows.push(...step.rows);
  } else if (step.kind === "evict") {
    await held.evict();
  } else if (step.kind === "abort") {
    await held.abort();
  } else if (step.kind === "seal") {
    // Old enough to be sealed, not old enough to go.
    vi.setSystemTime(Date.now() + (7 * DAY) / 8 + 1);
    await held.ring();
  } else {
    expectOk(await held.stub.trim(Math.floor((rows.length * step.percent) / 100)));
  }
}

test.each([
  ["click spam", SPAM],
  ["sessions", SESSIONS],
])("%s: live and replayed, each click is judged by all that came before it", async (_, ruled) => {
  const { spec } = ruled;
  const histories = fc.record({
    history: fc.array(someStep(ruled.spreadMs), { minLength: 1, maxLength: 12 }),
    later: fc.array(someStep(ruled.spreadMs), { maxLength: 4 }),
  });
  await fc.assert(
    fc.asyncProperty(histories, async ({ history, later }) => {
      const live = generation({ spec });
      const held = await HeldPartition.make({ generations: [live], retentionMs: 70 * DAY });
      const rows: Row[] = [];
      const check = async (number: number) =>
        expect(rounded(await answered(held, ruled, number))).toEqual(rounded(ruled.expected(rows)));
      for (const step of history) await take(step, held, rows);
      await check(1);

      await held.configure({ generations: [live, generation({ spec, generation: 2, against: 1 })] });
      await held.settle();
      await check(2);
      for (const step of later) await take(step, held, rows);
      for (const number of [1, 2]) await check(number);

      const verify = generation({ spec, generation: 3, against: 1, mode: "verify" });
      await held.configure({ generations: [live, verify] });
      await held.settle();
      expect(await held.generation(3)).toMatchObject({ state: "verified", verification: { differing: 0 } });
    }),
    { numRuns: 60 },
  );
});

test("what is remembered is stored in few rows", async () => {
  const held = await HeldPartition.make({ generations: [generation({ spec: SPAM.spec })], retentionMs: 7_000 * DAY });
  for (let i = 0; i < 70; i++) {
    await held.append([{ time: BASE_TIME + i * MINUTE_MS, type: "click", ad: "ad", userId: `u-${i}`, price: 1 }]);
    await held.evict();
    vi.setSystemTime(Date.now() + 900 * DAY);
    await held.ring();
  }
  const rowCount = await held.rowCount("rule_memories");
  expect(rowCount).toBeGreaterThan(1);
  expect(rowCount).toBeLessThan(64);
  await held.configure({ generations: [] });
  await held.ring();
  await held.ring();
  expect(await held.rowCount("rule_memories")).toBe(0);
});
