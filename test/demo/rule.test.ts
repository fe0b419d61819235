// What the workbench's form makes of a rule, and what it says of one.
import fc from "fast-check";
import { expect, test } from "vitest";
import { durationText, parseDuration } from "../../demo/workbench/durations.ts";
import { changesBetween, PARTS, ruleInWords } from "../../demo/workbench/rule.ts";
import { DraftProblem, draftOf, specificationOfDraft } from "../../demo/workbench/rule-draft.ts";
import { ViewSchema } from "../../edge/routes/schemas/view.ts";

const scalar = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom("42", "true", "null", " ", "", 'say "so"', "a, b", "[1]"),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (Object.is(value, -0) ? 0 : value)),
  fc.boolean(),
);
const name = fc.stringMatching(/^[a-z][A-Za-z0-9_]{0,8}$/).filter((text) => text !== "or" && text !== "not");
const condition = fc.oneof(
  scalar,
  fc.record({ ne: scalar }),
  fc.record({ exists: fc.boolean() }),
  fc.record({ gte: scalar, lt: scalar }),
  fc.record({ notIn: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ in: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
);
const measure = fc.oneof(
  fc.constant({ count: true }),
  fc.constant({ count: "invalid" }),
  fc.constantFrom({ session: "count" }, { session: "duration" }, { session: "clicks" }),
  name.map((attribute) => ({ sum: attribute })),
  name.map((attribute) => ({ distinct: attribute })),
);
const duration = fc.integer({ min: 1, max: 400 * 86_400_000 }).map(durationText);
const specification = fc
  .record(
    {
      where: fc.dictionary(name, condition, { minKeys: 1, maxKeys: 4 }),
      groupBy: fc.uniqueArray(name, { maxLength: 3 }),
      window: duration,
      measures: fc.dictionary(name, measure, { minKeys: 1, maxKeys: 3 }),
      spam: fc.record({ by: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), within: duration }),
      session: fc.record({ by: fc.uniqueArray(name, { minLength: 1, maxLength: 3 }), gap: duration }),
      retention: duration,
      rollup: fc.oneof(fc.record({ hourAfter: duration, dayAfter: duration }), fc.record({ hourAfter: duration })),
    },
    { requiredKeys: ["groupBy", "window", "measures", "retention"] },
  )
  .filter(({ spam, session }) => spam === undefined || session === undefined);

test("a rule comes out of the form as it went in, whatever its values look like", () => {
  fc.assert(
    fc.property(specification, (before) => {
      const draft = draftOf(before);
      expect(draft).not.toBeNull();
      if (draft !== null) expect(specificationOfDraft(draft)).toEqual(before);
    }),
  );
});

test.each([
  [{ where: { or: [{ country: "US" }, { country: "DE" }] } }],
  [{ where: { not: { country: "US" } } }],
  [{ where: { price: { near: 3 } } }],
  [{ measures: { clicks: { count: true, sum: "price" } } }],
  [{ session: { by: ["userId"], gap: "30m", most: 3 } }],
  [{ spam: { by: ["userId"], within: "10s" }, session: { by: ["userId"], gap: "30m" } }],
  [{ rollup: { weekAfter: "400d" } }],
  [{ future: true }],
  [{ groupBy: "adId" }],
])("what the form has no field for is left to JSON: %j", (rule) => {
  expect(draftOf(rule)).toBeNull();
});

test("a condition that is there twice, and a duration that is none, are said", () => {
  const draft = draftOf({ where: { country: "US" } });
  if (draft === null) throw new Error("a plain rule");
  const twice = { ...draft, where: [...draft.where, ...draft.where] };
  expect(() => specificationOfDraft(twice)).toThrow(new DraftProblem("“country is” is there twice."));
  expect(() => specificationOfDraft({ ...draft, window: "soon" })).toThrow(/Window: “soon” is no duration/);
});

test("durations survive being written", () => {
  fc.assert(fc.property(fc.nat(), (ms) => void expect(parseDuration(durationText(ms))).toBe(ms)));
  expect(durationText(34_560_000_000)).toBe("400d");
  expect(durationText(90_000)).toBe("90s");
});

test("two rules differ in what they say, not in how it is written", () => {
  const before = { groupBy: ["adId"], window: 60_000, measures: { clicks: { count: true } } };
  expect(changesBetween(before, { groupBy: ["adId"] })).toEqual([]);
  expect(changesBetween(before, { groupBy: ["adId"], spam: { by: ["userId"], within: 10_000 } })).toEqual([
    {
      part: "Click spam",
      before: "counted as any click",
      after: "left out: a click of the same userId within 10s of an earlier one",
    },
  ]);
  expect(changesBetween(before, { ...before, future: true })).toHaveLength(1);
  expect(changesBetween({ window: "60s" }, { window: "1m" })).toEqual([]);
});

test("conditions are read out as a person would say them", () => {
  const where = {
    country: { ne: "DE" },
    price: { gte: 1, lt: 5 },
    or: [{ device: "mobile" }, { not: { adId: null } }],
  };
  expect(Object.fromEntries(ruleInWords({ where }))).toMatchObject({
    Counts: "country is not DE and price ≥ 1 and price < 5 and (device is mobile or not (adId is absent))",
  });
});

test("the page knows every part that a view can have: one that it did not would be lost with an edit", () => {
  expect(Object.keys(ViewSchema.pipe[0].pipe[1].entries).sort()).toEqual(["name", ...PARTS].sort());
});
