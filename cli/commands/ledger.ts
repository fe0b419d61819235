/** `headwater ledger`: every change of what a view publishes. */
import { buildCommand } from "@stricli/core";
import * as v from "valibot";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { argument, FORMAT_FLAG, optionalCount } from "../flags.ts";
import { type Cell, note, printJson, printTable, showNumber, showTime } from "../output.ts";
import { DiffSchema } from "../replay-schemas.ts";

interface Flags extends StreamFlags {
  readonly format: "table" | "json";
  readonly limit?: number;
  readonly before?: number;
}

const EntrySchema = v.object({
  entry: v.number(),
  action: v.string(),
  at: v.number(),
  by: v.string(),
  reason: v.nullable(v.string()),
  fromGeneration: v.nullable(v.number()),
  toGeneration: v.number(),
  diff: v.nullable(DiffSchema),
  noDiff: v.nullable(v.string()),
});
type Entry = v.InferOutput<typeof EntrySchema>;

const LedgerSchema = v.object({ entries: v.array(EntrySchema), next: v.nullable(v.number()), dropped: v.number() });

export const ledger = buildCommand<Flags, [view: string], Context>({
  docs: {
    brief: "Show what has changed of what a view publishes: when, by whom, why",
    fullDescription: `Show every promotion and rollback of a view, the newest first: when, by whom, why, and what it changed in the
numbers that stood. Needs HEADWATER_ADMIN_TOKEN. The rules before and after are in --format json.

EXAMPLES
  headwater ledger clicks_per_ad
  headwater ledger clicks_per_ad --format json | jq '.entries[0] | {specBefore, specAfter}'`,
  },
  parameters: {
    flags: {
      ...STREAM_FLAGS,
      limit: optionalCount("entries at most"),
      before: optionalCount("only entries older than this one"),
      format: FORMAT_FLAG,
    },
    positional: { kind: "tuple", parameters: [argument("VIEW", "the view's name")] },
  },
  async func({ format, limit, before, ...connection }, view) {
    const api = new StreamApi(connection, this.env);
    const parameters = new URLSearchParams();
    if (limit !== undefined) parameters.set("limit", String(limit));
    if (before !== undefined) parameters.set("before", String(before));
    const path = api.admin(`/views/${encodeURIComponent(view)}/ledger?${parameters}`);
    if (format === "json") return printJson(await api.call(path, "admin", v.unknown()));
    const { entries, next, dropped } = await api.call(path, "admin", LedgerSchema);
    printTable({
      columns: ["entry", "when", "what", "generation", "by", "rows changed", "totals before → after", "reason"],
      rows: entries.map(toRow),
    });
    if (next !== null) note(`There are older entries: --before ${next}`);
    if (dropped > 0) note(`${showNumber(dropped)} older entries of the stream are no longer kept.`);
  },
});

function toRow({ entry, at, action, fromGeneration, toGeneration, by, reason, diff, noDiff }: Entry): Cell[] {
  const totals = Object.entries(diff?.totals ?? {}).map(([name, total]) => {
    return `${name} ${total.before ?? "nothing"} → ${total.after ?? "nothing"}`;
  });
  const changes = diff === null ? (noDiff ?? "") : totals.join(", ");
  const generations = `${fromGeneration ?? "none"} → ${toGeneration}`;
  return [entry, showTime(at), action, generations, by, diff?.rowsChanged, changes, reason];
}
