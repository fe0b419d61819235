import fc from "fast-check";
import { expect, test } from "vitest";
import {
  answerRows,
  compileRollup,
  compileView,
  createState,
  digestState,
  encodeBatch,
  fold,
  type FoldState,
  groupRows,
  KeyedStretches,
  mergeState,
  MINUTE_MS,
  type Query,
  rollUp,
  type SessionRule,
  sourceFromView,
  type ViewSpec,
} from "#engine";
import { batchOf, cutsOf, decodeParts, newDictionaries, SEED } from "../support/batches.ts";
import type { Row } from "../support/events.ts";
import { referenceMatches } from "../support/reference-fold.ts";

const DAY_MS = 86_400_000;
/** An hour before midnight, UTC. */
const START = Date.UTC(2026, 0, 1, 23);
const END = START + 3 * 3_600_000;

type SessionView = ViewSpec & { readonly session: SessionRule };

const someRow: fc.Arbitrary<Row> = fc
  .record({
    time: fc.integer({ min: START, max: END - 1 }),
    user: fc.constantFrom("u-1", "u-2", "u-3", null),
    site: fc.oneof({ weight: 4, arbitrary: fc.constantFrom("a", "b") }, { weight: 1, arbitrary: fc.constant(7) }),
    ad: fc.constantFrom("ad-1", "ad-2"),
  })
  .map((row) => row);
const someRows = fc.array(someRow, { minLength: 1, maxLength: 60 });

const someView: fc.Arbitrary<SessionView> = fc
  .record({
    where: fc.constantFrom({}, { ad: "ad-1" }),
    keys: fc.constantFrom(
      { by: ["user"], groupBy: [] },
      { by: ["user", "site"], groupBy: ["site"] },
      { by: ["site"], groupBy: ["site"] },
    ),
    windowMs: fc.constantFrom(MINUTE_MS, 60 * MINUTE_MS),
    gap: fc.constantFrom(1, MINUTE_MS, 10 * MINUTE_MS, DAY_MS),
  })
  .map(({ where, keys, windowMs, gap }) => ({
    where,
    windowMs,
    groupBy: keys.groupBy,
    measures: { n: { session: "count" }, ms: { session: "duration" }, clicks: { session: "clicks" } },
    session: { by: keys.by, gap },
  }));

