/** Streams and their keys: made, changed, described, deleted. */
import * as v from "valibot";
import { fail, ok, type Result } from "#protocol";
import type { StreamChange } from "../stream/rpc.ts";
import { administeredStream, parseBody, parseParameters } from "./admin-request.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { directoryOf, streamOf } from "./objects.ts";
import { parseInput } from "./parse-input.ts";
import { closedObject, NameSchema } from "./schemas/common.ts";
import {
  configToJson,
  descriptionToJson,
  KeyAnswerSchema,
  KeyRequestSchema,
  StreamAnswerSchema,
  StreamChangeSchema,
  StreamDescriptionSchema,
  streamDefaults,
  StreamListSchema,
} from "./schemas/stream.ts";
import type { StreamDirectory } from "./stream-access.ts";

async function putStream(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const name = c.req.param("stream") ?? "";
  const named = parseInput(NameSchema, name, "invalid_name");
  if (!named.ok) return named;
  const change = await parseBody(c, StreamChangeSchema, "invalid_config");
  if (!change.ok) return change;
  if (change.value.archive === true && c.env.ARCHIVE === undefined) {
    return fail({ reason: "invalid_config", path: "archive", detail: "no bucket is bound as ARCHIVE" });
  }
  const put = await register(c.env, name, change.value);
  // Appends through this isolate see the change at once; elsewhere within 30 s, as promised.
  directory.forget(name);
  if (!put.ok) return put;
  const { config, keys } = put.value;
  const body = { name, config: configToJson(config), ...(keys === undefined ? {} : { keys }) };
  return ok(c.json(body, keys === undefined ? 200 : 201));
}

/**
 * Gives the name an id, and the object behind it a configuration. These are two objects, so a crash in between leaves a name
 * that stands for nothing; the next attempt clears it away.
 */
async function register(env: Env, name: string, change: StreamChange) {
  const names = directoryOf(env);
  const putUnder = (streamId: string) => streamOf(env, streamId).put(name, streamId, change, streamDefaults(env));
  const { streamId } = await names.register(name);
  const put = await putUnder(streamId);
  if (put.ok || (await streamOf(env, streamId).appendContext()) !== null) return put;
  // Refused, and there is no stream: it was never made, or it was deleted and the name stayed.
  await names.unregister(name, streamId);
  return put.failure.reason === "unknown_stream" ? putUnder((await names.register(name)).streamId) : put;
}

async function listStreams(c: HttpContext): Promise<Result<Response, Failure>> {
  const names = (await directoryOf(c.env).list()).map(({ name }) => name).sort();
  return ok(c.json({ streams: names.map((name) => ({ name })) }));
}

async function getStream(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const description = await stream.value.object.describe();
  return description.ok ? ok(c.json(descriptionToJson(description.value, Date.now()))) : description;
}

const DELETE_PARAMETERS = { confirm: v.exactOptional(v.string()) };

async function deleteStream(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const { name, streamId, object } = stream.value;
  const parameters = parseParameters(c, closedObject(DELETE_PARAMETERS));
  if (!parameters.ok) return parameters;
  if (parameters.value.confirm !== name) return fail({ reason: "confirm_required", stream: name });
  const destroyed = await object.destroy();
  // Unknown to its own object: an earlier deletion did not get as far as the name.
  if (!destroyed.ok && destroyed.failure.reason !== "unknown_stream") return destroyed;
  await directoryOf(c.env).unregister(name, streamId);
  directory.forget(name);
  return destroyed.ok ? ok(c.body(null, 204)) : destroyed;
}

async function createKey(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const request = await parseBody(c, KeyRequestSchema, "invalid_request");
  if (!request.ok) return request;
  const { kind, graceMs } = request.value;
  const created = await stream.value.object.createKey(kind, graceMs);
  directory.forget(stream.value.name);
  if (!created.ok) return created;
  const { id, key } = created.value;
  return ok(c.json({ id, kind, key }, 201));
}

export const streamEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/admin/streams",
    summary: "List the streams",
    access: "admin",
    answers: { 200: { description: "Their names", schema: StreamListSchema } },
    failures: [],
    handle: listStreams,
  },
  {
    method: "PUT",
    path: "/admin/streams/:stream",
    summary: "Create a stream, or change its configuration",
    access: "admin",
    body: StreamChangeSchema,
    answers: {
      200: { description: "Changed", schema: StreamAnswerSchema },
      201: { description: "Created: the keys are shown this once", schema: StreamAnswerSchema },
    },
    failures: ["invalid_name", "invalid_config", "fixed_at_creation", "jurisdiction_unavailable", "too_many_views"],
    handle: putStream,
  },
  {
    method: "GET",
    path: "/admin/streams/:stream",
    summary: "Describe a stream: configuration, views, keys, and each partition's log",
    access: "admin",
    answers: { 200: { description: "The stream as it is now", schema: StreamDescriptionSchema } },
    failures: ["unknown_stream"],
    handle: getStream,
  },
  {
    method: "DELETE",
    path: "/admin/streams/:stream",
    summary: "Delete a stream with all its data",
    access: "admin",
    parameters: DELETE_PARAMETERS,
    answers: { 204: { description: "Deleted" } },
    failures: ["unknown_stream", "confirm_required"],
    handle: deleteStream,
  },
  {
    method: "POST",
    path: "/admin/streams/:stream/keys",
    summary: "Make a key; the others of its kind end after a grace, or now",
    access: "admin",
    body: KeyRequestSchema,
    answers: { 201: { description: "The key, shown this once", schema: KeyAnswerSchema } },
    failures: ["unknown_stream", "invalid_request"],
    handle: createKey,
  },
];
