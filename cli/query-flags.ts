/** A question, from flags to the JSON that the API takes. What is left out here is checked there, once. */
import { UsageError } from "./failure.ts";

export interface QuestionFlags {
  readonly from?: string;
  readonly to?: string;
  readonly last?: string;
  readonly where?: readonly string[];
  readonly groupBy?: readonly string[];
  readonly every?: string;
  readonly measure?: readonly string[];
  readonly orderBy?: string;
  readonly limit?: number;
  readonly view?: string;
  readonly log?: boolean;
}

type Where = Record<string, unknown>;

export function questionOf(flags: QuestionFlags): Record<string, unknown> {
  if (flags.view !== undefined && flags.log) throw new UsageError("--view and --log are two different sources.");
  const question: Record<string, unknown> = {};
  if (flags.from !== undefined) question.from = timeOf(flags.from);
  if (flags.to !== undefined) question.to = timeOf(flags.to);
  if (flags.last !== undefined) question.last = flags.last;
  if (flags.where?.length) question.where = whereOf(flags.where);
  if (flags.groupBy?.length) question.groupBy = flags.groupBy;
  if (flags.every !== undefined) question.every = flags.every;
  if (flags.measure?.length) question.measures = Object.fromEntries(flags.measure.map(measureOf));
  if (flags.orderBy !== undefined) question.orderBy = flags.orderBy;
  if (flags.limit !== undefined) question.limit = flags.limit;
  if (flags.view !== undefined) question.view = flags.view;
  if (flags.log) question.view = null;
  return question;
}

/** Digits alone are milliseconds; anything else is for the edge to understand. */
export const timeOf = (text: string): string | number => (/^\d+$/.test(text) ? Number(text) : text);

const COMPARISON = /^([A-Za-z]\w*)(!=|>=|<=|=|>|<)([^]*)$/;
const OPERATORS = { ">": "gt", ">=": "gte", "<": "lt", "<=": "lte" } as const;

/** All of them must hold. A filter is ATTRIBUTE, an operator and a value, or a `where` in JSON. */
export function whereOf(filters: readonly string[]): Where {
  return filters
    .map((filter): Where => (filter.trimStart().startsWith("{") ? jsonObject(filter) : test(filter)))
    .reduce(both);
}

/** A `where` that holds if both do. */
function both(one: Where, other: Where): Where {
  const shared = Object.keys(other).filter((name) => Object.hasOwn(one, name));
  if (shared.length === 0) return { ...one, ...other };
  const joined: Where = { ...one, ...other };
  for (const name of shared) {
    const [a, b] = [one[name], other[name]];
    const canJoin =
      isTests(name, a) && isTests(name, b) && Object.keys(a).every((operator) => !Object.hasOwn(b, operator));
    if (!canJoin) return { or: [one], not: { not: other } };
    joined[name] = { ...a, ...b };
  }
  return joined;
}

const isTests = (name: string, value: unknown): value is object =>
  name !== "or" && name !== "not" && typeof value === "object" && value !== null;

function test(filter: string): Where {
  const [, attribute, operator, text] = COMPARISON.exec(filter) ?? [];
  if (attribute === undefined || operator === undefined || text === undefined) {
    throw new UsageError(
      `--where ${filter}: write ATTRIBUTE=VALUE (or !=, <, <=, >, >=), or a where in JSON, as {"device": {"in": ["mobile"]}}.`,
    );
  }
  if (operator === "=") return { [attribute]: { in: meaningsOf(text) } };
  if (operator === "!=") return { [attribute]: { notIn: meaningsOf(text) } };
  const number = numberOf(text);
  return { [attribute]: { [OPERATORS[operator as keyof typeof OPERATORS]]: number ?? text } };
}

/** What a value typed without quotes may be in an event: the string, or the number or boolean with that text. */
function meaningsOf(text: string): (string | number | boolean)[] {
  const number = numberOf(text);
  return [text, ...(number === undefined ? [] : [number]), ...(/^(true|false)$/.test(text) ? [text === "true"] : [])];
}

function numberOf(text: string): number | undefined {
  const number = Number(text);
  return text.trim() !== "" && Number.isFinite(number) ? number : undefined;
}

/** `clicks=count`, `users=distinct:userId`. */
function measureOf(text: string): [string, unknown] {
  const [, name, kind, argument] = /^([A-Za-z]\w*)=([a-z]+)(?::(\w+))?$/.exec(text) ?? [];
  if (name === undefined || kind === undefined) {
    throw new UsageError(`--measure ${text}: write NAME=count, or NAME=sum:ATTRIBUTE (min, max, avg, distinct).`);
  }
  return [name, { [kind]: argument ?? true }];
}

/** An object that somebody wrote in JSON. */
export function jsonObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`this is not JSON (${error instanceof Error ? error.message : String(error)}): ${text}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UsageError(`not an object: ${text}`);
  return value as Record<string, unknown>;
}
