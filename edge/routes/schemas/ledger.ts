/** The ledger of a view: what has changed of what it publishes. */
import * as v from "valibot";
import type { LedgerEntry } from "../../stream/rpc.ts";
import { CONFIG_LIMITS } from "../limits.ts";
import { integerParameter } from "./common.ts";
import { DiffSchema } from "./replay.ts";

/** `before`: the number of an entry; older ones are asked for. */
export const LEDGER_PARAMETERS = {
  before: v.exactOptional(integerParameter(1, Number.MAX_SAFE_INTEGER)),
  limit: v.exactOptional(integerParameter(1, CONFIG_LIMITS.ledgerPageMax)),
};

const SpecSchema = v.pipe(v.record(v.string(), v.unknown()), v.description("`window` in milliseconds"));

export const LedgerAnswerSchema = v.object({
  entries: v.array(
    v.object({
      entry: v.pipe(v.number(), v.description("Rises by one with each entry of the stream")),
      view: v.string(),
      action: v.picklist(["promote", "rollback"]),
      at: v.number(),
      by: v.string(),
      reason: v.nullable(v.string()),
      replay: v.nullable(v.string()),
      fromGeneration: v.nullable(v.number()),
      toGeneration: v.number(),
      specBefore: v.nullable(SpecSchema),
      specAfter: SpecSchema,
      diff: v.nullable(DiffSchema),
      diffFrozenAt: v.nullable(v.number()),
      noDiff: v.pipe(v.nullable(v.string()), v.description("Why there is no diff")),
    }),
  ),
  next: v.pipe(v.nullable(v.number()), v.description("`before` of the next page")),
  dropped: v.pipe(v.number(), v.description("Entries of the stream that are no longer kept")),
});

/** An entry in the words of requests. */
export function ledgerEntryToJson({ specBefore, specAfter, ...entry }: LedgerEntry) {
  const toJson = ({ windowMs, ...spec }: LedgerEntry["specAfter"]) => ({ ...spec, window: windowMs });
  return { ...entry, specBefore: specBefore && toJson(specBefore), specAfter: toJson(specAfter) };
}
