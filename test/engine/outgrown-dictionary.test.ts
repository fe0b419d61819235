/**
 * A column that outgrows its dictionary goes on as hashes and text: values that came before keep their codes, values that come
 * after have none, and a later generation of dictionaries may have it the other way round. No answer may show it.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  answerRows,
  buildBatch,
  type ColumnBatch,
  compileQuery,
  compileView,
  createState,
  Dictionaries,
  type DictionaryBounds,
  digestState,
  encodeBatch,
  ENGINE_LIMITS,
  fold,
  type FoldPlan,
  type FoldState,
  groupRows,
  MINUTE_MS,
  type Query,
  readAdditions,
  seal,
} from "#engine";
import { cutsOf, decodeParts, SEED, someRows } from "../support/batches.ts";
import { BASE_TIME, type Row, toColumns } from "../support/events.ts";
import { someQuery, someView } from "../support/queries.ts";
import { referenceAnswer } from "../support/reference-fold.ts";

const IDENTIFIERS = new Set(["user"]);

/** A log in whose every generation dictionaries are small: as it was appended, and as it is read from its stored form. */
class SmallLog {
  readonly appended: ColumnBatch[] = [];
  readonly #segments: ColumnBatch[] = [];
  readonly #bounds: DictionaryBounds;
  #generation = 0;
  #writer: Dictionaries;
  #reader: Dictionaries;
  #tail: ColumnBatch[] = [];
  #end = 0;

  constructor(bounds: Partial<DictionaryBounds>) {
    this.#bounds = { ...ENGINE_LIMITS, ...bounds };
    this.#writer = new Dictionaries(0, SEED, this.#bounds);
    this.#reader = new Dictionaries(0, SEED);
  }

