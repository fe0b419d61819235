import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  areAddends,
  boundOf,
  compileQuery,
  createState,
  earlyStopOf,
  ENGINE_LIMITS,
  fold,
  type FoldState,
  FrozenPartial,
  isWorthFreezing,
  mayReach,
  mostBelow,
  type Query,
  thresholdOf,
} from "#engine";
import { batchOf, newDictionaries, SEED, someRow } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { askForAll, askInRounds } from "../support/three-rounds.ts";

const HOUR_MS = 3_600_000;

const top: Query = {
  from: BASE_TIME,
  to: BASE_TIME + 2 * HOUR_MS,
  where: {},
  groupBy: ["ad"],
  everyMs: null,
  measures: {
    clicks: { count: true },
    spent: { sum: "price" },
    mean: { avg: "price" },
    least: { min: "price" },
    users: { distinct: "user" },
  },
  orderBy: { name: "clicks", descending: true },
  limit: 3,
};

function folded(query: Query, rows: readonly Row[]): FoldState {
  const plan = compileQuery(query);
  const state = createState(plan, SEED);
  if (rows.length > 0) fold(plan, state, batchOf(rows, newDictionaries()), 0, rows.length);
  return state;
}

/** Ads of which the first are clicked far more than the rest, and many equally often. */
const skewedRow = fc
  .record({
    rank: fc.double({ min: 0, max: 1, noNaN: true }),
    user: fc.nat(9),
    price: fc.constantFrom(0, 0.1, 0.2, 0.3, 1, 5e-324, 1e-300, 1e300),
  })
  .map(({ rank, user, price }): Row => ({ time: BASE_TIME, ad: `ad-${Math.floor(30 * rank ** 3)}`, user, price }));
/** Every ad about as often as any other. */
const evenRow = fc
  .record({ ad: fc.nat(20), price: fc.integer({ min: 0, max: 3 }) })
  .map(({ ad, price }): Row => ({ time: BASE_TIME, ad: `ad-${ad}`, price }));

const somePartitions = fc.oneof(
  fc.array(fc.array(skewedRow, { maxLength: 80, size: "max" }), { minLength: 1, maxLength: 6 }),
  fc.array(fc.array(evenRow, { maxLength: 60, size: "max" }), { minLength: 1, maxLength: 6 }),
  fc.array(fc.array(someRow, { maxLength: 40 }), { minLength: 1, maxLength: 4 }),
);

describe("three rounds", () => {
  test("give what all groups give: rows, their order, every measure, and whether there are more", () => {
    let held = 0;
    fc.assert(
      fc.property(
        somePartitions,
        fc.constantFrom("clicks", "spent"),
        fc.constantFrom(["ad"], ["ad", "price"], ["user"]),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
        (partitions, name, groupBy, limit, holds) => {
          const query: Query = { ...top, groupBy, limit, orderBy: { name, descending: true } };
          const states = partitions.map((rows) => folded(query, rows));
          const all = askForAll(query, states);
          const early = askInRounds(query, states, (partition) => holds[partition] === true);
          expect({ rows: early.rows, truncated: early.truncated }).toEqual({
            rows: all.rows,
            truncated: all.truncated,
          });
          held += early.held;
        },
      ),
      { numRuns: 2_000 },
    );
    expect(held).toBeGreaterThan(1_000);
  });

  test("do not miss a group that reaches the last row's count without being among the first anywhere", () => {
    // "a" is second everywhere, and wins; "k" ties with "z" for the second row, and comes before it by key.
    const clicks = (ad: string, count: number): Row[] => Array.from({ length: count }, () => ({ time: BASE_TIME, ad }));
    const partitions = [
      [...clicks("p", 5), ...clicks("a", 4), ...clicks("k", 3), ...clicks("z", 1)],
      [...clicks("q", 5), ...clicks("a", 4), ...clicks("k", 3), ...clicks("z", 1)],
      [...clicks("z", 7), ...clicks("a", 4), ...clicks("k", 3)],
    ];
    const query: Query = { ...top, limit: 2, measures: { clicks: { count: true } } };
    const states = partitions.map((rows) => folded(query, rows));
    const { rows, held } = askInRounds(query, states, () => true);
    expect(held).toBe(3);
    expect(rows).toEqual([
      { ad: "a", clicks: 12 },
      { ad: "k", clicks: 9 },
    ]);
    expect(askInRounds({ ...query, limit: 3 }, states, () => true).rows[2]).toEqual({ ad: "z", clicks: 9 });
  });

  test("send far fewer groups than there are, where few are great", () => {
    const random = (seed: number) => () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
    const states = [1, 2, 3, 4].map((seed) => {
      const dice = random(seed);
      const rows = Array.from({ length: 20_000 }, (): Row => ({ time: BASE_TIME, ad: Math.floor(5_000 ** dice()) }));
      return folded({ ...top, measures: { clicks: { count: true } } }, rows);
    });
    const query: Query = { ...top, limit: 20, measures: { clicks: { count: true } } };
    const all = askForAll(query, states);
    const early = askInRounds(query, states, () => true);
    expect(early.rows).toEqual(all.rows);
    expect(early.sent.groups).toBeLessThan(all.sent.groups / 20);
  });
});

