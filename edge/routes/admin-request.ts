/** What all administrative requests have in common: a stream that must exist, and a body or parameters to parse. */
import type { GenericSchema, InferOutput } from "valibot";
import { fail, ok, type Result } from "#protocol";
import type { StreamRpc } from "../stream/rpc.ts";
import { type BodyFailure, readOptionalJson } from "./body.ts";
import type { Failure, InvalidInput } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { INPUT_LIMITS } from "./limits.ts";
import { streamOf } from "./objects.ts";
import { parseInput } from "./parse-input.ts";
import type { StreamDirectory } from "./stream-access.ts";

export interface AdministeredStream {
  readonly name: string;
  readonly streamId: string;
  readonly object: StreamRpc;
}

/** The stream that the path names. Asked of the directory each time: a deleted stream must not answer. */
export async function administeredStream(
  c: HttpContext,
  directory: StreamDirectory,
): Promise<Result<AdministeredStream, Failure>> {
  const name = c.req.param("stream") ?? "";
  const streamId = await directory.idOf(c.env, name);
  if (streamId === null) return fail({ reason: "unknown_stream", stream: name });
  return ok({ name, streamId, object: streamOf(c.env, streamId) });
}

/**
 * The request's JSON, through a schema. No body at all counts as `{}`: everything optional was left out.
 *
 * @param complete adds what the path has already said
 */
export async function parseBody<Schema extends GenericSchema, Reason extends InvalidInput["reason"]>(
  c: HttpContext,
  schema: Schema,
  reason: Reason,
  complete: (input: unknown) => unknown = (input) => input,
): Promise<Result<InferOutput<Schema>, BodyFailure | InvalidInput<Reason>>> {
  const { bodyBytesMax } = INPUT_LIMITS;
  const limits = { bodyBytesMax, inflatedBytesMax: bodyBytesMax };
  const body = await readOptionalJson(c.req.raw, limits);
  return body.ok ? parseInput(schema, complete(body.value), reason) : body;
}

/** The query string's parameters, through a schema. */
export const parseParameters = <Schema extends GenericSchema>(
  c: HttpContext,
  schema: Schema,
): Result<InferOutput<Schema>, InvalidInput<"invalid_request">> => parseInput(schema, c.req.query(), "invalid_request");
