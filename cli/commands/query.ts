/** `headwater query`: a question in flags or in JSON; the answer as a table, as CSV or as JSON. */
import { buildCommand } from "@stricli/core";
import * as v from "valibot";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../failure.ts";
import { optionalCount, optionalText, severalTexts, text } from "../flags.ts";
import { harmless, note, printJson, printTable, showNumber, showTime } from "../output.ts";
import { type QuestionFlags, questionOf } from "../query-flags.ts";
import { readJsonObject } from "../read-input.ts";
import { type Answer, AnswerSchema } from "../schemas.ts";

interface Flags extends StreamFlags, QuestionFlags {
  readonly json?: string;
  readonly format: "table" | "csv" | "json";
}

export const query = buildCommand<Flags, [], Context>({
  docs: {
    brief: "Ask a question",
    fullDescription: `Ask a question of a stream. Needs HEADWATER_READ_KEY. A range is required: --last, or --from and --to.

Rows go to standard output; what the answer is made of, and what it lacks, to standard error.
--where takes ATTRIBUTE=VALUE (!=, <, <=, >, >=) or a where in JSON; several must all hold. A value means the
string, or the number or boolean with that text.
--measure takes NAME=count, or NAME=sum:ATTRIBUTE (min, max, avg, distinct). Without one: clicks=count.

EXAMPLES
  headwater query --last 1h --group-by adId --order-by -clicks --limit 10
  headwater query --from 2013-02-08 --to 2013-02-09 --every 1h --where country=US --where device!=bot
  headwater query --last 24h --group-by country --measure users=distinct:userId --format csv > users.csv
  echo '{"last": "24h", "every": "1h"}' | headwater query --json -`,
  },
  parameters: {
    flags: {
      ...STREAM_FLAGS,
      from: optionalText("first event time: ISO 8601 (UTC) or milliseconds", "TIME"),
      to: optionalText("event time to stop before", "TIME"),
      last: optionalText("instead of both: 90s, 15m, 24h, 7d up to now", "DURATION"),
      where: severalTexts("keep events that match; may be repeated", "FILTER"),
      groupBy: {
        kind: "parsed",
        parse: text,
        optional: true,
        variadic: ",",
        placeholder: "ATTRIBUTE",
        brief: "a row for each value; several with commas",
      },
      every: optionalText("a row for each stretch of time: 1m, 1h, 1d", "DURATION"),
      measure: severalTexts("what to compute; may be repeated", "NAME=KIND"),
      orderBy: optionalText("a measure or attribute, - in front for descending", "NAME"),
      limit: optionalCount("rows at most (default 1000, at most 10000)"),
      view: optionalText("answer from this view, with its rules", "NAME"),
      log: {
        kind: "boolean",
        optional: true,
        withNegated: false,
        brief: "answer from the log, whatever views there are",
      },
      json: optionalText("the whole question in JSON: a file, - for standard input, or {…}", "SOURCE"),
      format: { kind: "enum", values: ["table", "csv", "json"], default: "table", brief: "how to print the answer" },
    },
  },
  async func({ json, format, url, stream, ...flags }) {
    const api = new StreamApi({ ...(url && { url }), ...(stream && { stream }) }, this.env);
    const question = questionOf(flags);
    if (json !== undefined && Object.keys(question).length > 0) {
      throw new UsageError(`--json is the whole question: leave out --${Object.keys(question).join(", --")}.`);
    }
    const body = json === undefined ? question : readJsonObject(json);
    const path = api.public("/query");
    if (format === "csv") return printCsv(await api.send(path, "read", { method: "POST", body, accept: "text/csv" }));
    if (format === "json") return printJson(await api.call(path, "read", v.unknown(), { method: "POST", body }));
    printAnswer(await api.call(path, "read", AnswerSchema, { method: "POST", body }));
  },
});

function printCsv({ text: csv, headers }: { readonly text: string; readonly headers: Headers }): void {
  // To a program as it is; a terminal obeys control characters.
  process.stdout.write(process.stdout.isTTY ? harmless(csv.replaceAll("\r\n", "\n")) : csv);
  if (headers.get("Headwater-Complete") !== "true") {
    note("NOT COMPLETE: something is missing from this answer; --format json names it.");
  }
  if (headers.get("Headwater-Truncated") === "true") note("truncated: there are more rows; raise --limit.");
  if (headers.get("Headwater-Final") !== "true") note("not final yet: clicks of this range may still come.");
}

function printAnswer(answer: Answer): void {
  const columns = Object.keys(answer.rows[0] ?? {});
  const cell = (name: string, value: Answer["rows"][number][string] | undefined) =>
    name === "time" && typeof value === "number" ? showTime(value) : value;
  if (columns.length > 0) {
    printTable({ columns, rows: answer.rows.map((row) => columns.map((name) => cell(name, row[name]))) });
  }
  const { rows, source, from, to, final, complete, truncated, missing, carried } = answer;
  note(
    `\n${showNumber(rows.length)} ${rows.length === 1 ? "row" : "rows"} from ${source}, ${showTime(from)} to ${showTime(to)}, ${final ? "final" : "not final yet"}`,
  );
  if (truncated) note("truncated: there are more rows; raise --limit.");
  if (!complete) note(`NOT COMPLETE. Missing: ${missing.map(showPart).join("; ")}`);
  if (carried.length > 0) note(`carried over from an older generation: ${carried.map(showPart).join("; ")}`);
}

/** A part of an answer, by what names it: a partition, or a range. */
function showPart({ from, to, ...rest }: Readonly<Record<string, unknown>>): string {
  const range = typeof from === "number" && typeof to === "number" ? [`${showTime(from)} to ${showTime(to)}`] : [];
  return [...range, ...Object.entries(rest).map(([name, value]) => `${name} ${String(value)}`)].join(", ");
}
