/** What an administrator reads of a log: its records, and what was refused. */
import * as v from "valibot";
import { closedObject, integerSchema } from "./common.ts";

export const TrimRequestSchema = closedObject({ before: integerSchema(0, Number.MAX_SAFE_INTEGER) });
export const TrimAnswerSchema = v.object({ logStart: v.number() });

export const RecordsAnswerSchema = v.object({
  records: v.array(
    v.objectWithRest(
      { offset: v.number(), appendTime: v.number(), time: v.number() },
      v.union([v.string(), v.number(), v.boolean()]),
    ),
  ),
  next: v.pipe(v.number(), v.description("The offset to ask for next; equal to `logEnd` at the end")),
  logStart: v.number(),
  logEnd: v.number(),
  archiveStart: v.pipe(v.nullable(v.number()), v.description("The first archived offset; null: nothing is archived")),
});

export const RejectsAnswerSchema = v.object({
  rejects: v.array(
    v.object({
      partition: v.number(),
      at: v.pipe(v.number(), v.description("When it was refused, in milliseconds since the epoch")),
      index: v.number(),
      code: v.string(),
      detail: v.string(),
    }),
  ),
  missing: v.pipe(
    v.array(v.object({ partition: v.number(), reason: v.string() })),
    v.description("Partitions that did not answer"),
  ),
});
