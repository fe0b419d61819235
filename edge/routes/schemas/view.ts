/** A view as it is written in a request, and as it is shown. */
import * as v from "valibot";
import { MINUTE_MS, ROLLUP_DEFAULTS } from "#engine";
import type { ViewConfig, ViewDescription } from "../../stream/rpc.ts";
import type { RollupAges } from "../../partition/rpc.ts";
import { CONFIG_LIMITS, STREAM_DEFAULTS } from "../limits.ts";
import { closedObject, durationSchema, NameSchema } from "./common.ts";
import { DEFAULT_MEASURES, DEFAULT_SESSION_MEASURES, GroupBySchema, MeasuresSchema, namesCollide } from "./measures.ts";
import { misfitOf, SessionAnswerSchema, SessionSchema, SpamAnswerSchema, SpamSchema } from "./rules.ts";
import { VerificationReportSchema } from "./verification.ts";
import { WhereSchema } from "./where.ts";

/** How old a window is, and how long unchanged, when it becomes part of one of an hour, or of a day. */
const RollupSchema = v.pipe(
  closedObject({
    hourAfter: v.exactOptional(durationSchema(CONFIG_LIMITS.rollupAfterMinMs, CONFIG_LIMITS.retentionMaxMs)),
    dayAfter: v.exactOptional(durationSchema(CONFIG_LIMITS.rollupAfterMinMs, CONFIG_LIMITS.retentionMaxMs)),
  }),
  v.transform(({ hourAfter, dayAfter }): RollupAges => ({
    hourAfterMs: hourAfter ?? ROLLUP_DEFAULTS.hourAfterMs,
    dayAfterMs: dayAfter ?? ROLLUP_DEFAULTS.dayAfterMs,
  })),
  v.check(({ hourAfterMs, dayAfterMs }) => hourAfterMs <= dayAfterMs, "`dayAfter` is less than `hourAfter`"),
);

export const ViewSchema = v.pipe(
  closedObject({
    name: NameSchema,
    where: v.exactOptional(WhereSchema),
    groupBy: v.exactOptional(GroupBySchema),
    window: v.exactOptional(
      v.pipe(
        durationSchema(MINUTE_MS, CONFIG_LIMITS.windowMaxMs),
        v.check((windowMs) => windowMs % MINUTE_MS === 0, "not a multiple of a minute"),
      ),
    ),
    measures: v.exactOptional(MeasuresSchema),
    retention: v.exactOptional(durationSchema(1, CONFIG_LIMITS.retentionMaxMs)),
    rollup: v.exactOptional(RollupSchema),
    spam: v.exactOptional(SpamSchema),
    session: v.exactOptional(SessionSchema),
  }),
  v.transform(({ name, where, groupBy, window, measures, spam, session, retention, rollup }): ViewConfig => ({
    name,
    where: where ?? {},
    groupBy: groupBy ?? [],
    windowMs: window ?? MINUTE_MS,
    measures: measures ?? (session === undefined ? DEFAULT_MEASURES : DEFAULT_SESSION_MEASURES),
    ...(spam !== undefined && { spam }),
    ...(session !== undefined && { session }),
    retentionMs: retention ?? STREAM_DEFAULTS.viewRetentionMs,
    ...(rollup !== undefined && { rollup }),
  })),
  v.check(
    ({ groupBy, measures }) => !namesCollide(groupBy, measures),
    "a measure has the name of an attribute that is grouped by",
  ),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const { groupBy, measures, spam, session } = dataset.value;
    const misfit = misfitOf({ groupBy, measures, spam, session });
    if (misfit !== null) addIssue({ message: misfit });
  }),
);

export const ViewAnswerSchema = v.object({
  name: v.string(),
  where: v.record(v.string(), v.unknown()),
  groupBy: v.array(v.string()),
  window: v.pipe(v.number(), v.description("Milliseconds")),
  measures: v.record(v.string(), v.record(v.string(), v.unknown())),
  spam: v.exactOptional(SpamAnswerSchema),
  session: v.exactOptional(SessionAnswerSchema),
  retention: v.pipe(v.number(), v.description("Milliseconds")),
  rollup: v.exactOptional(
    v.pipe(
      v.object({ hourAfter: v.number(), dayAfter: v.number() }),
      v.description("Milliseconds. Absent: after 7 days to hours, after 90 to days"),
    ),
  ),
  state: v.picklist(["building", "ready", "failed"]),
  generation: v.nullable(v.number()),
  previousGeneration: v.nullable(v.number()),
  outdated: v.boolean(),
  forgottenTo: v.exactOptional(
    v.pipe(v.number(), v.description("Clicks up to this event time may no longer be remembered by `spam`")),
  ),
  error: v.exactOptional(v.string()),
  verification: v.pipe(v.nullable(VerificationReportSchema), v.description("What its last verification found")),
  verifyEvery: v.pipe(v.nullable(v.number()), v.description("Milliseconds")),
  verifyNext: v.nullable(v.number()),
});

/** A view in the words of a request: what is shown can be sent back as it is. */
export const viewToJson = ({ windowMs, retentionMs, rollup, ...view }: ViewConfig) => ({
  ...view,
  window: windowMs,
  ...keepingToJson({ retentionMs, rollup }),
});

/** The same, with what became of the view. */
export const viewDescriptionToJson = ({ windowMs, retentionMs, rollup, ...view }: ViewDescription) => ({
  ...view,
  window: windowMs,
  ...keepingToJson({ retentionMs, rollup }),
});

const keepingToJson = ({ retentionMs, rollup }: { retentionMs: number; rollup: RollupAges | undefined }) => ({
  retention: retentionMs,
  ...(rollup !== undefined && { rollup: { hourAfter: rollup.hourAfterMs, dayAfter: rollup.dayAfterMs } }),
});