  /** What segments and tail hold. */
  get stored(): readonly ColumnBatch[] {
    return [...this.#segments, ...this.#tail];
  }

  append(rows: readonly Row[]): void {
    const mark = this.#writer.mark();
    const events = toColumns(rows);
    const batch = buildBatch(this.#writer, IDENTIFIERS, this.#end, BASE_TIME, [
      { events, rows: null, fromPage: false },
    ]);
    const bytes = encodeBatch(batch, this.#writer, this.#writer.additionsSince(mark));
    this.#reader.apply(readAdditions(bytes.hot));
    this.appended.push(batch);
    this.#tail.push(decodeParts(bytes, this.#reader));
    this.#end += rows.length;
  }

  /** Makes a segment of the tail, and goes on under new dictionaries. */
  sealAndRenew(): void {
    if (this.#tail.length > 0) {
      const sealed = encodeBatch(groupRows(seal(this.#tail), "ad"), this.#reader, null);
      this.#segments.push(decodeParts(sealed, this.#reader));
      this.#tail = [];
    }
    this.#generation += 1;
    this.#writer = new Dictionaries(this.#generation, SEED, this.#bounds);
    this.#reader = new Dictionaries(this.#generation, SEED);
  }
}

function foldAll(plan: FoldPlan, batches: readonly ColumnBatch[]): FoldState {
  const state = createState(plan, SEED);
  for (const batch of batches) fold(plan, state, batch, 0, batch.count);
  return state;
}

function expectReference(query: Query, log: SmallLog, rows: readonly Row[]): void {
  const expected = referenceAnswer(query, rows);
  const answer = { rows: expected.slice(0, query.limit), truncated: expected.length > query.limit };
  expect(answerRows(query, foldAll(compileQuery(query), log.appended))).toEqual(answer);
  expect(answerRows(query, foldAll(compileQuery(query), log.stored))).toEqual(answer);
}

/** Small enough that most columns outgrow them, by codes or by bytes. */
const someBounds: fc.Arbitrary<Partial<DictionaryBounds>> = fc.oneof(
  fc.record({ dictionaryEntriesMax: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ dictionariesBytesMax: fc.integer({ min: 500, max: 1_500 }) }),
);

const someLog = fc.record({
  bounds: someBounds,
  appends: someRows.chain(cutsOf),
  renewals: fc.array(fc.boolean(), { maxLength: 6 }),
});

function logOf({ bounds, appends, renewals }: { bounds: object; appends: Row[][]; renewals: boolean[] }): SmallLog {
  const log = new SmallLog(bounds);
  appends.forEach((rows, i) => {
    log.append(rows);
    if (renewals[i]) log.sealAndRenew();
  });
  return log;
}

test("any query over a log whose columns outgrew their dictionaries answers what the slow reference answers", () => {
  fc.assert(
    fc.property(someLog, someQuery, (scenario, query) => {
      expectReference(query, logOf(scenario), scenario.appends.flat());
    }),
    { numRuns: 300 },
  );
});

test("live = replay: where a column changed its encoding shows in no bit of a view", () => {
  fc.assert(
    fc.property(someLog, someView, (scenario, view) => {
      const plan = compileView(view);
      const roomy = logOf({ ...scenario, bounds: {} });
      const live = digestState(foldAll(plan, roomy.appended));
      const small = logOf(scenario);
      expect(digestState(foldAll(plan, small.appended))).toBe(live);
      expect(digestState(foldAll(plan, small.stored))).toBe(live);
    }),
  );
});

describe("a column that outgrows its dictionary within a batch", () => {
  const CODES = 20;
  // Each ad of 40 comes at least twice, the later in their number the more often; from the 20th on they have no room.
  const rows = Array.from({ length: 200 }, (_, i): Row => {
    const ad = i < 40 ? i : 39 - (((i * i) % 97) % 40);
    return { time: BASE_TIME + (i % 9) * MINUTE_MS, ad: ad === 5 || ad === 35 ? ad > 5 : `ad-${ad}`, price: i % 13 };
  });
  const log = new SmallLog({ dictionaryEntriesMax: CODES + 1 });
  log.append(rows.slice(0, 30));
  log.append(rows.slice(30, 120));
  log.sealAndRenew();
  // The other way round: late ads find room now, and early ones do not.
  log.append(rows.slice(120, 160).toReversed());
  log.append(rows.slice(160));

  const hour: Query = {
    from: BASE_TIME,
    to: BASE_TIME + 60 * MINUTE_MS,
    where: {},
    groupBy: [],
    everyMs: null,
    measures: { clicks: { count: true }, ads: { distinct: "ad" }, spent: { sum: "price" } },
    orderBy: null,
    limit: 100,
  };

  test("has both encodings in one batch, and some ads in both", () => {
    const switching = log.appended[0]?.attributes.get("ad");
    expect(switching?.codes?.dictionary.size).toBe(CODES + 1);
    expect(switching?.codes?.codes.filter((code) => code !== 0).length).toBe(CODES);
    expect(switching?.hashes?.values().filter((value) => value !== null).length).toBe(10);
    const coded = new Set<unknown>();
    const wide = new Set<unknown>();
    for (const { attributes } of log.appended) {
      const { codes, hashes } = attributes.get("ad") ?? {};
      for (const code of codes?.codes ?? []) coded.add(codes?.dictionary.valueOf(code));
      for (const value of hashes?.values() ?? []) wide.add(value);
    }
    expect([...coded].filter((value) => value !== null && wide.has(value)).length).toBeGreaterThan(5);
  });

  const questions: Record<string, Partial<Query>> = {
    "group by": { groupBy: ["ad"] },
    "group by minute": { groupBy: ["ad"], everyMs: MINUTE_MS },
    "where eq a value with a code": { where: { ad: "ad-3" }, everyMs: MINUTE_MS },
    "where eq a value without": { where: { ad: "ad-33" }, everyMs: MINUTE_MS },
    "where eq a boolean": { where: { ad: true } },
    "where ne": { where: { ad: { ne: "ad-33" } } },
    "where in": { where: { ad: { in: ["ad-1", "ad-31", "ad-99"] } }, groupBy: ["ad"] },
    "where notIn": { where: { ad: { notIn: ["ad-1", "ad-31", "ad-99"] } }, groupBy: ["ad"] },
    "where by order": { where: { ad: { gte: "ad-2", lt: "ad-35" } }, groupBy: ["ad"] },
    "where it is there": { where: { ad: { exists: true } } },
    distinct: { everyMs: MINUTE_MS },
    top: { groupBy: ["ad"], orderBy: { name: "clicks", descending: true }, limit: 5 },
    "top by the value itself": { groupBy: ["ad"], orderBy: { name: "ad", descending: true }, limit: 5 },
  };

  test.each(Object.entries(questions))("does not lose a query: %s", (_, question) => {
    expectReference({ ...hour, ...question }, log, rows);
  });
});
