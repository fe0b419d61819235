/**
 * A rule as a form holds it: texts, and conditions as rows. What a form cannot show (conditions that nest, parts that are
 * new to it) is left to JSON. Pure.
 */
import { durationText, parseDuration } from "./durations.ts";
import { isRecord, PARTS, type Specification } from "./rule.ts";

export const OPERATORS = [
  "is",
  "is not",
  "is one of",
  "is none of",
  ">",
  "≥",
  "<",
  "≤",
  "is there",
  "is absent",
] as const;
export type Operator = (typeof OPERATORS)[number];

export const MEASURE_KINDS = [
  "count",
  "count spam",
  "sum",
  "min",
  "max",
  "avg",
  "distinct",
  "sessions",
  "duration of a session",
  "clicks a session",
] as const;
export type MeasureKind = (typeof MEASURE_KINDS)[number];

export interface Condition {
  readonly attribute: string;
  readonly operator: Operator;
  readonly value: string;
}

export interface MeasureDraft {
  readonly name: string;
  readonly kind: MeasureKind;
  readonly attribute: string;
}

export interface RuleDraft {
  readonly where: readonly Condition[];
  readonly groupBy: string;
  readonly window: string;
  readonly measures: readonly MeasureDraft[];
  /** A rule that looks at clicks in their order; null: each counts by itself. */
  readonly order: { readonly kind: OrderKind; readonly by: string; readonly reach: string } | null;
  readonly retention: string;
  /** Empty: as the edge has it. */
  readonly hourAfter: string;
  readonly dayAfter: string;
}

export type OrderKind = "spam" | "session";

/** What the reach of each is called in a specification. */
const REACH = { spam: "within", session: "gap" } as const;

const FORM_PARTS = ["name", ...PARTS];

/** Measures that need no attribute, as they are written. */
const FIXED: Readonly<Partial<Record<MeasureKind, object>>> = {
  count: { count: true },
  "count spam": { count: "invalid" },
  sessions: { session: "count" },
  "duration of a session": { session: "duration" },
  "clicks a session": { session: "clicks" },
};

/** Operators of the form by those of the API. `eq` and `exists` need a look at the value too. */
const BY_NAME: Readonly<Record<string, Operator>> = {
  ne: "is not",
  in: "is one of",
  notIn: "is none of",
  gt: ">",
  gte: "≥",
  lt: "<",
  lte: "≤",
};
const NAMES = Object.fromEntries(Object.entries(BY_NAME).map(([name, operator]) => [operator, name]));

const LISTS: readonly Operator[] = ["is one of", "is none of"];
const WITHOUT_VALUE: readonly Operator[] = ["is there", "is absent"];
export const takesValue = (operator: Operator): boolean => !WITHOUT_VALUE.includes(operator);
export const takesAttribute = (kind: MeasureKind): boolean => FIXED[kind] === undefined;

/** null: this rule says something that the form has no field for. */
export function draftOf(specification: Specification): RuleDraft | null {
  const { where = {}, groupBy = [], window = "1m", measures, spam, session, retention = "400d" } = specification;
  const { rollup = {} } = specification;
  if (Object.keys(specification).some((part) => !FORM_PARTS.includes(part))) return null;
  const conditions = isRecord(where) ? conditionsOf(where) : null;
  const measured = measures === undefined ? [clicks] : isRecord(measures) ? measuresOf(measures) : null;
  const order = orderOf(spam, session);
  if (conditions === null || measured === null || order === undefined || !isNames(groupBy) || !isRecord(rollup)) {
    return null;
  }
  const { hourAfter = "", dayAfter = "", ...unknown } = rollup;
  if (Object.keys(unknown).length > 0) return null;
  return {
    where: conditions,
    groupBy: groupBy.join(", "),
    window: durationOf(window),
    measures: measured,
    order,
    retention: durationOf(retention),
    hourAfter: durationOf(hourAfter),
    dayAfter: durationOf(dayAfter),
  };
}

const clicks: MeasureDraft = { name: "clicks", kind: "count", attribute: "" };

const durationOf = (value: unknown): string => (typeof value === "number" ? durationText(value) : String(value));

const isNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((name) => typeof name === "string");

function conditionsOf(where: Readonly<Record<string, unknown>>): readonly Condition[] | null {
  const conditions: Condition[] = [];
  for (const [attribute, condition] of Object.entries(where)) {
    if (attribute === "or" || attribute === "not") return null;
    const entries = isRecord(condition) ? Object.entries(condition) : ([["eq", condition]] as const);
    for (const [name, value] of entries) {
      const row = conditionOf(attribute, name, value);
      if (row === null) return null;
      conditions.push(row);
    }
  }
  return conditions;
}

function conditionOf(attribute: string, name: string, value: unknown): Condition | null {
  if (name === "exists") return { attribute, operator: value === true ? "is there" : "is absent", value: "" };
  if (name === "eq" && value === null) return { attribute, operator: "is absent", value: "" };
  const operator = name === "eq" ? "is" : BY_NAME[name];
  if (operator === undefined) return null;
  const values = LISTS.includes(operator) ? value : [value];
  if (!Array.isArray(values) || !values.every(isScalar)) return null;
  return { attribute, operator, value: values.map(scalarText).join(", ") };
}