describe("a query may stop early", () => {
  test("by thresholds in falling order of what adds up, without buckets", () => {
    expect(earlyStopOf(top, 4)).toBe("thresholds");
    expect(earlyStopOf({ ...top, orderBy: { name: "spent", descending: true } }, 4)).toBe("thresholds");
    const not: Partial<Query>[] = [
      { orderBy: { name: "clicks", descending: false } },
      { orderBy: null },
      { orderBy: { name: "ad", descending: true } },
      { orderBy: { name: "users", descending: true } },
      { orderBy: { name: "mean", descending: true } },
      { orderBy: { name: "least", descending: true } },
      { groupBy: [] },
      { everyMs: 60_000 },
      { limit: 0 },
    ];
    for (const query of not) expect(earlyStopOf({ ...top, ...query }, 4)).toBeNull();
  });

  test("in any order if one partition has everything", () => {
    expect(earlyStopOf({ ...top, orderBy: null }, 1)).toBe("first");
    expect(earlyStopOf({ ...top, everyMs: 60_000 }, 1)).toBeNull();
  });

  test("if that pays", () => {
    const { frozenGroupsMin, frozenGroupsPerRow } = ENGINE_LIMITS;
    expect(isWorthFreezing(frozenGroupsMin - 1, 1)).toBe(false);
    expect(isWorthFreezing(frozenGroupsMin, 1)).toBe(true);
    expect(isWorthFreezing(frozenGroupsPerRow * 10_000 - 1, 10_000)).toBe(false);
    // Who holds groups back has more than the limit: then there certainly are more rows.
    expect(frozenGroupsPerRow).toBeGreaterThan(1);
  });
});

describe("the arithmetic", () => {
  test("the bound is the k-th greatest value, and nothing of fewer", () => {
    expect(boundOf(Float64Array.of(3, 1, 2, 3), 3)).toBe(2);
    expect(boundOf(Float64Array.of(3, 1), 3)).toBe(-Infinity);
  });

  test("what is below the threshold everywhere cannot reach the bound, to the last bit", () => {
    const amounts = fc.oneof(
      fc.integer({ min: 1, max: 2 ** 40 }),
      fc.double({ min: 5e-324, max: 2 ** 1000, noNaN: true }),
    );
    fc.assert(
      fc.property(amounts, fc.integer({ min: 1, max: 256 }), (bound, partitions) => {
        const threshold = thresholdOf(bound, partitions);
        // The greatest double below the threshold, added up exactly as an answer would be.
        const below = predecessor(threshold);
        if (below < 0) return;
        const rows = Array.from({ length: partitions }, (): Row => ({ time: BASE_TIME, ad: "a", price: below }));
        const [row] = askForAll(top, [folded(top, rows)]).rows;
        expect(row?.["spent"]).toBeLessThan(bound);
      }),
      { numRuns: 500 },
    );
  });

  test("what might reach the bound stays, ties included", () => {
    expect(mayReach(60, 40, 100)).toBe(true);
    expect(mayReach(60, 39, 100)).toBe(false);
    expect(mayReach(0.1 + 0.2, 0, 0.3)).toBe(true);
    expect(mayReach(0.1, 0.2 - 2 ** -55, 0.3)).toBe(true);
  });

  test("counts below a threshold are whole numbers below it", () => {
    const clicks = { kind: "count", name: "clicks" } as const;
    expect([0.9, 1, 1.5, 25].map((threshold) => mostBelow(clicks, threshold))).toEqual([0, 0, 1, 24]);
    expect(mostBelow({ kind: "sum", name: "spent", from: 0 }, 1.5)).toBe(1.5);
  });

  test("negative sums, and sums that others might take beyond a double, do not add up to more", () => {
    expect(areAddends(Float64Array.of(0, 1, 1e300))).toBe(true);
    expect([-1e-300, 1e305, NaN].map((value) => areAddends(Float64Array.of(1, value)))).toEqual([false, false, false]);
  });
});

test("a frozen partial does not follow what its state does not hold, and says about how large it is", () => {
  const rows = Array.from({ length: 100 }, (_, i): Row => ({ time: BASE_TIME, ad: `ad-${i}`, user: i }));
  const [table] = folded(top, rows).windows.values();
  if (table === undefined) throw new Error("no window");
  const partial = new FrozenPartial(top, compileQuery(top), table);
  expect(partial.groups).toBe(100);
  expect(partial.bytes).toBeGreaterThan(100 * ENGINE_LIMITS.groupOverheadBytes);
});

/** The next smaller double of a positive one. */
function predecessor(value: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  bits.setBigInt64(0, bits.getBigInt64(0) - 1n);
  return value <= 0 ? -1 : bits.getFloat64(0);
}
