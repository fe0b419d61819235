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
  session: v.optional(v.object({ by: v.array(v.string()), gap: v.number() })),
  retention: v.optional(v.number()),
  rollup: v.optional(v.object({ hourAfter: v.number(), dayAfter: v.number() })),
});
export type Rule = v.InferOutput<typeof RuleSchema>;

/** What is sent: durations may be written as people do, and whatever the API comes to know may be in it. */
export type Specification = Readonly<Record<string, unknown>>;

/** The rule as a person would write it in JSON. */
export function specificationOf(rule: Rule): Specification {
  const { where, groupBy, window, measures, spam, session, retention, rollup } = rule;
  return {
    ...(Object.keys(where).length > 0 && { where }),
    groupBy,
    window: durationText(window),
    measures,
    ...(spam !== undefined && { spam: { by: spam.by, within: durationText(spam.within) } }),
    ...(session !== undefined && { session: { by: session.by, gap: durationText(session.gap) } }),
    ...(retention !== undefined && { retention: durationText(retention) }),
    ...(rollup !== undefined && {
      rollup: { hourAfter: durationText(rollup.hourAfter), dayAfter: durationText(rollup.dayAfter) },
    }),
  };
}

/** The parts that a rule has, in the order in which they are shown. */
export const PARTS = ["where", "groupBy", "window", "measures", "spam", "session", "retention", "rollup"] as const;
type Part = (typeof PARTS)[number];

const NAMES: Readonly<Record<Part, string>> = {
  where: "Counts",
  groupBy: "Grouped by",
  window: "Window",
  measures: "Measures",
  spam: "Click spam",
  session: "Sessions",
  retention: "Kept for",
  rollup: "Rolled up",
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
    case "session":
      return isRecord(value) ? sessionInWords(value) : "not told: clicks are counted";
    case "rollup":
      return rollupInWords(isRecord(value) ? value : {});
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
  if (kind === "session") return SESSION_MEASURES[String(of)] ?? `session ${String(of)}`;
  if (kind === "count") return of === "invalid" ? "count of click spam" : "count";
  return kind === "distinct" ? `distinct ${String(of)}` : `${kind} of ${String(of)}`;
}

const SESSION_MEASURES: Readonly<Record<string, string>> = {
  count: "sessions",
  duration: "duration of a session",
  clicks: "clicks a session",
};

function sessionInWords({ by, gap }: Readonly<Record<string, unknown>>): string {
  return `clicks of the same ${keyInWords(by)} with less than ${durationInWords(gap)} between them`;
}

const rollupInWords = ({ hourAfter = 604_800_000, dayAfter = 7_776_000_000 }: Readonly<Record<string, unknown>>) =>
  `to hours after ${durationInWords(hourAfter)}, to days after ${durationInWords(dayAfter)}`;

const keyInWords = (by: unknown): string => (Array.isArray(by) ? by.join(" and ") : String(by));

function spamInWords({ by, within }: Readonly<Record<string, unknown>>): string {
  return `left out: a click of the same ${keyInWords(by)} within ${durationInWords(within)} of an earlier one`;
}

/** However it is written, it reads the same. */
function durationInWords(value: unknown): string {
  const ms = typeof value === "number" ? value : parseDuration(String(value));
  return ms === null ? String(value) : durationText(ms);
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
