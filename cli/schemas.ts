/** What the command line reads of the API's answers. `--format json` prints them as they are, with whatever else is in them. */
import * as v from "valibot";

const Scalar = v.nullable(v.union([v.string(), v.number(), v.boolean()]));

export const StreamsSchema = v.object({ streams: v.array(v.object({ name: v.string() })) });

/** A view's specification can be sent back as it was shown: nothing of it may get lost here. */
const SpecificationSchema = v.looseObject({ name: v.string() });
export type Specification = v.InferOutput<typeof SpecificationSchema>;

export const ViewSchema = v.looseObject({
  name: v.string(),
  groupBy: v.array(v.string()),
  window: v.number(),
  measures: v.record(v.string(), v.unknown()),
  state: v.string(),
  generation: v.nullable(v.number()),
  previousGeneration: v.nullable(v.number()),
  error: v.optional(v.string()),
});
export type View = v.InferOutput<typeof ViewSchema>;
export const ViewsSchema = v.object({ views: v.array(ViewSchema) });

const PartitionSchema = v.object({
  partition: v.number(),
  logStart: v.number(),
  logEnd: v.number(),
  records: v.number(),
  bytes: v.number(),
  segments: v.number(),
  archive: v.optional(v.nullable(v.object({ start: v.nullable(v.number()), end: v.number() }))),
  watermark: v.number(),
  late: v.number(),
  rejected: v.number(),
});
const DownSchema = v.object({ partition: v.number(), error: v.string() });

export const StreamSchema = v.object({
  name: v.string(),
  createdAt: v.number(),
  config: v.looseObject({ views: v.array(SpecificationSchema) }),
  views: v.array(ViewSchema),
  keys: v.array(
    v.object({ id: v.string(), kind: v.string(), createdAt: v.number(), expiresAt: v.nullable(v.number()) }),
  ),
  partitions: v.array(v.union([PartitionSchema, DownSchema])),
});
export type Stream = v.InferOutput<typeof StreamSchema>;

export const AnswerSchema = v.object({
  source: v.string(),
  rows: v.array(v.record(v.string(), Scalar)),
  truncated: v.boolean(),
  from: v.number(),
  to: v.number(),
  final: v.boolean(),
  complete: v.boolean(),
  missing: v.array(v.record(v.string(), v.unknown())),
  carried: v.array(v.record(v.string(), v.unknown())),
});
export type Answer = v.InferOutput<typeof AnswerSchema>;
