/** The query and its answer. */
import * as v from "valibot";
import { ENGINE_LIMITS, MINUTE_MS } from "#engine";
import { CONFIG_LIMITS } from "../limits.ts";
import { closedObject, durationSchema, integerSchema, NameSchema, TimeSchema } from "./common.ts";
import { GroupBySchema, MeasuresSchema } from "./measures.ts";
import { WhereSchema } from "./where.ts";

export const QuerySchema = closedObject({
  from: v.exactOptional(TimeSchema),
  to: v.exactOptional(TimeSchema),
  last: v.exactOptional(durationSchema(1, CONFIG_LIMITS.retentionMaxMs)),
  where: v.exactOptional(WhereSchema),
  groupBy: v.exactOptional(GroupBySchema),
  every: v.exactOptional(
    v.pipe(
      durationSchema(MINUTE_MS, CONFIG_LIMITS.retentionMaxMs),
      v.check((everyMs) => everyMs % MINUTE_MS === 0, "not a multiple of a minute"),
    ),
  ),
  measures: v.exactOptional(MeasuresSchema),
  orderBy: v.exactOptional(
    v.pipe(v.string(), v.regex(/^-?[A-Za-z][A-Za-z0-9_]{0,63}$/, "a name, `-` before it: descending")),
  ),
  limit: v.exactOptional(integerSchema(1, ENGINE_LIMITS.rowsMax)),
  view: v.exactOptional(v.nullable(NameSchema)),
});
export type QueryInput = v.InferOutput<typeof QuerySchema>;

const CellSchema = v.nullable(v.union([v.string(), v.number(), v.boolean()]));
const IntervalEntries = { from: v.number(), to: v.number() };

export const QueryAnswerSchema = v.object({
  source: v.pipe(v.string(), v.description("`log`, or `view:{name}@{generation}`")),
  rows: v.array(v.record(v.string(), CellSchema)),
  truncated: v.boolean(),
  from: v.number(),
  to: v.number(),
  watermark: v.number(),
  final: v.boolean(),
  complete: v.boolean(),
  missing: v.array(
    v.union([
      v.object({ partition: v.number(), reason: v.string() }),
      v.pipe(
        v.object({ ...IntervalEntries, reason: v.picklist(["trimmed", "rolled_up", "archive_unavailable"]) }),
        v.description(
          "`trimmed`: records that the log has no more. `rolled_up`: windows of a view that became part of an hour or a day, which the range or `every` cuts. `archive_unavailable`: archived records that could not be read",
        ),
      ),
    ]),
  ),
  carried: v.array(v.object({ ...IntervalEntries, generation: v.number() })),
  asOf: v.array(v.object({ partition: v.number(), offset: v.number() })),
  stats: v.object({ recordsScanned: v.number(), elapsedMs: v.number() }),
});
export type QueryAnswer = v.InferOutput<typeof QueryAnswerSchema>;

const AdAnswerEntries = { from: v.number(), to: v.number(), final: v.boolean(), complete: v.boolean() };
export const AdCountSchema = v.object({ adId: v.string(), clicks: v.number(), ...AdAnswerEntries });
export const TopAdsSchema = v.object({
  ads: v.array(v.object({ adId: CellSchema, clicks: v.number() })),
  ...AdAnswerEntries,
});
