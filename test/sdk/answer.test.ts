/** The hand-written parsers of sdk/protocol/answer.ts take what the schemas take, and refuse what they refuse. */
import fc from "fast-check";
import { expect, it } from "vitest";
import { safeParse } from "valibot";
import { AppendReplySchema, parseAppendReply, parseProblem, ProblemSchema } from "#protocol";

const count = fc.nat(1_000);
const rejection = fc.record({ index: count, code: fc.string(), detail: fc.string() });
const point = fc.tuple(count, fc.constantFrom("9f3c2a", "a"));

const reply = fc.record({
  partition: count,
  offset: fc.option(count),
  accepted: count,
  duplicates: count,
  rejected: fc.array(rejection, { maxLength: 3 }),
  lastSequence: fc.option(count),
});
const problem = fc.record(
  { code: fc.string(), detail: fc.string(), retryAfterMs: count, expected: count, commits: fc.array(point) },
  { requiredKeys: ["code"] },
);

/** One field taken away or replaced by anything. */
const broken = (whole: fc.Arbitrary<object>) =>
  fc.tuple(whole, fc.nat(), fc.option(fc.jsonValue())).map(([object, at, value]) => {
    const keys = Object.keys(object);
    const key = keys[at % keys.length] ?? "";
    const { [key]: _, ...rest } = object as Record<string, unknown>;
    return value === null ? rest : { ...rest, [key]: value };
  });

it.each([
  ["a reply", parseAppendReply, AppendReplySchema, reply],
  ["a problem", parseProblem, ProblemSchema, problem],
] as const)("parses %s as its schema does", (_, parse, schema, whole: fc.Arbitrary<object>) => {
  fc.assert(
    fc.property(fc.oneof(whole, broken(whole), fc.jsonValue()), (input) => {
      expect(parse(input) !== null).toBe(safeParse(schema, input).success);
    }),
  );
});
