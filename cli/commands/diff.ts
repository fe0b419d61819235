/** `headwater diff`: what a replay would change, in sum or row by row. */
import { buildCommand } from "@stricli/core";
import * as v from "valibot";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { printDiff, printDiffRows } from "../diff-table.ts";
import { CliError, UsageError } from "../failure.ts";
import { argument, optionalCount } from "../flags.ts";
import { DIFF_LIMITS } from "../limits.ts";
import { note, print, printJson } from "../output.ts";
import { getReplay, replayPath } from "../replay-api.ts";
import { type DiffRow, DiffRowsSchema } from "../replay-schemas.ts";

interface Flags extends StreamFlags {
  readonly by?: "row" | "window" | "key";
  readonly all: boolean;
  readonly limit?: number;
  readonly format: "table" | "csv" | "json";
}

export const diff = buildCommand<Flags, [id: string], Context>({
  docs: {
    brief: "Show what a replay changes: in sum, or row by row",
    fullDescription: `Show what a replay changes, as it stood when it had caught up: totals before and after, and the largest
changes by window and key. With --by, every row that changes, in the order of time and key. Needs HEADWATER_ADMIN_TOKEN.

EXAMPLES
  headwater diff clicks_per_ad-2
  headwater diff clicks_per_ad-2 --by key --limit 20
  headwater diff clicks_per_ad-2 --by row --format csv > changes.csv
  headwater diff clicks_per_ad-2 --format json | jq .totals`,
  },
  parameters: {
    flags: {
      ...STREAM_FLAGS,
      by: {
        kind: "enum",
        values: ["row", "window", "key"],
        optional: true,
        brief: "one line for each window and key (row), each window, or each key",
      },
      all: { kind: "boolean", default: false, brief: "with --by: rows that do not change, too" },
      limit: optionalCount(`with --by: at most so many rows (default ${DIFF_LIMITS.rowsDefault}; csv: all)`),
      format: {
        kind: "enum",
        values: ["table", "csv", "json"],
        default: "table",
        brief: "table for people, csv for spreadsheets (all rows, with --by), json for programs",
      },
    },
    positional: { kind: "tuple", parameters: [argument("ID", "the replay's id")] },
  },
  async func({ by, all, limit, format, ...connection }, id) {
    const api = new StreamApi(connection, this.env);
    if (by === undefined) {
      if (format === "csv" || all || limit !== undefined) throw new UsageError("rows are asked for with --by");
      return showSummary(api, id, format);
    }
    const path = replayPath(api, id, `/diff?by=${by}&changed=${!all}`);
    if (format === "csv") {
      if (limit !== undefined) throw new UsageError("--format csv gives all rows: leave --limit out");
      const { text } = await api.send(path, "admin", { accept: "text/csv" });
      process.stdout.write(text);
      return;
    }
    const { rows, hasMore } = await readRows(api, path, limit ?? DIFF_LIMITS.rowsDefault);
    if (format === "json") return printJson({ rows, hasMore });
    if (rows.length === 0) return print("No row changes.");
    printDiffRows(rows);
    if (hasMore) note(`There are more rows: --limit N shows more of them, --format csv all.`);
  },
});

async function showSummary(api: StreamApi, id: string, format: "table" | "json"): Promise<void> {
  const found = await getReplay(api, id);
  if (found.diff === undefined) {
    const why = found.state === "running" ? "it is still running" : `it is ${found.state}`;
    throw new CliError(`replay ${id} has no diff: ${found.error ?? why}`);
  }
  if (format === "json") {
    const whole = await api.call(replayPath(api, id), "admin", v.object({ diff: v.unknown() }));
    return printJson(whole.diff);
  }
  print(`Replay ${id} of ${found.view}, generation ${found.generation}: ${found.state}`);
  printDiff(found.diff);
}

async function readRows(api: StreamApi, path: string, limit: number) {
  const rows: DiffRow[] = [];
  let next: string | null = "";
  while (next !== null && rows.length < limit) {
    const size = Math.min(DIFF_LIMITS.pageRows, limit - rows.length);
    const from: string = next === "" ? "" : `&cursor=${next}`;
    const page: v.InferOutput<typeof DiffRowsSchema> = await api.call(
      `${path}&limit=${size}${from}`,
      "admin",
      DiffRowsSchema,
    );
    rows.push(...page.rows);
    next = page.next;
  }
  return { rows, hasMore: next !== null };
}