const isScalar = (value: unknown): value is string | number | boolean =>
  typeof value === "string" || typeof value === "number" || typeof value === "boolean";

/** Text stands as it is, unless it could be taken for something else. */
const scalarText = (value: string | number | boolean): string =>
  typeof value === "string" && (parseScalar(value) !== value || /[",]|^\s|\s$|^$/.test(value))
    ? JSON.stringify(value)
    : String(value);

/** `42` and `true` are a number and a boolean; in quotes, or anything else, it is text. */
export function parseScalar(text: string): string | number | boolean {
  const trimmed = text.trim();
  try {
    const value: unknown = JSON.parse(trimmed);
    if (isScalar(value)) return value;
  } catch {
    // Not JSON: text as it is.
  }
  return trimmed;
}

/** Values between commas; a comma within quotes belongs to its value. */
const parseList = (text: string): readonly (string | number | boolean)[] =>
  (text.match(/\s*("(?:[^"\\]|\\.)*"|[^,]+)\s*/g) ?? []).map(parseScalar);

function measuresOf(measures: Readonly<Record<string, unknown>>): readonly MeasureDraft[] | null {
  const drafts = Object.entries(measures).map(([name, measure]) => measureOf(name, measure));
  return drafts.some((draft) => draft === null) ? null : (drafts as readonly MeasureDraft[]);
}

function measureOf(name: string, measure: unknown): MeasureDraft | null {
  const entries = isRecord(measure) ? Object.entries(measure) : [];
  const [kind, of] = entries[0] ?? [];
  if (entries.length !== 1 || kind === undefined) return null;
  const fixed = MEASURE_KINDS.find((one) => JSON.stringify(FIXED[one]) === JSON.stringify(measure));
  if (fixed !== undefined) return { name, kind: fixed, attribute: "" };
  const known = MEASURE_KINDS.find((one) => one === kind && takesAttribute(one));
  return known === undefined || typeof of !== "string" ? null : { name, kind: known, attribute: of };
}

/** undefined: no rule that the form can show. */
function orderOf(spam: unknown, session: unknown): RuleDraft["order"] | undefined {
  if (spam === undefined && session === undefined) return null;
  if (spam !== undefined && session !== undefined) return undefined;
  const kind = spam === undefined ? "session" : "spam";
  const rule = spam ?? session;
  if (!isRecord(rule) || !isNames(rule["by"]) || Object.keys(rule).length !== 2) return undefined;
  return { kind, by: rule["by"].join(", "), reach: durationOf(rule[REACH[kind]]) };
}

/** Which field is not right, and why. */
export class DraftProblem extends Error {}

/** What a form says, as a specification. Throws a DraftProblem; the rest is the edge's to judge. */
export function specificationOfDraft(draft: RuleDraft): Specification {
  const where = whereOf(draft.where);
  return {
    ...(Object.keys(where).length > 0 && { where }),
    groupBy: namesIn(draft.groupBy),
    window: soundDuration("Window", draft.window),
    measures: Object.fromEntries(
      draft.measures.map(({ name, kind, attribute }) => [name, measureFrom(kind, attribute)]),
    ),
    ...(draft.order !== null && orderFrom(draft.order)),
    retention: soundDuration("Kept for", draft.retention),
    ...rollupFrom(draft),
  };
}

const namesIn = (text: string): readonly string[] =>
  text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");

const measureFrom = (kind: MeasureKind, attribute: string): object => FIXED[kind] ?? { [kind]: attribute };

const orderFrom = ({ kind, by, reach }: NonNullable<RuleDraft["order"]>): object => ({
  [kind]: { by: namesIn(by), [REACH[kind]]: soundDuration(kind === "spam" ? "Within" : "Gap", reach) },
});

function rollupFrom({ hourAfter, dayAfter }: RuleDraft): object {
  const rollup = {
    ...(hourAfter.trim() !== "" && { hourAfter: soundDuration("Hours after", hourAfter) }),
    ...(dayAfter.trim() !== "" && { dayAfter: soundDuration("Days after", dayAfter) }),
  };
  return Object.keys(rollup).length === 0 ? {} : { rollup };
}

function soundDuration(field: string, text: string): string {
  if (parseDuration(text) === null) {
    throw new DraftProblem(`${field}: “${text}” is no duration. Write it as 90s, 15m, 24h or 7d.`);
  }
  return text.trim();
}

function whereOf(conditions: readonly Condition[]): Record<string, unknown> {
  const where: Record<string, Record<string, unknown>> = {};
  for (const { attribute, operator, value } of conditions) {
    const [name, parsed] = operandOf(operator, value);
    const known = (where[attribute] ??= {});
    if (Object.hasOwn(known, name)) throw new DraftProblem(`“${attribute} ${operator}” is there twice.`);
    known[name] = parsed;
  }
  // A lone value is how a person writes it.
  return Object.fromEntries(
    Object.entries(where).map(([attribute, { eq, ...rest }]) => [
      attribute,
      eq === undefined ? rest : Object.keys(rest).length === 0 ? eq : { eq, ...rest },
    ]),
  );
}

function operandOf(operator: Operator, value: string): readonly [string, unknown] {
  if (!takesValue(operator)) return ["exists", operator === "is there"];
  return [NAMES[operator] ?? "eq", LISTS.includes(operator) ? parseList(value) : parseScalar(value)];
}
