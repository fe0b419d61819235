/**
 * A rule that needs order, in a real partition: whatever happens to the object and to its log, live and replay judge each click
 * as one look at all that came before it does.
 */
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MINUTE_MS, type ViewSpec } from "#engine";
import { BASE_TIME, type Row } from "../../support/events.ts";
import { CLICKS_PER_AD, DAY, expectOk, generation, HeldPartition } from "./held-partition.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const WITHIN = 90_000;

const SPEC: ViewSpec = {
  ...CLICKS_PER_AD,
  measures: { clicks: { count: true }, spam: { count: "invalid" }, revenue: { sum: "price" } },
  spam: { by: ["userId", "ad"], within: WITHIN },
};

const someClick: fc.Arbitrary<Row> = fc
  .record({
    time: fc.integer({ min: 0, max: 20 * MINUTE_MS }).map((ms) => BASE_TIME + ms),
    ad: fc.constantFrom("ad-1", "ad-2", null),
    userId: fc.constantFrom("u-1", "u-2", "u-3"),
    price: fc.constantFrom(0.1, 0.25),
  })
  .map((row) => ({ ...row, type: "click" }));

interface Group {
  clicks: number;
  spam: number;
  revenue: number;
}

function expected(rows: readonly Row[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  rows.forEach((row, i) => {
    const isSpam =
      row["ad"] !== null &&
      rows
        .slice(0, i)
        .some(
          ({ time, ad, userId }) => ad === row["ad"] && userId === row["userId"] && Math.abs(time - row.time) < WITHIN,
        );
    const key = `${row["ad"]} ${Math.floor(row.time / MINUTE_MS) * MINUTE_MS}`;
    const group = groups.get(key) ?? { clicks: 0, spam: 0, revenue: 0 };
    groups.set(key, group);
    if (isSpam) group.spam += 1;
    else [group.clicks, group.revenue] = [group.clicks + 1, group.revenue + Number(row["price"])];
  });
  return groups;
}

async function answered(held: HeldPartition, number: number): Promise<Map<string, Group>> {
  const range = { from: BASE_TIME - MINUTE_MS, to: BASE_TIME + 30 * MINUTE_MS, everyMs: MINUTE_MS };
  const { rows, missing } = await held.queryView({ ...range, measures: SPEC.measures }, number);
  expect(missing).toEqual([]);
  return new Map(
    rows.map(({ time, ad, clicks, spam, revenue }) => [
      `${ad} ${time}`,
      { clicks: Number(clicks), spam: Number(spam), revenue: Number(revenue) },
    ]),
  );
}

const rounded = (groups: Map<string, Group>) =>
  Object.fromEntries(
    [...groups].map(([key, group]) => [key, { ...group, revenue: Number(group.revenue.toFixed(6)) }]).sort(),
  );

type Step =
  | { readonly kind: "append"; readonly rows: readonly Row[] }
  | { readonly kind: "evict" }
  | { readonly kind: "abort" }
  | { readonly kind: "seal" }
  | { readonly kind: "trim"; readonly percent: number };

const someStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.array(someClick, { minLength: 1, maxLength: 15 }).map((rows) => ({ kind: "append", rows })),
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

test("live and replayed, a rule judges each click by all that came before it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(someStep, { minLength: 1, maxLength: 12 }),
      fc.array(someStep, { maxLength: 4 }),
      async (history, later) => {
        const live = generation({ spec: SPEC });
        const held = await HeldPartition.make({ generations: [live], retentionMs: 70 * DAY });
        const rows: Row[] = [];
        for (const step of history) await take(step, held, rows);
        expect(rounded(await answered(held, 1))).toEqual(rounded(expected(rows)));

        await held.configure({ generations: [live, generation({ spec: SPEC, generation: 2, against: 1 })] });
        await held.settle();
        expect(rounded(await answered(held, 2))).toEqual(rounded(expected(rows)));
        for (const step of later) await take(step, held, rows);
        for (const number of [1, 2]) expect(rounded(await answered(held, number))).toEqual(rounded(expected(rows)));

        const verify = generation({ spec: SPEC, generation: 3, against: 1, mode: "verify" });
        await held.configure({ generations: [live, verify] });
        await held.settle();
        expect(await held.generation(3)).toMatchObject({ state: "verified", verification: { differing: 0 } });
      },
    ),
    { numRuns: 60 },
  );
});

test("what is remembered is stored in few rows", async () => {
  const held = await HeldPartition.make({ generations: [generation({ spec: SPEC })], retentionMs: 7_000 * DAY });
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