/** By the definition: the clicks of a key in the order of time, cut at each gap and at midnight. */
function reference({ where, groupBy, session: { by, gap } }: SessionView, rows: readonly Row[], everyMs: number) {
  const keys = new Map<string, Row[]>();
  for (const row of rows) {
    if (!referenceMatches(where, row) || by.some((name) => (row[name] ?? null) === null)) continue;
    const key = JSON.stringify(by.map((name) => row[name]));
    keys.set(key, [...(keys.get(key) ?? []), row]);
  }
  const groups = new Map<string, { n: number; ms: number; clicks: number }>();
  for (const clicks of keys.values()) {
    const sorted = clicks.toSorted((a, b) => a.time - b.time);
    const startsAt = sorted.flatMap(({ time }, i) => {
      const before = sorted[i - 1]?.time ?? -Infinity;
      return time - before >= gap || Math.floor(time / DAY_MS) !== Math.floor(before / DAY_MS) ? [i] : [];
    });
    startsAt.forEach((from, s) => {
      const members = sorted.slice(from, startsAt[s + 1]);
      const [first, last] = [members[0] as Row, members.at(-1) as Row];
      const key = JSON.stringify([Math.floor(first.time / everyMs) * everyMs, ...groupBy.map((name) => first[name])]);
      const group = groups.get(key) ?? { n: 0, ms: 0, clicks: 0 };
      groups.set(key, {
        n: group.n + 1,
        ms: group.ms + last.time - first.time,
        clicks: group.clicks + members.length,
      });
    });
  }
  const rowsOf = [...groups].map(([key, { n, ms, clicks }]) => {
    const [time, ...values] = JSON.parse(key) as (string | number)[];
    return {
      time,
      ...Object.fromEntries(groupBy.map((name, k) => [name, values[k]])),
      n,
      ms: ms / n,
      clicks: clicks / n,
    };
  });
  return rowsOf.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function answered(view: SessionView, state: FoldState, everyMs: number) {
  const query: Query = {
    from: START,
    to: END,
    everyMs,
    where: {},
    groupBy: view.groupBy,
    measures: view.measures,
    orderBy: null,
    limit: 10_000,
  };
  const source = sourceFromView(query, { name: "v", generation: 1, spec: view });
  if (!source.ok) throw new Error(source.failure.detail);
  const rollup = compileRollup(view, query, source.value.residual);
  const into = createState(rollup.query);
  for (const table of state.windows.values()) rollUp(rollup, into, table);
  const { rows } = answerRows(query, into);
  return rows.filter((row) => row["n"] !== 0).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

const newState = (view: SessionView, memory = new KeyedStretches()) => createState(compileView(view), SEED, memory);

test("sessions are those that sorting all clicks gives, in whatever order they came", () => {
  fc.assert(
    fc.property(someView, someRows.chain(cutsOf), fc.constantFrom(1, 3), (view, batches, wider) => {
      const plan = compileView(view);
      const state = newState(view);
      const dictionaries = newDictionaries();
      for (const rows of batches) fold(plan, state, batchOf(rows, dictionaries), 0, rows.length);
      const everyMs = wider * view.windowMs;
      expect(answered(view, state, everyMs)).toEqual(reference(view, batches.flat(), everyMs));
    }),
    { numRuns: 500 },
  );
});

test("live = replay: no slicing, sealing, checkpoint or crash changes a session", () => {
  const scenario = someRows.chain((rows) =>
    fc.record({
      rows: fc.constant(rows),
      batches: cutsOf(rows),
      grouped: fc.constantFrom("ad", "user", null),
      at: fc.nat(rows.length),
    }),
  );
  fc.assert(
    fc.property(someView, scenario, (view, { rows, batches, grouped, at }) => {
      const plan = compileView(view);
      const dictionaries = newDictionaries();
      const live = newState(view);
      for (const batch of batches) fold(plan, live, batchOf(batch, dictionaries), 0, batch.length);
      const expected = digestState(live);

      const segment = decodeParts(
        encodeBatch(groupRows(batchOf(rows, dictionaries), grouped), dictionaries, null),
        dictionaries,
      );
      const sealed = newState(view);
      fold(plan, sealed, segment, 0, segment.count);
      expect(digestState(sealed)).toBe(expected);

      // A checkpoint at `at`, and a crash: what is stored of the windows and of the memory goes on.
      const memory = new KeyedStretches();
      const before = newState(view, memory);
      fold(plan, before, segment, 0, at);
      const woken = new KeyedStretches();
      for (const piece of memory.take().pieces) woken.absorb(piece);
      const after = newState(view, woken);
      fold(plan, after, segment, at, segment.count);
      mergeState(plan, before, after);
      expect(digestState(before)).toBe(expected);
    }),
    { numRuns: 500 },
  );
});

test("a session that comes to begin in another window leaves no row behind", () => {
  const view: SessionView = {
    where: {},
    groupBy: ["user"],
    windowMs: MINUTE_MS,
    measures: { n: { session: "count" } },
    session: { by: ["user"], gap: 10 * MINUTE_MS },
  };
  const rows = [5, 3, 4].map((minute) => ({ time: START + minute * MINUTE_MS, user: "u" }));
  const state = newState(view);
  fold(compileView(view), state, batchOf(rows, newDictionaries()), 0, rows.length);
  const query = { ...view, from: START, to: END, everyMs: MINUTE_MS, orderBy: null, limit: 10 };
  expect(answerRows(query, state).rows).toEqual([{ time: START + 3 * MINUTE_MS, user: "u", n: 1 }]);
});
