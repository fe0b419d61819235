/**
 * The one place where a failure becomes an answer: RFC 9457, `application/problem+json`. The codes are part of the public
 * contract; they are the failures' own reasons, and are never renamed.
 *
 * Nothing leaves but what a failure names: no stack trace, no query string, no secret.
 */
import { unreachable } from "#protocol";
import type { Failure } from "./failures.ts";

/** The status of every failure there is. */
const STATUS: { readonly [reason in Failure["reason"]]: number } = {
  invalid_json: 400,
  invalid_batch: 400,
  invalid_query: 400,
  invalid_config: 400,
  invalid_view: 400,
  invalid_replay: 400,
  invalid_request: 400,
  invalid_name: 400,
  range_required: 400,
  too_many_buckets: 400,
  view_cannot_answer: 400,
  range_not_aligned: 400,
  confirm_required: 400,
  jurisdiction_unavailable: 400,
  unauthorized: 401,
  forbidden: 403,
  origin_not_allowed: 403,
  not_found: 404,
  unknown_stream: 404,
  unknown_view: 404,
  unknown_replay: 404,
  unknown_partition: 404,
  method_not_allowed: 405,
  not_acceptable: 406,
  sequence_gap: 409,
  producer_forked: 409,
  fixed_at_creation: 409,
  too_many_views: 409,
  view_not_ready: 409,
  replay_running: 409,
  replay_state: 409,
  nothing_to_roll_back: 409,
  no_diff: 409,
  offset_trimmed: 410,
  too_large: 413,
  unsupported_media_type: 415,
  too_many_groups: 422,
  upgrade_required: 426,
  rate_limited: 429,
  internal_error: 500,
  overloaded: 503,
  partition_unavailable: 503,
  archive_unavailable: 503,
  admin_disabled: 503,
  storage_full: 507,
};

export const statusOf = (reason: Failure["reason"]): number => STATUS[reason];

/** RFC 9457. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly [member: string]: unknown;
}

interface Words {
  readonly title: string;
  readonly detail: string;
  /** The numbers and names that explain it, as members of the body. */
  readonly numbers?: { readonly [name: string]: unknown };
  readonly headers?: { readonly [name: string]: string };
}

/** A failure as the body of an answer. */
export function problemOf(failure: Failure): Problem {
  const { title, detail, numbers } = describe(failure);
  return {
    type: `urn:headwater:problem:${failure.reason}`,
    title,
    status: statusOf(failure.reason),
    code: failure.reason,
    detail,
    ...numbers,
    ...("retryAfterMs" in failure && { retryAfterMs: failure.retryAfterMs }),
  };
}

/** The answer to a failure. */
export function problemResponse(failure: Failure): Response {
  const retryAfterMs = "retryAfterMs" in failure ? failure.retryAfterMs : undefined;
  return Response.json(problemOf(failure), {
    status: statusOf(failure.reason),
    headers: {
      "Content-Type": "application/problem+json",
      ...describe(failure).headers,
      // Whole seconds are all that the header can say; a client that reads the body waits no longer than it must.
      ...(retryAfterMs === undefined ? {} : { "Retry-After": String(Math.max(1, Math.ceil(retryAfterMs / 1000))) }),
    },
  });
}

