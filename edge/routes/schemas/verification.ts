/** Verifications: what they find, and how often they are made by themselves. */
import * as v from "valibot";
import { CONFIG_LIMITS } from "../limits.ts";
import { closedObject, durationSchema } from "./common.ts";

export const VERIFICATION_ENTRIES = {
  compared: v.pipe(v.number(), v.description("Windows")),
  differing: v.number(),
  skipped: v.pipe(v.number(), v.description("Those that the log can no longer recompute")),
  differences: v.pipe(
    v.array(v.object({ partition: v.number(), window: v.number() })),
    v.description("The first windows that differ, by their start"),
  ),
};

export const VerificationReportSchema = v.object({
  replay: v.string(),
  state: v.picklist(["verified", "differs", "failed"]),
  at: v.number(),
  tookMs: v.number(),
  ...VERIFICATION_ENTRIES,
  error: v.exactOptional(v.string()),
});

export const VerifyScheduleSchema = closedObject({
  every: v.nullable(durationSchema(CONFIG_LIMITS.verifyEveryMinMs, CONFIG_LIMITS.retentionMaxMs)),
});
