/**
 * The append request and its answers: what a producer sends, and what the edge says of it. One definition serves the page
 * and the edge. Lacks transport: status codes and headers are the routes' business, retries are the producer's.
 *
 * The envelope is checked with valibot: it tree-shakes to the few functions that are used, where zod's core alone would be
 * larger than the whole SDK may be.
 */
import * as v from "valibot";
import type { DropTotals } from "./drops.ts";
import { type AttributeValue, parseContext, parseTime, type RejectionCode } from "./event.ts";
import { PRODUCER_LIMITS } from "./limits.ts";
import { fail, ok, type Result } from "./result.ts";

const sequence = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** A commit of the client's own log: the sequence of its first event, and its random id. */
const CommitPointSchema = v.tuple([
  sequence,
  v.pipe(v.string(), v.regex(/^[\x21-\x7e]+$/), v.maxLength(PRODUCER_LIMITS.commitIdLengthMax)),
]);

/** Totals by reason. */
const DropTotalsSchema = v.pipe(
  v.record(
    v.pipe(v.string(), v.regex(/^[a-z_]{1,32}$/)),
    v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(PRODUCER_LIMITS.droppedMax)),
  ),
  v.maxEntries(PRODUCER_LIMITS.dropReasonsMax),
);

export const ProducerSchema = v.pipe(
  v.object({
    id: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,128}$/, "1 to 128 printable ASCII characters")),
    sequence,
    lost: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(PRODUCER_LIMITS.lostMax)), 0),
    commits: v.optional(v.pipe(v.array(CommitPointSchema), v.maxLength(PRODUCER_LIMITS.commitsMax)), []),
    dropped: v.optional(DropTotalsSchema, {}),
  }),
  v.check((producer) => producer.lost <= producer.sequence, "`lost` is more than came before `sequence`"),
);

/** The envelope of an append request. Events and context are parsed one by one behind it. */
export const AppendRequestSchema = v.object({
  producer: v.nullish(ProducerSchema),
  sentAt: v.nullish(v.union([v.number(), v.string()])),
  // As it came: valibot's records take lists for objects, and drop `__proto__` in silence.
  context: v.optional(v.unknown()),
  events: v.pipe(v.array(v.unknown()), v.minLength(1, "at least one event")),
});

export type CommitPoint = readonly [sequence: number, commitId: string];

export interface Producer {
  readonly id: string;
  /** The first event's; the rest count on by one. */
  readonly sequence: number;
  /** Events just before `sequence` that the client had to drop. */
  readonly lost: number;
  readonly commits: readonly CommitPoint[];
  /** Events that it dropped since its id exists, by reason: of those in `lost`, and of those that never had a sequence. */
  readonly dropped: DropTotals;
}

/** An event that will not be kept, by its place in the batch. */
export interface RejectedEvent {
  readonly index: number;
  readonly code: RejectionCode;
  readonly detail: string;
}

/** A request whose envelope is sound. */
export interface AppendRequest {
  readonly producer: Producer | null;
  /** The client's clock when this attempt was sent, in milliseconds since the epoch. */
  readonly sentAt: number | null;
  /** Attributes that lie under every event. */
  readonly context: ReadonlyMap<string, AttributeValue | null>;
  /**
   * As they came, each using up one sequence. Whoever takes them parses one after the other (`parseEvent`) and lets go of
   * it: a thousand parsed clicks that are all in memory at once cost the collector of garbage more than the parsing.
   */
  readonly events: readonly unknown[];
}

export type AppendRequestFailure =
  | { readonly reason: "invalid_batch"; readonly detail: string }
  | { readonly reason: "too_large"; readonly max: number; readonly detail: string };

/**
 * Parses the envelope of an append request from unknown.
 *
 * @param eventsMax how many events this kind of key may send at once
 */
export function parseAppendRequest(input: unknown, eventsMax: number): Result<AppendRequest, AppendRequestFailure> {
  const envelope = v.safeParse(AppendRequestSchema, input);
  if (!envelope.success) return fail({ reason: "invalid_batch", detail: describeIssue(envelope.issues[0]) });
  const { producer, events } = envelope.output;
  if (events.length > eventsMax) {
    return fail({ reason: "too_large", max: eventsMax, detail: `${events.length} events, at most ${eventsMax}` });
  }
  if (producer && producer.sequence > PRODUCER_LIMITS.sequenceMax - events.length) {
    return fail({ reason: "invalid_batch", detail: "the batch's last sequence is beyond 2^53 - 1" });
  }
  const sentAt = parseTime(envelope.output.sentAt);
  if (sentAt === undefined) return fail({ reason: "invalid_batch", detail: "`sentAt` is not a time" });
  const context = parseContext(envelope.output.context);
  if (!context.ok) return fail({ reason: "invalid_batch", detail: `context: ${context.failure.detail}` });
  return ok({ producer: producer ?? null, sentAt, context: context.value, events });
}

/** Where and why an envelope is wrong, for a person. */
function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${path}: ${issue.message}`;
}

// --- What the edge answers -------------------------------------------------------------------------------------------

/** The answer to an append that was taken. `accepted + duplicates + rejected.length` is the number of events sent. */
export const AppendReplySchema = v.object({
  partition: v.number(),
  /** Offset of the first accepted record; null if none was. */
  offset: v.nullable(v.number()),
  accepted: v.number(),
  /** Duplicates are the first ones of the batch. */
  duplicates: v.number(),
  rejected: v.array(v.object({ index: v.number(), code: v.string(), detail: v.string() })),
  /** The producer's last sequence that the edge holds; null without a producer. */
  lastSequence: v.nullable(v.number()),
});
export type AppendReply = v.InferOutput<typeof AppendReplySchema>;

/** The fields of an error answer that a producer acts upon. */
export const ProblemSchema = v.looseObject({
  code: v.string(),
  detail: v.optional(v.string()),
  retryAfterMs: v.optional(v.number()),
  expected: v.optional(v.number()),
  received: v.optional(v.number()),
  max: v.optional(v.number()),
  commits: v.optional(v.array(CommitPointSchema)),
});
export type Problem = v.InferOutput<typeof ProblemSchema>;

/** Every way in which an append can be refused, with the numbers that explain it. */
export type AppendFailure =
  | AppendRequestFailure
  | { readonly reason: "invalid_json"; readonly detail: string }
  | { readonly reason: "unsupported_media_type"; readonly detail: string }
  | { readonly reason: "unauthorized" }
  | { readonly reason: "forbidden"; readonly detail: string }
  | { readonly reason: "origin_not_allowed"; readonly origin: string }
  | { readonly reason: "unknown_stream"; readonly stream: string }
  | { readonly reason: "rate_limited"; readonly retryAfterMs: number }
  | AdmissionFailure
  | { readonly reason: "overloaded"; readonly retryAfterMs: number }
  | { readonly reason: "storage_full"; readonly bytes: number; readonly max: number };

/** What admission can find wrong with a producer's batch. */
export type AdmissionFailure =
  | { readonly reason: "sequence_gap"; readonly expected: number; readonly received: number }
  | { readonly reason: "producer_forked"; readonly commits: readonly CommitPoint[] };
