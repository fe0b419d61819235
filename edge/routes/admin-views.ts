/** Views: made, changed by replay, rolled back, deleted. */
import * as v from "valibot";
import { fail, ok, type Result } from "#protocol";
import { administeredStream, parseBody, parseParameters } from "./admin-request.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { CONFIG_LIMITS } from "./limits.ts";
import { parseInput } from "./parse-input.ts";
import { LedgerAnswerSchema, ledgerEntryToJson, LEDGER_PARAMETERS } from "./schemas/ledger.ts";
import { closedObject } from "./schemas/common.ts";
import { noteOf, RollbackSchema, WithNoteSchema } from "./schemas/note.ts";
import { VerifyScheduleSchema } from "./schemas/verification.ts";
import { ViewAnswerSchema, viewDescriptionToJson, ViewSchema } from "./schemas/view.ts";
import type { StreamDirectory } from "./stream-access.ts";

async function listViews(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const views = await stream.value.object.views();
  return views.ok ? ok(c.json({ views: views.value.map(viewDescriptionToJson) })) : views;
}

async function putView(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const name = viewName(c);
  const body = await parseBody(c, WithNoteSchema, "invalid_view");
  if (!body.ok) return body;
  const { by, reason, ...asked } = body.value;
  const view = parseInput(ViewSchema, withName(asked, name), "invalid_view");
  if (!view.ok) return view;
  if (view.value.name !== name) {
    return fail({ reason: "invalid_view", path: "name", detail: "is not the name in the path" });
  }
  const note = noteOf({ ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) });
  const put = await stream.value.object.putView(view.value, note);
  directory.forget(stream.value.name);
  if (!put.ok) return put;
  const shown = { ...viewDescriptionToJson(put.value.view), replay: put.value.replay };
  return ok(c.json(shown, put.value.created ? 201 : 200));
}

/** The path names the view; a body that does so too is a view as it was shown. */
const withName = (input: unknown, name: string): unknown =>
  typeof input === "object" && input !== null && !Array.isArray(input) ? { name, ...input } : input;

async function deleteView(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const deleted = await stream.value.object.deleteView(viewName(c));
  directory.forget(stream.value.name);
  return deleted.ok ? ok(c.body(null, 204)) : deleted;
}

async function rollBackView(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const said = await parseBody(c, RollbackSchema, "invalid_request");
  if (!said.ok) return said;
  const view = await stream.value.object.rollback(viewName(c), noteOf(said.value), said.value.to);
  directory.forget(stream.value.name);
  return view.ok ? ok(c.json(viewDescriptionToJson(view.value))) : view;
}

async function scheduleVerification(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const schedule = await parseBody(c, VerifyScheduleSchema, "invalid_request");
  if (!schedule.ok) return schedule;
  const view = await stream.value.object.scheduleVerification(viewName(c), schedule.value.every);
  return view.ok ? ok(c.json(viewDescriptionToJson(view.value))) : view;
}

async function showLedger(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const parameters = parseParameters(c, closedObject(LEDGER_PARAMETERS));
  if (!parameters.ok) return parameters;
  const { before = null, limit = CONFIG_LIMITS.ledgerPageDefault } = parameters.value;
  const page = await stream.value.object.ledger(viewName(c), before, limit);
  if (!page.ok) return page;
  return ok(c.json({ ...page.value, entries: page.value.entries.map(ledgerEntryToJson) }));
}

const viewName = (c: HttpContext): string => c.req.param("view") ?? "";

const PutViewAnswerSchema = v.object({
  ...ViewAnswerSchema.entries,
  replay: v.pipe(v.nullable(v.string()), v.description("The replay that builds it; null if nothing has to be built")),
});

export const viewEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/admin/streams/:stream/views",
    summary: "List the views with what became of them",
    access: "admin",
    answers: { 200: { description: "The views", schema: v.object({ views: v.array(ViewAnswerSchema) }) } },
    failures: ["unknown_stream"],
    handle: listViews,
  },
  {
    method: "PUT",
    path: "/admin/streams/:stream/views/:view",
    summary: "Create a view, built by replay and promoted by itself; or replay a changed specification",
    access: "admin",
    body: ViewSchema,
    answers: {
      200: {
        description: "There already: unchanged, or a replay of the new specification has begun",
        schema: PutViewAnswerSchema,
      },
      201: { description: "Created", schema: PutViewAnswerSchema },
    },
    failures: ["unknown_stream", "invalid_view", "too_many_views", "replay_running"],
    handle: putView,
  },
  {
    method: "DELETE",
    path: "/admin/streams/:stream/views/:view",
    summary: "Delete a view with all its windows",
    access: "admin",
    answers: { 204: { description: "Deleted" } },
    failures: ["unknown_stream", "unknown_view"],
    handle: deleteView,
  },
  {
    method: "POST",
    path: "/admin/streams/:stream/views/:view/rollback",
    summary: "Return to the generation that answered before",
    access: "admin",
    body: RollbackSchema,
    answers: { 200: { description: "The view, answered by its earlier generation", schema: ViewAnswerSchema } },
    failures: ["unknown_stream", "unknown_view", "invalid_request", "nothing_to_roll_back"],
    handle: rollBackView,
  },
  {
    method: "PUT",
    path: "/admin/streams/:stream/views/:view/verification",
    summary: "Verify a view by itself, again and again; `every: null`: only when somebody asks for it",
    access: "admin",
    body: VerifyScheduleSchema,
    answers: { 200: { description: "The view", schema: ViewAnswerSchema } },
    failures: ["unknown_stream", "unknown_view", "invalid_request"],
    handle: scheduleVerification,
  },
  {
    method: "GET",
    path: "/admin/streams/:stream/views/:view/ledger",
    summary: "Every change of what a view publishes: when, by whom, why, and what it changed; the newest first",
    access: "admin",
    parameters: LEDGER_PARAMETERS,
    answers: { 200: { description: "A page of entries", schema: LedgerAnswerSchema } },
    failures: ["unknown_stream", "unknown_view", "invalid_request"],
    handle: showLedger,
  },
];
