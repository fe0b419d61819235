/** Arbitrary conditions, measures, views and queries over the rows of batches.ts. */
import fc from "fast-check";
import {
  type Condition,
  type Measure,
  type Measures,
  MINUTE_MS,
  type Query,
  type Tests,
  type ViewSpec,
  type Where,
} from "#engine";
import { someValue } from "./batches.ts";
import { BASE_TIME } from "./events.ts";

const HOUR_MS = 60 * MINUTE_MS;

const present = someValue.filter((value) => value !== null);
const bound = someValue.filter((value) => typeof value === "string" || typeof value === "number");
const attribute = fc.constantFrom("ad", "mixed", "price", "user", "type", "nowhere");

const tests: fc.Arbitrary<Tests> = fc.record(
  {
    eq: someValue,
    ne: someValue,
    in: fc.array(present, { minLength: 1, maxLength: 3 }),
    notIn: fc.array(present, { minLength: 1, maxLength: 3 }),
    gt: bound,
    gte: bound,
    lt: bound,
    lte: bound,
    exists: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** One or two tests of any kind, so that some records pass. */
const fewTests = tests.chain((all) =>
  fc
    .shuffledSubarray(Object.entries(all), { maxLength: Math.min(2, Object.keys(all).length) })
    .map((few): Tests => Object.fromEntries(few)),
);

const condition: fc.Arbitrary<Condition> = fc.oneof(someValue, fewTests);

export const someWhere: fc.Arbitrary<Where> = fc.letrec<{ where: Where }>((tie) => ({
  where: fc
    .record(
      {
        conditions: fc.dictionary(attribute, condition, { maxKeys: 2 }),
        or: fc.option(fc.array(tie("where"), { maxLength: 3 }), { nil: undefined }),
        not: fc.option(tie("where"), { nil: undefined }),
      },
      { noNullPrototype: true },
    )
    .map(({ conditions, or, not }): Where => ({ ...conditions, ...(or && { or }), ...(not && { not }) })),
})).where;

const someMeasure: fc.Arbitrary<Measure> = fc.oneof(
  fc.constant<Measure>({ count: true }),
  fc
    .constantFrom("price", "mixed")
    .chain((name) => fc.constantFrom<Measure>({ sum: name }, { min: name }, { max: name }, { avg: name })),
  fc.constantFrom("user", "mixed", "price").map((name): Measure => ({ distinct: name })),
);

export const someMeasures: fc.Arbitrary<Measures> = fc
  .array(someMeasure, { minLength: 1, maxLength: 4 })
  .map((measures) => Object.fromEntries(measures.map((measure, i) => [`m${i}`, measure])));

export const someGroupBy: fc.Arbitrary<string[]> = fc.uniqueArray(
  fc.constantFrom("ad", "mixed", "price", "user", "type"),
  {
    maxLength: 3,
  },
);

export const someView: fc.Arbitrary<ViewSpec> = fc.record({
  where: someWhere,
  groupBy: someGroupBy,
  windowMs: fc.constantFrom(MINUTE_MS, 5 * MINUTE_MS, HOUR_MS),
  measures: someMeasures,
});

export const someQuery: fc.Arbitrary<Query> = fc
  .record({
    from: fc.nat(30),
    minutes: fc.integer({ min: 1, max: 60 }),
    where: fc.oneof(fc.constant({}), someWhere),
    groupBy: someGroupBy,
    every: fc.constantFrom(null, 1, 7, 15),
    measures: someMeasures,
    limit: fc.integer({ min: 1, max: 40 }),
  })
  .chain(({ from, minutes, every, ...rest }) =>
    fc
      .option(
        fc.record({
          name: fc.constantFrom("m0", ...rest.groupBy, ...(every === null ? [] : ["time"])),
          descending: fc.boolean(),
        }),
      )
      .map((orderBy) => ({
        ...rest,
        from: BASE_TIME + from * MINUTE_MS,
        to: BASE_TIME + (from + minutes) * MINUTE_MS,
        everyMs: every === null ? null : every * MINUTE_MS,
        orderBy,
      })),
  );
