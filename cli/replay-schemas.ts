/** What the command line reads of replays. */
import * as v from "valibot";

const TotalSchema = v.object({ before: v.nullable(v.number()), after: v.nullable(v.number()) });

export const DiffSchema = v.object({
  rowsCompared: v.number(),
  rowsChanged: v.number(),
  totals: v.record(v.string(), TotalSchema),
  largest: v.array(v.record(v.string(), v.unknown())),
});
export type Diff = v.InferOutput<typeof DiffSchema>;
export type DiffRow = Readonly<Record<string, unknown>>;

export const DiffRowsSchema = v.object({
  rows: v.array(v.record(v.string(), v.unknown())),
  next: v.nullable(v.string()),
});

const VerificationSchema = v.object({ compared: v.number(), differing: v.number(), skipped: v.number() });
export type Verification = v.InferOutput<typeof VerificationSchema>;

export const ReplaySchema = v.object({
  id: v.string(),
  view: v.string(),
  generation: v.number(),
  mode: v.string(),
  promote: v.string(),
  state: v.string(),
  progress: v.number(),
  recordsDone: v.number(),
  recordsTotal: v.number(),
  recordsPerSecond: v.number(),
  etaMs: v.nullable(v.number()),
  startedAt: v.number(),
  finishedAt: v.nullable(v.number()),
  diff: v.optional(DiffSchema),
  verification: v.optional(VerificationSchema),
  paused: v.optional(v.boolean()),
  partitions: v.array(v.object({ partition: v.number(), silent: v.optional(v.object({ reason: v.string() })) })),
  held: v.optional(v.string()),
  error: v.optional(v.string()),
});
export type Replay = v.InferOutput<typeof ReplaySchema>;

export const ReplaysSchema = v.object({ replays: v.array(ReplaySchema) });
export const StartedSchema = v.object({ id: v.string() });
