/** Rules of views that need the order of the log: click spam, and sessions. */
import * as v from "valibot";
import { ENGINE_LIMITS, holdsInvalid, type Measures, type SessionRule, type SpamRule } from "#engine";
import { closedObject, durationSchema } from "./common.ts";
import { GroupBySchema } from "./measures.ts";

const KeySchema = v.pipe(GroupBySchema, v.minLength(1, "at least one attribute"));

/** A click is invalid if an earlier one of its partition with the same values of `by` lies less than `within` from it. */
export const SpamSchema = closedObject({ by: KeySchema, within: durationSchema(1, ENGINE_LIMITS.ruleReachMaxMs) });

/** Clicks with the same values of `by` are one session while less than `gap` lies between neighbours, within one UTC day. */
export const SessionSchema = closedObject({ by: KeySchema, gap: durationSchema(1, ENGINE_LIMITS.ruleReachMaxMs) });

export const SpamAnswerSchema = v.object({
  by: v.array(v.string()),
  within: v.pipe(v.number(), v.description("Milliseconds")),
});

export const SessionAnswerSchema = v.object({
  by: v.array(v.string()),
  gap: v.pipe(v.number(), v.description("Milliseconds")),
});

/** What a view's rules have to agree with. */
export interface Ruled {
  readonly groupBy: readonly string[];
  readonly measures: Measures;
  readonly spam: SpamRule | undefined;
  readonly session: SessionRule | undefined;
}

/** Why a view's rules do not fit the rest of it; null if they do. */
export function misfitOf({ groupBy, measures, spam, session }: Ruled): string | null {
  const ofSessions = Object.values(measures).filter((measure) => "session" in measure).length;
  if (session === undefined) {
    if (ofSessions > 0) return "there are no sessions without `session`";
    return spam === undefined && holdsInvalid({ measures }) ? "nothing is invalid without `spam`" : null;
  }
  if (spam !== undefined) return "`spam` and `session` are two views";
  if (ofSessions < Object.keys(measures).length) return "with `session`, every measure is `{session: …}`";
  const foreign = groupBy.find((name) => !session.by.includes(name));
  return foreign === undefined ? null : `a session has no one \`${foreign}\`: \`groupBy\` is among \`session.by\``;
}
