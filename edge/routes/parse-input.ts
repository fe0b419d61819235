/**
 * From unknown to typed, through a schema; and from what the schema found wrong to one precise path and sentence.
 */
import * as v from "valibot";
import { fail, ok, type Result } from "#protocol";
import type { InvalidInput } from "./failures.ts";
import { INPUT_LIMITS } from "./limits.ts";

/** @param reason the failure's reason, which becomes the answer's code */
export function parseInput<Schema extends v.GenericSchema, Reason extends string>(
  schema: Schema,
  input: unknown,
  reason: Reason,
): Result<v.InferOutput<Schema>, InvalidInput<Reason>> {
  // Before the schema: recursive schemas recurse as deep as the input does.
  if (isDeeperThan(input, INPUT_LIMITS.depthMax)) return fail({ reason, path: "", detail: "nested too deep" });
  const parsed = v.safeParse(schema, input);
  return parsed.success ? ok(parsed.output) : fail({ reason, ...describeIssue(parsed.issues[0]) });
}

function isDeeperThan(input: unknown, levels: number): boolean {
  if (typeof input !== "object" || input === null) return false;
  return levels === 0 || Object.values(input).some((value) => isDeeperThan(value, levels - 1));
}

/** Where and why. Of a union's alternatives the one that came furthest: `where.price.gt`, not `where.price`. */
function describeIssue(issue: v.BaseIssue<unknown>): { readonly path: string; readonly detail: string } {
  const found = deepest(issue, []);
  return { path: found.path.join("."), detail: sentenceOf(found.issue) };
}

interface FoundIssue {
  readonly issue: v.BaseIssue<unknown>;
  readonly path: readonly string[];
}

function deepest(issue: v.BaseIssue<unknown>, above: readonly string[]): FoundIssue {
  const path = [...above, ...(issue.path ?? []).map(({ key }) => String(key))];
  let found: FoundIssue = { issue, path };
  for (const alternative of issue.issues ?? []) {
    const candidate = deepest(alternative, path);
    if (candidate.path.length > found.path.length) found = candidate;
  }
  return found;
}

function sentenceOf(issue: v.BaseIssue<unknown>): string {
  // valibot's own words for these two are about keys and `never`.
  if (issue.kind === "schema" && issue.type === "strict_object") {
    if (issue.expected === "never") return "there is no such field";
    if (issue.received === "undefined") return "is required";
  }
  return issue.message;
}
