/** POST /v1/streams/:stream/query: parse, run, render as JSON or CSV. */
import { fail, ok, type Result } from "#protocol";
import type { QueryContext } from "../stream/rpc.ts";
import { authenticate, presentedKey } from "./authenticate.ts";
import { readJson } from "./body.ts";
import { csvResponse } from "./csv.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure, QueryFailure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { INPUT_LIMITS } from "./limits.ts";
import { negotiate } from "./negotiate.ts";
import { parseQuestion } from "./query-input.ts";
import { runQuery } from "./run-query.ts";
import { QueryAnswerSchema, QuerySchema } from "./schemas/query.ts";
import type { StreamAccess, StreamDirectory } from "./stream-access.ts";

const OFFERED = ["application/json", "text/csv"] as const;

async function query(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const access = await readAccess(c, directory);
  if (!access.ok) return access;
  const type = negotiate(c.req.header("Accept"), OFFERED);
  if (type === undefined) return fail({ reason: "not_acceptable", offered: OFFERED });
  const { bodyBytesMax } = INPUT_LIMITS;
  const body = await readJson(c.req.raw, { bodyBytesMax, inflatedBytesMax: bodyBytesMax });
  if (!body.ok) return body;
  const question = parseQuestion(body.value, Date.now());
  if (!question.ok) return question;
  const answer = await runQuery(c.env, directory, streamName(c), access.value, question.value);
  if (!answer.ok) return answer;
  return ok(type === "text/csv" ? csvResponse(question.value.query, answer.value) : c.json(answer.value));
}

/** The stream, for one who may read it. */
export async function readAccess(
  c: HttpContext,
  directory: StreamDirectory,
): Promise<Result<StreamAccess<QueryContext>, Failure>> {
  const presented = presentedKey(c, ["header"]);
  if (presented === null) return fail({ reason: "unauthorized" });
  const access = await directory.forQuery(c.env, streamName(c));
  if (access === null) return fail({ reason: "unknown_stream", stream: streamName(c) });
  const key = await authenticate(c.env, access, presented, ["read"]);
  return key.ok ? ok(access) : key;
}

export const streamName = (c: HttpContext): string => c.req.param("stream") ?? "";

/** What every question can fail with. */
export const QUERY_FAILURES: readonly QueryFailure["reason"][] = [
  "unknown_stream",
  "range_required",
  "invalid_query",
  "too_many_groups",
];

export const queryEndpoints: readonly Endpoint[] = [
  {
    method: "POST",
    path: "/v1/streams/:stream/query",
    summary: "Ask a stream: from a stored view where one can answer, else from the log",
    access: "read",
    body: QuerySchema,
    answers: {
      200: {
        description: "Rows, and what they are made of. As CSV: Headwater-Complete, -Final and -Truncated as headers",
        schema: QueryAnswerSchema,
        otherTypes: ["text/csv"],
      },
    },
    failures: [
      ...QUERY_FAILURES,
      "too_many_buckets",
      "view_cannot_answer",
      "range_not_aligned",
      "unknown_view",
      "view_not_ready",
      "not_acceptable",
    ],
    handle: query,
  },
];
