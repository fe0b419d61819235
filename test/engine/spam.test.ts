import fc from "fast-check";
import { expect, test } from "vitest";
import {
  compileRollup,
  compileView,
  createState,
  answerRows,
  digestState,
  encodeBatch,
  fold,
  groupRows,
  KeyedStretches,
  mergeState,
  MINUTE_MS,
  type Query,
  rollUp,
  sourceFromView,
  type SpamRule,
  type ViewSpec,
} from "#engine";
import { batchOf, cutsOf, decodeParts, newDictionaries, SEED, someRows } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { someGroupBy, someMeasures, someWhere } from "../support/queries.ts";
import { referenceAnswer, referenceMatches } from "../support/reference-fold.ts";

const someRule: fc.Arbitrary<SpamRule> = fc.record({
  by: fc.uniqueArray(fc.constantFrom("user", "ad", "mixed", "price"), { minLength: 1, maxLength: 2 }),
  within: fc.constantFrom(1, 5_000, MINUTE_MS, 20 * MINUTE_MS),
});

const someSpamView: fc.Arbitrary<ViewSpec & { spam: SpamRule }> = fc.record({
  where: fc.oneof(fc.constant({}), someWhere),
  groupBy: someGroupBy,
  windowMs: fc.constantFrom(MINUTE_MS, 5 * MINUTE_MS),
  measures: fc
    .tuple(someMeasures, fc.boolean())
    .map(([measures, both]) => ({ ...measures, ...(both && { spam: { count: "invalid" as const } }) })),
  spam: someRule,
});

/** By the definition: every earlier record is looked at. */
function judged({ where, spam: { by, within } }: ViewSpec & { spam: SpamRule }, rows: readonly Row[]) {
  const clicks = rows.filter((row) => referenceMatches(where, row));
  const isInvalid = (row: Row, i: number) =>
    by.every((name) => (row[name] ?? null) !== null) &&
    clicks
      .slice(0, i)
      .some(
        (before) =>
          Math.abs(before.time - row.time) < within && by.every((name) => (before[name] ?? null) === row[name]),
      );
  return { valid: clicks.filter((row, i) => !isInvalid(row, i)), invalid: clicks.filter(isInvalid) };
}

const wholeRange: Pick<Query, "from" | "to" | "everyMs" | "where" | "orderBy" | "limit"> = {
  from: BASE_TIME,
  to: BASE_TIME + 65 * MINUTE_MS,
  everyMs: null,
  where: {},
  orderBy: null,
  limit: 10_000,
};

function answer(view: ViewSpec, state: ReturnType<typeof createState>, query: Query) {
  const source = sourceFromView(query, { name: "v", generation: 1, spec: view });
  if (!source.ok) throw new Error(source.failure.detail);
  const rollup = compileRollup(view, query, source.value.residual);
  const into = createState(rollup.query);
  for (const table of state.windows.values()) rollUp(rollup, into, table);
  return answerRows(query, into).rows;
}

test("what is valid is measured, what is not is counted, as by looking at every earlier record", () => {
  fc.assert(
    fc.property(someSpamView, someRows.chain(cutsOf), (view, batches) => {
      const plan = compileView(view);
      const state = createState(plan, SEED, new KeyedStretches());
      const dictionaries = newDictionaries();
      for (const rows of batches) fold(plan, state, batchOf(rows, dictionaries), 0, rows.length);
      const { valid, invalid } = judged(view, batches.flat());
      const { spam, ...measures } = view.measures;
      const query = { ...wholeRange, groupBy: view.groupBy, measures };
      expect(answer(view, state, query)).toEqual(referenceAnswer(query, valid));
      if (spam === undefined) return;
      const counted = answer(view, state, { ...query, measures: { spam } });
      const expected = referenceAnswer({ ...query, measures: { spam: { count: true } } }, invalid);
      expect(counted.filter((row) => row["spam"] !== 0)).toEqual(expected.filter((row) => row["spam"] !== 0));
    }),
    { numRuns: 500 },
  );
});

test("live = replay: no slicing, sealing, checkpoint or crash changes a verdict", () => {
  const scenario = someRows
    .filter((rows) => rows.length > 0)
    .chain((rows) =>
      fc.record({
        rows: fc.constant(rows),
        batches: cutsOf(rows),
        slice: fc.integer({ min: 1, max: 10 }),
        grouped: fc.constantFrom("ad", "user", null),
        at: fc.nat(rows.length),
      }),
    );
  fc.assert(
    fc.property(someSpamView, scenario, (view, { rows, batches, slice, grouped, at }) => {
      const plan = compileView(view);
      const dictionaries = newDictionaries();
      const live = createState(plan, SEED, new KeyedStretches());
      for (const batch of batches) fold(plan, live, batchOf(batch, dictionaries), 0, batch.length);
      const expected = digestState(live);

      const whole = batchOf(rows, dictionaries);
      const sliced = createState(plan, SEED, new KeyedStretches());
      for (let from = 0; from < rows.length; from += slice) {
        fold(plan, sliced, whole, from, Math.min(from + slice, rows.length));
      }
      expect(digestState(sliced)).toBe(expected);

      const segment = decodeParts(encodeBatch(groupRows(whole, grouped), dictionaries, null), dictionaries);
      const sealed = createState(plan, SEED, new KeyedStretches());
      fold(plan, sealed, segment, 0, segment.count);
      expect(digestState(sealed)).toBe(expected);

      // A checkpoint at `at`, and a crash: what is stored of the windows and of the memory goes on.
      const memory = new KeyedStretches();
      const before = createState(plan, SEED, memory);
      fold(plan, before, segment, 0, at);
      const woken = new KeyedStretches();
      for (const piece of memory.take().pieces) woken.absorb(piece);
      const after = createState(plan, SEED, woken);
      fold(plan, after, segment, at, segment.count);
      mergeState(plan, before, after);
      expect(digestState(before)).toBe(expected);
    }),
    { numRuns: 500 },
  );
});

test("a record that is not counted may still come before one that is", () => {
  const view: ViewSpec & { spam: SpamRule } = {
    where: {},
    groupBy: [],
    windowMs: MINUTE_MS,
    measures: { clicks: { count: true } },
    spam: { by: ["user"], within: 1_000 },
  };
  const plan = compileView(view, { except: [{ from: BASE_TIME, to: BASE_TIME + MINUTE_MS }] });
  const rows = [59_500, 60_100].map((ms) => ({ time: BASE_TIME + ms, user: "u" }));
  const state = createState(plan, SEED, new KeyedStretches());
  fold(plan, state, batchOf(rows, newDictionaries()), 0, 2);
  expect(state.windows.size).toBe(0);
});