/** The words of every failure there is. Exhaustive: a new reason stops compiling here. */
function describe(failure: Failure): Words {
  switch (failure.reason) {
    case "invalid_json":
      return { title: "The body is not JSON", detail: failure.detail };
    case "invalid_batch":
      return { title: "The batch is malformed", detail: failure.detail };
    case "invalid_query":
    case "invalid_config":
    case "invalid_view":
    case "invalid_replay":
    case "invalid_request":
    case "invalid_name": {
      const { path, detail } = failure;
      const what = failure.reason.slice("invalid_".length);
      const where = path === "" ? "" : `${path}: `;
      return { title: `The ${what} is malformed`, detail: where + detail, numbers: { path } };
    }
    case "range_required":
      return {
        title: "The query has no range",
        detail: "`from` and `to` are required, or `last`",
      };
    case "too_many_buckets": {
      const { buckets, max } = failure;
      const detail = `the range holds ${buckets} buckets, at most ${max}: widen \`every\` or shorten the range`;
      return { title: "Too many buckets", detail, numbers: { buckets, max } };
    }
    case "view_cannot_answer":
      return { title: "The view cannot answer this query", ...pick(failure, "view") };
    case "range_not_aligned":
      return { title: "The range cuts the view's windows", ...pick(failure, "view", "windowMs", "rolledUpTo") };
    case "confirm_required": {
      const detail = `deleting cannot be undone: repeat the request with ?confirm=${failure.stream}`;
      return { title: "Deleting must be confirmed", detail };
    }
    case "unauthorized":
      return {
        title: "No valid key",
        detail: "send `Authorization: Bearer KEY` with a key that is in force",
        headers: { "WWW-Authenticate": 'Bearer realm="headwater"' },
      };
    case "forbidden":
      return { title: "The key may not do this", detail: failure.detail };
    case "origin_not_allowed": {
      const detail = `${JSON.stringify(failure.origin.slice(0, 300))} is not among the allowed origins`;
      return { title: "The origin is not allowed", detail };
    }
    case "not_found":
      return { title: "There is nothing here", detail: "see /openapi.json for what there is" };
    case "unknown_stream":
      return unknown("stream", failure.stream);
    case "unknown_view":
      return unknown("view", failure.view);
    case "unknown_replay":
      return unknown("replay", failure.id);
    case "unknown_partition": {
      const detail = `the stream has ${failure.partitions} partitions, numbered from 0`;
      return { title: "There is no such partition", detail, numbers: { partitions: failure.partitions } };
    }
    case "method_not_allowed": {
      const allowed = failure.allowed.join(", ");
      const detail = `this resource answers to ${allowed}`;
      return { title: "The method is not allowed", detail, headers: { Allow: allowed } };
    }
    case "not_acceptable":
      return { title: "Not acceptable", detail: `this resource comes as ${failure.offered.join(" or ")}` };
    case "sequence_gap": {
      const detail = `events before ${failure.received} are missing: the next expected sequence is ${failure.expected}`;
      return { title: "Events are missing", ...pick({ ...failure, detail }, "expected", "received") };
    }
    case "producer_forked": {
      const detail =
        "these sequences were used before, under other commits: the producer's log was copied or rolled back";
      return { title: "The producer has forked", ...pick({ ...failure, detail }, "commits") };
    }
    case "fixed_at_creation": {
      const detail = `\`${failure.field}\` is set when a stream is created`;
      return { title: "This cannot be changed", ...pick({ ...failure, detail }, "field") };
    }
    case "jurisdiction_unavailable": {
      const detail = `objects cannot be placed in \`${failure.jurisdiction}\` here: this needs Cloudflare's own network`;
      return { title: "The jurisdiction is not available", ...pick({ ...failure, detail }, "jurisdiction") };
    }
    case "too_many_views": {
      const detail = `a stream has at most ${failure.max} views`;
      return { title: "Too many views", ...pick({ ...failure, detail }, "max") };
    }
    case "view_not_ready": {
      const detail = "the view is still being built";
      return { title: "The view is not ready", ...pick({ ...failure, detail }, "view") };
    }
    case "replay_running": {
      const detail = "another replay of this view is under way: cancel or promote it first";
      return { title: "A replay is running", ...pick({ ...failure, detail }, "id") };
    }
    case "replay_state": {
      const detail = `the replay is ${failure.state}`;
      return { title: "The replay is not in a state for this", ...pick({ ...failure, detail }, "id", "state") };
    }
    case "no_diff":
      return { title: "There is no diff to show", ...pick(failure, "id") };
    case "nothing_to_roll_back": {
      const detail = "no earlier generation is kept";
      return { title: "There is nothing to roll back to", ...pick({ ...failure, detail }, "view") };
    }
    case "offset_trimmed": {
      const detail = `the log starts at offset ${failure.logStart}; the next record that can be read is ${failure.readableFrom}`;
      return { title: "The records are gone", ...pick({ ...failure, detail }, "logStart", "readableFrom") };
    }
    case "too_large":
      return { title: "The request is too large", ...pick(failure, "max") };
    case "unsupported_media_type":
      return { title: "The media type is not supported", detail: failure.detail };
    case "too_many_groups": {
      const detail = `the answer would have more than ${failure.max} groups: filter, or group by less`;
      return { title: "Too many groups", ...pick({ ...failure, detail }, "max") };
    }
    case "rate_limited":
      return { title: "Too many requests", detail: "wait, then send the same again" };
    case "internal_error":
      return { title: "The edge failed", detail: "nothing more is known here; send the same again" };
    case "upgrade_required":
      return {
        title: "This is a WebSocket",
        detail: "ask with `Upgrade: websocket`, as every WebSocket client does",
        headers: { Upgrade: "websocket" },
      };
    case "overloaded":
      return { title: "The edge is overloaded", detail: "wait, then send the same again" };
    case "partition_unavailable":
      return { title: "A partition did not answer", ...pick(failure, "partition") };
    case "archive_unavailable":
      return { title: "The archive is not available", detail: failure.detail };
    case "admin_disabled":
      return { title: "Administration is off", detail: "the secret ADMIN_TOKEN is not set" };
    case "storage_full": {
      const detail = `the partition holds ${failure.bytes} bytes of at most ${failure.max}`;
      return { title: "The storage is full", ...pick({ ...failure, detail }, "bytes", "max") };
    }
    default:
      return unreachable(failure);
  }
}

function unknown(what: string, name: string): Words {
  return { title: `There is no such ${what}`, detail: `no ${what} ${JSON.stringify(name.slice(0, 100))}` };
}

/** A failure's detail, and the members of it that the body repeats. */
function pick<F extends { readonly detail: string }, Name extends keyof F>(failure: F, ...names: readonly Name[]) {
  return { detail: failure.detail, numbers: Object.fromEntries(names.map((name) => [name, failure[name]])) };
}
