/**
 * What an endpoint is: where it answers, what it takes and gives, and who may ask. The app registers endpoints from this
 * and /openapi.json describes them from this, so that the two cannot disagree.
 */
import type { GenericSchema, ObjectEntries } from "valibot";
import type { Result } from "#protocol";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import type { StreamDirectory } from "./stream-access.ts";

export interface Endpoint {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** With parameters as Hono writes them: `/v1/streams/:stream/events`. */
  readonly path: string;
  readonly summary: string;
  /** The key that it takes: none, a writing one, a reading one, or ADMIN_TOKEN. */
  readonly access: "open" | "append" | "read" | "admin";
  /** Query parameters. */
  readonly parameters?: ObjectEntries;
  /** Headers with a meaning of their own, beside those of HTTP that every endpoint heeds. */
  readonly headers?: ObjectEntries;
  /** The body of the request, JSON. Brings the failures of bodies with it. */
  readonly body?: GenericSchema;
  /** By status. */
  readonly answers: { readonly [status: number]: Answer };
  /** Codes of the errors that are its own, beside those that everything can answer with. */
  readonly failures: readonly Failure["reason"][];
  readonly handle: (c: HttpContext, directory: StreamDirectory) => Promise<Result<Response, Failure>>;
}

export interface Answer {
  readonly description: string;
  /** JSON; absent: no body, or the types below. */
  readonly schema?: GenericSchema;
  /** Other media types in which it comes. */
  readonly otherTypes?: readonly string[];
}
