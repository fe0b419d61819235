/** The live feed: the door to it, and what its sockets may ask. The sockets themselves are edge/stream/live-feed.ts. */
import * as v from "valibot";
import { fail, ok, type Result } from "#protocol";
import type { LiveProblem, LiveQuestions } from "../stream/live-feed.ts";
import { authenticate } from "./authenticate.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { LIVE_LIMITS, RETRY_AFTER } from "./limits.ts";
import { streamFeedOf } from "./objects.ts";
import { parseInput } from "./parse-input.ts";
import { problemOf } from "./problem.ts";
import { parseQuestion } from "./query-input.ts";
import { streamName } from "./query.ts";
import { runQuery } from "./run-query.ts";
import { closedObject } from "./schemas/common.ts";
import { accessTo, type StreamDirectory } from "./stream-access.ts";

const FirstMessageSchema = closedObject({
  key: v.pipe(v.string(), v.minLength(1, "a read key"), v.maxLength(256, "a read key")),
  query: v.unknown(),
});

async function openSocket(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  if (c.req.header("Upgrade")?.toLowerCase() !== "websocket") return fail({ reason: "upgrade_required" });
  const stream = streamName(c);
  const streamId = await directory.idOf(c.env, stream);
  if (streamId === null) return fail({ reason: "unknown_stream", stream });
  const opened = await streamFeedOf(c.env, streamId).fetch(c.req.raw);
  if (opened.status === 404) return fail({ reason: "unknown_stream", stream });
  if (opened.webSocket === null) return fail({ reason: "overloaded", retryAfterMs: RETRY_AFTER.unavailableMs });
  // Anew: the headers of what an object has answered cannot be added to.
  return ok(new Response(null, { status: 101, webSocket: opened.webSocket }));
}

export const liveEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/v1/streams/:stream/live",
    summary: "A WebSocket: `{key, query}` goes first, then the answer comes whenever it has changed",
    access: "open",
    answers: { 101: { description: "The socket is open, and waits five seconds for the first message" } },
    failures: ["unknown_stream", "upgrade_required", "overloaded"],
    handle: openSocket,
  },
];

export const liveQuestions: LiveQuestions = {
  async admit(env, context, message) {
    if (message.length > LIVE_LIMITS.firstMessageMax) {
      return refused({
        reason: "too_large",
        max: LIVE_LIMITS.firstMessageMax,
        detail: "the first message is too long",
      });
    }
    const first = parseInput(FirstMessageSchema, parsedJson(message), "invalid_query");
    if (!first.ok) return refused(first.failure);
    const key = await authenticate(env, await accessTo(context), { text: first.value.key, place: "header" }, ["read"]);
    if (!key.ok) return refused(key.failure);
    const { query } = first.value;
    const question = parseQuestion(query, Date.now());
    if (!question.ok) return refused(question.failure);
    if (!("last" in Object(query))) {
      return refused({
        reason: "invalid_query",
        path: "query.last",
        detail: "a live query has `last`: its range goes on",
      });
    }
    return ok({ keyId: key.value.id, question: JSON.stringify(query) });
  },

  async answer(env, stream, context, text) {
    const question = parseQuestion(JSON.parse(text), Date.now());
    if (!question.ok) return refused(question.failure);
    const directory = { forQuery: async () => accessTo(context) };
    const answer = await runQuery(env, directory, stream, await accessTo(context), question.value);
    if (!answer.ok) return refused(answer.failure);
    const { stats: _, ...message } = answer.value;
    const { source, rows, truncated, complete, missing, carried } = message;
    return ok({ message, content: JSON.stringify([source, rows, truncated, complete, missing, carried]) });
  },
};

const refused = (failure: Failure): Result<never, LiveProblem> => fail(problemOf(failure));

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema says what is wrong with it.
    return undefined;
  }
}
