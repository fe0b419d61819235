/** Replays: what is asked for, and how far it has come. */
import * as v from "valibot";
import type { Note, ReplayRequest } from "../../stream/rpc.ts";
import { closedObject, NameSchema, NumberSchema, TimeSchema } from "./common.ts";
import { NOTE_ENTRIES, noteOf } from "./note.ts";
import { VERIFICATION_ENTRIES } from "./verification.ts";
import { ViewSchema } from "./view.ts";

const MAX_DUTY_DEFAULT = 0.5;

const ShareSchema = v.pipe(NumberSchema, v.minValue(0, "at least 0"));

/** What a replay that is promoted by itself may change, as shares: of each measure's total, of the rows compared. */
const PromotionPolicySchema = v.pipe(
  closedObject({
    totalChangeMax: v.exactOptional(ShareSchema),
    rowsChangedMax: v.exactOptional(v.pipe(ShareSchema, v.maxValue(1, "at most 1: all rows"))),
  }),
  v.minEntries(1, "totalChangeMax, rowsChangedMax, or both"),
);

const noted = (note: Note | undefined) => (note === undefined ? {} : { note });

export const ReplayRequestSchema = v.pipe(
  closedObject({
    view: v.union([NameSchema, ViewSchema]),
    from: v.exactOptional(v.union([v.literal("earliest"), TimeSchema])),
    mode: v.exactOptional(v.picklist(["build", "verify"], "`build` or `verify`")),
    promote: v.exactOptional(v.picklist(["manual", "auto"], "`manual` or `auto`")),
    promoteIf: v.exactOptional(PromotionPolicySchema),
    ...NOTE_ENTRIES,
    maxDuty: v.exactOptional(
      v.pipe(NumberSchema, v.gtValue(0, "more than 0"), v.maxValue(1, "at most 1: the whole of the time")),
    ),
  }),
  v.check(
    ({ mode, view }) => mode !== "verify" || typeof view === "string",
    "`verify` compares a view with itself: name it, without a specification",
  ),
  v.check(
    ({ promote, promoteIf }) => promoteIf === undefined || promote === "auto",
    "`promoteIf` is for what is promoted by itself: `promote` is `auto` then",
  ),
  v.transform(({ view, from = "earliest", mode, promote, promoteIf, maxDuty, ...said }): ReplayRequest => ({
    view,
    from: from === "earliest" ? null : from,
    mode: mode ?? "build",
    promote: promote ?? "manual",
    maxDuty: maxDuty ?? MAX_DUTY_DEFAULT,
    ...(promoteIf !== undefined && { promoteIf }),
    ...noted(noteOf(said)),
  })),
);

export const ReplayStartedSchema = v.object({ id: v.string() });

export const DiffSchema = v.object({
  rowsCompared: v.number(),
  rowsChanged: v.number(),
  totals: v.record(v.string(), v.object({ before: v.nullable(v.number()), after: v.nullable(v.number()) })),
  largest: v.array(v.record(v.string(), v.unknown())),
});

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
  paused: v.exactOptional(v.pipe(v.literal(true), v.description("It stands still, until it is resumed"))),
  partitions: v.array(
    v.object({
      partition: v.number(),
      from: v.number(),
      next: v.number(),
      target: v.number(),
      state: v.picklist(["building", "caught-up", "verified", "differs", "failed"]),
      silent: v.exactOptional(
        v.pipe(
          v.object({ since: v.number(), reason: v.string() }),
          v.description("It does not answer, and is waited for"),
        ),
      ),
    }),
  ),
  diff: v.exactOptional(DiffSchema),
  promoteIf: v.exactOptional(v.record(v.string(), v.number())),
  held: v.exactOptional(v.pipe(v.string(), v.description("Why it was not promoted by itself"))),
  by: v.exactOptional(v.string()),
  reason: v.exactOptional(v.string()),
  verification: v.exactOptional(v.object(VERIFICATION_ENTRIES)),
  error: v.exactOptional(v.string()),
});
export const ReplayListSchema = v.object({ replays: v.array(ReplayAnswerSchema) });
