/**
 * What the public HTTP API answers, as far as the dashboard uses it. Parsed once, here, so that everything behind it can
 * trust its types; fields that the dashboard does not need are not named, and may change.
 */
import * as v from "valibot";
import { RuleSchema } from "./workbench/rule.ts";

const Value = v.nullable(v.union([v.string(), v.number(), v.boolean()]));

const Missing = v.looseObject({
  reason: v.string(),
  partition: v.optional(v.number()),
  from: v.optional(v.number()),
  to: v.optional(v.number()),
});

export const AnswerSchema = v.object({
  source: v.string(),
  rows: v.array(v.record(v.string(), Value)),
  truncated: v.boolean(),
  from: v.number(),
  to: v.number(),
  watermark: v.nullable(v.number()),
  final: v.boolean(),
  complete: v.boolean(),
  missing: v.array(Missing),
  carried: v.array(v.object({ from: v.number(), to: v.number(), generation: v.number() })),
  stats: v.object({ recordsScanned: v.number(), elapsedMs: v.number() }),
});
export type Answer = v.InferOutput<typeof AnswerSchema>;
export type Row = Answer["rows"][number];

const Partition = v.union([
  v.object({
    partition: v.number(),
    logStart: v.number(),
    logEnd: v.number(),
    records: v.number(),
    bytes: v.number(),
    oldestAppendTime: v.nullable(v.number()),
    archive: v.nullable(
      v.object({ start: v.nullable(v.number()), end: v.number(), bytes: v.number(), error: v.optional(v.string()) }),
    ),
    checkpointOffset: v.number(),
    watermark: v.number(),
    duplicates: v.number(),
    late: v.number(),
  }),
  v.object({ partition: v.number(), error: v.string() }),
]);
export type Partition = v.InferOutput<typeof Partition>;

const View = v.object({
  ...RuleSchema.entries,
  name: v.string(),
  state: v.picklist(["building", "ready", "failed"]),
  /** In force; null while the first one is being built. */
  generation: v.nullable(v.number()),
  /** What a rollback would return to. */
  previousGeneration: v.nullable(v.number()),
  /** Clicks up to this event time may be forgotten by the rule that looks at them in their order. */
  forgottenTo: v.optional(v.number()),
  /** Built by another version of the engine. */
  outdated: v.boolean(),
  error: v.optional(v.string()),
});
export type View = v.InferOutput<typeof View>;

export const StreamSchema = v.object({
  name: v.string(),
  config: v.object({
    retentionMs: v.number(),
    retentionBytes: v.number(),
    archive: v.boolean(),
    archiveRetentionMs: v.nullable(v.number()),
    allowedLatenessMs: v.number(),
  }),
  views: v.array(View),
  partitions: v.array(Partition),
});
export type Stream = v.InferOutput<typeof StreamSchema>;

const BeforeAfter = v.object({ before: v.nullable(v.number()), after: v.nullable(v.number()) });
export type BeforeAfter = v.InferOutput<typeof BeforeAfter>;

/** A row that changed: its window, its key, and each measure on both sides. */
const ChangedRow = v.record(v.string(), v.union([BeforeAfter, Value]));
export type ChangedRow = v.InferOutput<typeof ChangedRow>;

const Diff = v.object({
  rowsCompared: v.number(),
  rowsChanged: v.number(),
  totals: v.record(v.string(), BeforeAfter),
  largest: v.array(ChangedRow),
});
export type Diff = v.InferOutput<typeof Diff>;

export const DiffRowsSchema = v.object({ rows: v.array(ChangedRow), next: v.nullable(v.string()) });
export type DiffRows = v.InferOutput<typeof DiffRowsSchema>;

export const ReplaySchema = v.object({
  id: v.string(),
  view: v.string(),
  generation: v.number(),
  mode: v.picklist(["build", "verify"]),
  state: v.picklist(["running", "caught-up", "promoted", "verified", "differs", "cancelled", "failed"]),
  progress: v.number(),
  recordsDone: v.number(),
  recordsTotal: v.number(),
  recordsPerSecond: v.number(),
  etaMs: v.nullable(v.number()),
  startedAt: v.number(),
  finishedAt: v.nullable(v.number()),
  paused: v.optional(v.boolean()),
  partitions: v.array(
    v.object({
      partition: v.number(),
      from: v.number(),
      next: v.number(),
      target: v.number(),
      state: v.string(),
      silent: v.optional(v.object({ since: v.number(), reason: v.string() })),
    }),
  ),
  diff: v.optional(Diff),
  by: v.optional(v.string()),
  reason: v.optional(v.string()),
  /** Why it was not promoted by itself, though it was to be. */
  held: v.optional(v.string()),
  verification: v.optional(v.object({ compared: v.number(), differing: v.number(), skipped: v.number() })),
  error: v.optional(v.string()),
});
export type Replay = v.InferOutput<typeof ReplaySchema>;

export const ReplaysSchema = v.object({ replays: v.array(ReplaySchema) });

const Specification = v.record(v.string(), v.unknown());

const LedgerEntry = v.object({
  entry: v.number(),
  action: v.string(),
  at: v.number(),
  by: v.string(),
  reason: v.nullable(v.string()),
  fromGeneration: v.nullable(v.number()),
  toGeneration: v.number(),
  specBefore: v.nullable(Specification),
  specAfter: Specification,
  diff: v.nullable(Diff),
  diffFrozenAt: v.nullable(v.number()),
  noDiff: v.nullable(v.string()),
});
export type LedgerEntry = v.InferOutput<typeof LedgerEntry>;

export const LedgerSchema = v.object({
  entries: v.array(LedgerEntry),
  next: v.nullable(v.number()),
  dropped: v.number(),
});
export type Ledger = v.InferOutput<typeof LedgerSchema>;

export const StartedSchema = v.object({ id: v.string() });

/** RFC 9457. */
export const ProblemSchema = v.looseObject({
  code: v.string(),
  detail: v.optional(v.string()),
  title: v.optional(v.string()),
});
