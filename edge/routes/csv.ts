/** Answers as CSV (RFC 4180), for people with a spreadsheet. */
import type { Query, Value } from "#engine";
import type { QueryAnswer } from "./schemas/query.ts";

export const csvHeaders = { "Content-Type": "text/csv; charset=utf-8; header=present" };

/** One line for the names of the columns, one for each row. Absent is an empty cell; an empty string is `""`. */
export function csvResponse(query: Query, answer: QueryAnswer): Response {
  const columns = [...(query.everyMs === null ? [] : ["time"]), ...query.groupBy, ...Object.keys(query.measures)];
  const lines = answer.rows.map((row) => columns.map((column) => csvCell(row[column] ?? null)).join(","));
  return new Response([columns.join(","), ...lines, ""].join("\r\n"), {
    headers: {
      ...csvHeaders,
      // A table has no place for what it is made of.
      "Headwater-Complete": String(answer.complete),
      "Headwater-Final": String(answer.final),
      "Headwater-Truncated": String(answer.truncated),
    },
  });
}

/**
 * A spreadsheet runs text that begins like a formula, and clicks are written by strangers: such text gets a `'` in front,
 * which spreadsheets show as text. Only text: a negative number is a number.
 *
 * Source: OWASP, "CSV Injection".
 */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

export function csvCell(value: Value): string {
  if (value === null) return "";
  if (typeof value !== "string") return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return text === "" || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
