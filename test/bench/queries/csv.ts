/** A chunk as a CSV file of numbers: the one form that every peer loads fast. Texts are made from the numbers in SQL. */
import { closeSync, openSync, writeSync } from "node:fs";
import type { Chunk } from "./dataset.ts";

/** Names and DuckDB types of its columns, in order. */
export const CSV_COLUMNS = {
  ms: "BIGINT",
  ad: "INTEGER",
  user_id: "INTEGER",
  country: "UTINYINT",
  device: "UTINYINT",
  cents: "USMALLINT",
} as const;

/** Rows that are put together before they are written. */
const ROWS_AT_ONCE = 20_000;

export function writeCsv(path: string, chunk: Chunk): void {
  const { times, ads, users, countries, devices, cents, count } = chunk;
  const file = openSync(path, "w");
  try {
    let text = "";
    for (let i = 0; i < count; i++) {
      text += `${times[i]},${ads[i]},${users[i]},${countries[i]},${devices[i]},${cents[i]}\n`;
      if (i % ROWS_AT_ONCE !== ROWS_AT_ONCE - 1 && i < count - 1) continue;
      writeSync(file, text);
      text = "";
    }
  } finally {
    closeSync(file);
  }
}
