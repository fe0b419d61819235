/**
 * Every way in which a request can fail, as data: the failures of the wire contract and of the objects, and those that only
 * HTTP knows. problem.ts turns each into an answer.
 */
import type { AppendFailure } from "#protocol";
import type { AdminFailure } from "../stream/rpc.ts";

/** An input that a schema, or a rule of its own, refused. */
export interface InvalidInput<Reason extends string = string> {
  readonly reason: Reason;
  /** Where, dotted, as in `where.country.in.3`; empty for the whole. */
  readonly path: string;
  readonly detail: string;
}

export type QueryFailure =
  | InvalidInput<"invalid_query">
  | { readonly reason: "range_required" }
  | { readonly reason: "too_many_buckets"; readonly buckets: number; readonly max: number }
  | { readonly reason: "too_many_groups"; readonly max: number }
  | { readonly reason: "view_cannot_answer"; readonly view: string; readonly detail: string }
  | {
      readonly reason: "range_not_aligned";
      readonly view: string;
      readonly windowMs: number;
      /** When the last window of that width within the range ends, if the view's own are narrower. */
      readonly rolledUpTo?: number;
      readonly detail: string;
    }
  | { readonly reason: "unknown_view"; readonly view: string }
  | { readonly reason: "view_not_ready"; readonly view: string }
  | { readonly reason: "unknown_stream"; readonly stream: string }
  | { readonly reason: "overloaded"; readonly retryAfterMs: number };

/** Failures of administration that the stream's object does not know: they are about the request or one partition. */
export type AdminInputFailure =
  | InvalidInput<"invalid_config" | "invalid_view" | "invalid_replay" | "invalid_request" | "invalid_name">
  | { readonly reason: "admin_disabled" }
  | { readonly reason: "confirm_required"; readonly stream: string }
  | { readonly reason: "unknown_partition"; readonly partition: string; readonly partitions: number }
  | { readonly reason: "archive_unavailable"; readonly detail: string }
  | {
      readonly reason: "offset_trimmed";
      readonly logStart: number;
      /** The first offset from there on that can be read, archived ones included. */
      readonly readableFrom: number;
    };

/** Failures of HTTP itself. */
export type HttpFailure =
  | { readonly reason: "not_found" }
  | { readonly reason: "method_not_allowed"; readonly allowed: readonly string[] }
  | { readonly reason: "not_acceptable"; readonly offered: readonly string[] }
  | { readonly reason: "upgrade_required" }
  | { readonly reason: "internal_error" };

export type Failure = AppendFailure | QueryFailure | AdminFailure | AdminInputFailure | HttpFailure;
