/**
 * A question as SQL. All groups are computed, and then added up by an outer aggregate, so that no engine has to hand out millions of
 * rows; the top of them is handed out as it is.
 */
import { MINUTE_MS } from "./dataset.ts";
import type { Key, Question } from "./definitions.ts";
import type { Answer } from "./contender.ts";

/** How an engine, over one of its tables, says what questions are made of. */
export interface Dialect {
  readonly table: string;
  /** The window of an event. */
  window(widthMs: number): string;
  /** Whether an event happened in [from, to). */
  within(from: number, to: number): string;
  readonly keys: Readonly<Record<Key, string>>;
  isCountry(country: number): string;
  /** Distinct users, in the engine's own approximate way. */
  readonly distinctUsers: string;
}

export function sqlOf(question: Question, dialect: Dialect): string {
  const keys = question.groupBy.map((key) => dialect.keys[key]);
  const conditions = [dialect.within(question.from, question.to)];
  if (question.country !== null) conditions.push(dialect.isCountry(question.country));
  const from = `FROM ${dialect.table} WHERE ${conditions.join(" AND ")}`;
  if (question.top !== null) {
    const [key] = keys;
    return `SELECT ${key} AS k, count(*) AS clicks ${from} GROUP BY ${key} ORDER BY clicks DESC, k LIMIT ${question.top}`;
  }
  const grouped = question.everyMs === null ? keys : [dialect.window(question.everyMs), ...keys];
  const measure = { users: dialect.distinctUsers, price: "sum(price)" };
  const inner = [
    ...grouped.map((expression, i) => `${expression} AS k${i}`),
    "count(*) AS clicks",
    ...(question.measure === null ? [] : [`${measure[question.measure]} AS measure`]),
  ];
  const outer = [
    "count(*) AS groups_count",
    "sum(clicks) AS clicks_sum",
    "max(clicks) AS clicks_max",
    `${question.measure === null ? "0" : "sum(measure)"} AS measure_sum`,
  ];
  return `SELECT ${outer.join(", ")} FROM (SELECT ${inner.join(", ")} ${from} GROUP BY ${grouped.join(", ")}) AS g`;
}

/** An answer from the rows that came back. */
export function answerFrom(question: Question, rows: readonly (readonly unknown[])[]): Answer {
  if (question.top !== null) {
    return { kind: "top", rows: rows.map(([key, clicks]) => [adNumber(key), Number(clicks)] as const) };
  }
  const [groups = NaN, clicks = NaN, clicksMax = NaN, measure = NaN] = (rows[0] ?? []).map(Number);
  return {
    kind: "summary",
    summary: { groups, clicks, clicksMax, measure: question.measure === null ? null : measure },
  };
}

/** Of a text such as `ad-0000017`, or of the number itself. */
const adNumber = (key: unknown): number => Number(String(key).replace("ad-", ""));

/** [from, to) in whole minutes. */
export const withinMinutes = (column: string, from: number, to: number): string =>
  `${column} >= ${from / MINUTE_MS} AND ${column} < ${to / MINUTE_MS}`;
