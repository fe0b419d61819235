/** Replays: what is asked for, and how far it has come. */
import * as v from "valibot";
import type { ReplayRequest } from "../../stream/rpc.ts";
import { closedObject, NameSchema, NumberSchema, TimeSchema } from "./common.ts";
import { ViewSchema } from "./view.ts";

const MAX_DUTY_DEFAULT = 0.5;

export const ReplayRequestSchema = v.pipe(
  closedObject({
    view: v.union([NameSchema, ViewSchema]),
    from: v.exactOptional(v.union([v.literal("earliest"), TimeSchema])),
    mode: v.exactOptional(v.picklist(["build", "verify"], "`build` or `verify`")),
    promote: v.exactOptional(v.picklist(["manual", "auto"], "`manual` or `auto`")),
    maxDuty: v.exactOptional(
      v.pipe(NumberSchema, v.gtValue(0, "more than 0"), v.maxValue(1, "at most 1: the whole of the time")),
    ),
  }),
  v.check(
    ({ mode, view }) => mode !== "verify" || typeof view === "string",
    "`verify` compares a view with itself: name it, without a specification",
  ),
  v.transform(({ view, from = "earliest", mode, promote, maxDuty }): ReplayRequest => ({
    view,
    from: from === "earliest" ? null : from,
    mode: mode ?? "build",
    promote: promote ?? "manual",
    maxDuty: maxDuty ?? MAX_DUTY_DEFAULT,
  })),
);

export const ReplayStartedSchema = v.object({ id: v.string() });

export const ReplayAnswerSchema = v.object({
  id: v.string(),
  view: v.string(),
  generation: v.number(),
  mode: v.picklist(["build", "verify"]),
  promote: v.picklist(["manual", "auto"]),
  state: v.picklist(["running", "caught-up", "promoted", "verified", "differs", "cancelled", "failed"]),
  progress: v.pipe(v.number(), v.description("0 to 1")),
  recordsDone: v.number(),
  recordsTotal: v.number(),
  recordsPerSecond: v.number(),
  etaMs: v.nullable(v.number()),
  startedAt: v.number(),
  finishedAt: v.nullable(v.number()),
  partitions: v.array(
    v.object({
      partition: v.number(),
      from: v.number(),
      next: v.number(),
      target: v.number(),
      state: v.picklist(["building", "caught-up", "verified", "differs", "failed"]),
    }),
  ),
  diff: v.exactOptional(
    v.object({
      rowsCompared: v.number(),
      rowsChanged: v.number(),
      totals: v.record(v.string(), v.object({ before: v.nullable(v.number()), after: v.nullable(v.number()) })),
      largest: v.array(v.record(v.string(), v.unknown())),
    }),
  ),
  verification: v.exactOptional(v.object({ compared: v.number(), differing: v.number(), skipped: v.number() })),
  error: v.exactOptional(v.string()),
});
export const ReplayListSchema = v.object({ replays: v.array(ReplayAnswerSchema) });
