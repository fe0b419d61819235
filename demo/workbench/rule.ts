/** A view's rule as the API shows and takes it, and in words. Pure. */
import * as v from "valibot";
import { durationText, parseDuration } from "./durations.ts";

/** As it is shown; sent back, it means the same. Durations are in milliseconds. */
export const RuleSchema = v.object({
  where: v.record(v.string(), v.unknown()),
  groupBy: v.array(v.string()),
  window: v.number(),
  measures: v.record(v.string(), v.record(v.string(), v.unknown())),
  spam: v.optional(v.object({ by: v.array(v.string()), within: v.number() })),
  retention: v.optional(v.number()),
});
export type Rule = v.InferOutput<typeof RuleSchema>;

/** What is sent: durations may be written as people do, and whatever the API comes to know may be in it. */
export type Specification = Readonly<Record<string, unknown>>;

/** The rule as a person would write it in JSON. */
export function specificationOf({ where, groupBy, window, measures, spam, retention }: Rule): Specification {
  return {
    ...(Object.keys(where).length > 0 && { where }),
    groupBy,
    window: durationText(window),
    measures,
    ...(spam !== undefined && { spam: { by: spam.by, within: durationText(spam.within) } }),
    ...(retention !== undefined && { retention: durationText(retention) }),
  };
}

/** The parts that a rule has, in the order in which they are shown. */
const PARTS = ["where", "groupBy", "window", "measures", "spam", "retention"] as const;
type Part = (typeof PARTS)[number];

const NAMES: Readonly<Record<Part, string>> = {
  where: "Counts",
  groupBy: "Grouped by",
  window: "Window",
  measures: "Measures",
  spam: "Click spam",
  retention: "Kept for",
};

/** A line for each part: its name and what it says. */
export const ruleInWords = (rule: Specification): readonly (readonly [string, string])[] =>
  PARTS.map((part) => [NAMES[part], partInWords(part, rule[part])]);

export interface RuleChange {
  readonly part: string;
  readonly before: string;
  readonly after: string;
}

/** What differs between two rules, part by part. */
export function changesBetween(before: Specification, after: Specification): readonly RuleChange[] {
  const known = PARTS.map((part) => ({
    part: NAMES[part],
    before: partInWords(part, before[part]),
    after: partInWords(part, after[part]),
  }));
  // Parts that are new to this page are shown as they are: the edge may know them, and else says so.
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const unknown = [...names]
    .filter((name) => name !== "name" && !PARTS.some((part) => part === name))
    .map((part) => ({
      part,
      before: JSON.stringify(before[part]) ?? "not there",
      after: JSON.stringify(after[part]) ?? "not there",
    }));
  return [...known, ...unknown].filter((change) => change.before !== change.after);
}

function partInWords(part: Part, value: unknown): string {
  switch (part) {
    case "where":
      return isRecord(value) && Object.keys(value).length > 0 ? whereInWords(value) : "every event";
    case "groupBy":
      return Array.isArray(value) && value.length > 0 ? value.join(", ") : "nothing: one row a window";
    case "window":
      return durationInWords(value ?? 60_000);
    case "measures":
      return isRecord(value) ? measuresInWords(value) : "clicks: count";
    case "spam":
      return isRecord(value) ? spamInWords(value) : "counted as any click";
    case "retention":
      return durationInWords(value ?? 34_560_000_000);
  }
}

const OPERATORS: Readonly<Record<string, string>> = {
  eq: "is",
  ne: "is not",
  in: "is one of",
  notIn: "is none of",
  gt: ">",
  gte: "≥",
  lt: "<",
  lte: "≤",
};

function whereInWords(where: Readonly<Record<string, unknown>>): string {
  return Object.entries(where).map(conditionInWords).join(" and ");
}

function conditionInWords([name, condition]: readonly [string, unknown]): string {
  if (name === "not" && isRecord(condition)) return `not (${whereInWords(condition)})`;
  if (name === "or" && Array.isArray(condition)) {
    return `(${condition.map((one) => (isRecord(one) ? whereInWords(one) : JSON.stringify(one))).join(" or ")})`;
  }
  if (!isRecord(condition)) return condition === null ? `${name} is absent` : `${name} is ${valueInWords(condition)}`;
  return Object.entries(condition)
    .map(([operator, value]) =>
      operator === "exists"
        ? `${name} is ${value === true ? "there" : "absent"}`
        : `${name} ${OPERATORS[operator] ?? operator} ${valueInWords(value)}`,
    )
    .join(" and ");
}

const valueInWords = (value: unknown): string =>
  Array.isArray(value) ? value.map(valueInWords).join(", ") : typeof value === "string" ? value : JSON.stringify(value);

const measuresInWords = (measures: Readonly<Record<string, unknown>>): string =>
  Object.entries(measures)
    .map(([name, measure]) => `${name}: ${isRecord(measure) ? measureInWords(measure) : JSON.stringify(measure)}`)
    .join("; ");

function measureInWords(measure: Readonly<Record<string, unknown>>): string {
  const [kind = "", of] = Object.entries(measure)[0] ?? [];
  if (kind === "count") return of === "invalid" ? "count of click spam" : "count";
  return kind === "distinct" ? `distinct ${String(of)}` : `${kind} of ${String(of)}`;
}

function spamInWords({ by, within }: Readonly<Record<string, unknown>>): string {
  const key = Array.isArray(by) ? by.join(" and ") : String(by);
  return `left out: a click of the same ${key} within ${durationInWords(within)} of an earlier one`;
}

/** However it is written, it reads the same. */
function durationInWords(value: unknown): string {
  const ms = typeof value === "number" ? value : parseDuration(String(value));
  return ms === null ? String(value) : durationText(ms);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
