/** Views: made, changed by replay, rolled back, deleted. */
import * as v from "valibot";
import { fail, ok, type Result } from "#protocol";
import { administeredStream, parseBody } from "./admin-request.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
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
  const view = await parseBody(c, ViewSchema, "invalid_view", (input) => withName(input, name));
  if (!view.ok) return view;
  if (view.value.name !== name) {
    return fail({ reason: "invalid_view", path: "name", detail: "is not the name in the path" });
  }
  const put = await stream.value.object.putView(view.value);
  directory.forget(stream.value.name);
  if (!put.ok) return put;
  const body = { ...viewDescriptionToJson(put.value.view), replay: put.value.replay };
  return ok(c.json(body, put.value.created ? 201 : 200));
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
  const view = await stream.value.object.rollback(viewName(c));
  directory.forget(stream.value.name);
  return view.ok ? ok(c.json(viewDescriptionToJson(view.value))) : view;
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
    answers: { 200: { description: "The view, answered by its earlier generation", schema: ViewAnswerSchema } },
    failures: ["unknown_stream", "unknown_view", "nothing_to_roll_back"],
    handle: rollBackView,
  },
];
