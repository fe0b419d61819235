/** `headwater export`: records of the log, as a file that any batch engine reads. */
import { resolve } from "node:path";
import { buildCommand } from "@stricli/core";
import { parseTime } from "#protocol";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { runExport, trimmedBefore } from "../export/run.ts";
import { UsageError } from "../failure.ts";
import { optionalText, text } from "../flags.ts";
import { untilInterrupted } from "../interrupt.ts";
import { note, print, showNumber } from "../output.ts";
import { timeOf } from "../query-flags.ts";

interface Flags extends StreamFlags {
  readonly from?: string;
  readonly to?: string;
  readonly format: "parquet" | "csv";
  readonly output?: string;
}

export const exportCommand = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Write records of the log to a Parquet or CSV file",
    fullDescription: `Write the records of a stream's log to a file that any batch engine reads. Needs HEADWATER_ADMIN_TOKEN.

Records whose event time lies in [from, to), to the millisecond, as they stood in the log when the export began; in
the order of partition and offset. Columns: time, appendTime, type, partition, offset, and every attribute that
occurs, by name. One whose values differ in type becomes a column for each: price:number, price:string.
The file is in its place only when it is whole. Beside it, while it is being written, lie as many bytes again.

EXAMPLES
  headwater export --from 2025-01-01 --to 2025-02-01 -o january.parquet
  headwater export --format csv -o all.csv
  duckdb -c "SELECT adId, count(*) FROM 'january.parquet' GROUP BY adId ORDER BY 2 DESC LIMIT 10"`,
  },
  parameters: {
    flags: {
      ...STREAM_FLAGS,
      from: optionalText("first event time: ISO 8601 (UTC) or milliseconds (default: the earliest)", "TIME"),
      to: optionalText("event time to stop before (default: none)", "TIME"),
      format: { kind: "enum", values: ["parquet", "csv"], default: "parquet", brief: "what to write" },
      output: {
        kind: "parsed",
        parse: text,
        optional: true,
        placeholder: "FILE",
        brief: "the file (default: STREAM.FORMAT)",
      },
    },
    aliases: { o: "output" },
  },
  async func({ from, to, format, output, ...connection }) {
    const range = { from: boundOf("from", from, 0), to: boundOf("to", to, Infinity) };
    if (range.from >= range.to) throw new UsageError("--to must be after --from.");
    const api = new StreamApi(connection, this.env);
    const name = output ?? `${api.stream}.${format}`;
    const exported = await untilInterrupted(
      (signal) => runExport({ api, ...range, format, file: resolve(name), signal }),
      () => `stopped; ${name} was not written.`,
    );
    print(`${showNumber(exported.rows)} rows, ${exported.columns.length} columns: ${name}`);
    if (exported.mixed.length > 0) note(`values of several types, a column for each: ${exported.mixed.join(", ")}`);
    const trimmed = trimmedBefore(exported.stretches);
    if (trimmed !== "") note(`The log does not reach back to its beginning. Not in the file: ${trimmed}.`);
  },
});

function boundOf(flag: string, input: string | undefined, otherwise: number): number {
  if (input === undefined) return otherwise;
  const time = parseTime(timeOf(input));
  if (typeof time !== "number")
    throw new UsageError(`--${flag} ${input}: no time; write 2025-01-31, 2025-01-31T12:00:00Z or milliseconds.`);
  return time;
}
