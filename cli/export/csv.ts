/**
 * An export as CSV (RFC 4180), for machines: texts are as they were sent, so a spreadsheet may run what strangers wrote. An
 * absent value is an empty cell, an empty text is `""`.
 */
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import type { Column, ColumnType } from "./columns.ts";
import type { RecordValue } from "./records.ts";
import type { RowWriter } from "./writer.ts";

export function openCsv(path: string, columns: readonly Column[]): RowWriter {
  const out = createWriteStream(path);
  const failed = finished(out);
  failed.catch(() => {}); // it is waited for in the end
  const write = async (lines: readonly string[]): Promise<void> => {
    if (!out.write(lines.map((line) => `${line}\r\n`).join(""))) await Promise.race([once(out, "drain"), failed]);
  };
  const head = write([columns.map(({ name }) => name).join(",")]);
  return {
    async write(records) {
      await head;
      await write(records.map((record) => columns.map(({ type, valueOf }) => cell(type, valueOf(record))).join(",")));
    },
    async finish() {
      await head;
      out.end();
      await failed;
    },
  };
}

function cell(type: ColumnType, value: RecordValue | null): string {
  if (value === null) return "";
  if (type === "time") return new Date(Number(value)).toISOString();
  if (typeof value !== "string") return String(value);
  return value === "" || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
