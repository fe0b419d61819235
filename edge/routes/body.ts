/**
 * Reading a body that somebody else wrote: bounded before it is read, while it is read, and while it is inflated.
 *
 * Inflating goes through node:zlib, which stops at a length. DecompressionStream would not do: it has no backpressure, and a
 * 200 KB bomb takes 290 MB although nobody reads it.
 */
import { gunzipSync } from "node:zlib";
import { fail, ok, type Result } from "#protocol";

export interface BodyLimits {
  /** Bytes of a compressed body. */
  readonly bodyBytesMax: number;
  /** Bytes of the JSON, after inflating or as it was sent. */
  readonly inflatedBytesMax: number;
}

export type BodyFailure =
  | { readonly reason: "unsupported_media_type"; readonly detail: string }
  | { readonly reason: "too_large"; readonly max: number; readonly detail: string }
  | { readonly reason: "invalid_json"; readonly detail: string };

/** `text/plain` is what a page can send without a preflight, and what sendBeacon makes of a string. */
export const JSON_TYPES: readonly string[] = ["application/json", "text/plain"];

/** What goes wrong with a body before anybody has looked at what it says. */
export const BODY_FAILURES: readonly BodyFailure["reason"][] = ["invalid_json", "too_large", "unsupported_media_type"];

/**
 * A request's JSON, or `{}` if it has no body. That a body is missing shows only when it is read: a proxy may pass on an
 * empty stream.
 */
export async function readOptionalJson(request: Request, limits: BodyLimits): Promise<Result<unknown, BodyFailure>> {
  if (request.headers.has("Content-Type")) return readJson(request, limits);
  const body = await readBytes(request, limits.bodyBytesMax);
  if (!body.ok) return body;
  return body.value.byteLength === 0 ? ok({}) : fail(NOT_JSON);
}

/** A request's JSON. */
export async function readJson(request: Request, limits: BodyLimits): Promise<Result<unknown, BodyFailure>> {
  const type = request.headers.get("Content-Type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === undefined || !JSON_TYPES.includes(type)) {
    return fail(NOT_JSON);
  }
  const encoding = request.headers.get("Content-Encoding")?.trim().toLowerCase() ?? "identity";
  if (encoding !== "identity" && encoding !== "gzip") {
    return fail({ reason: "unsupported_media_type", detail: "the only Content-Encoding taken is gzip" });
  }
  const body = await readBytes(request, encoding === "gzip" ? limits.bodyBytesMax : limits.inflatedBytesMax);
  if (!body.ok) return body;
  const json = encoding === "gzip" ? inflate(body.value, limits.inflatedBytesMax) : body;
  return json.ok ? parseJson(json.value) : json;
}

async function readBytes(request: Request, max: number): Promise<Result<Uint8Array, BodyFailure>> {
  // What is said to be too long is not read; what says nothing (chunked) is counted while it comes.
  if (Number(request.headers.get("Content-Length") ?? 0) > max) return tooLarge(max);
  if (request.body === null) return ok(new Uint8Array(0));
  // HTTP holds a body to the length that it says. Checked all the same: a request need not have come by HTTP.
  if (request.headers.has("Content-Length")) {
    const whole = new Uint8Array(await request.arrayBuffer());
    return whole.byteLength > max ? tooLarge(max) : ok(whole);
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > max) {
      await reader.cancel();
      return tooLarge(max);
    }
    chunks.push(value);
  }
  return ok(chunks.length === 1 ? (chunks[0] as Uint8Array) : join(chunks, length));
}

function join(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function inflate(bytes: Uint8Array, max: number): Result<Uint8Array, BodyFailure> {
  try {
    return ok(gunzipSync(bytes, { maxOutputLength: max }));
  } catch (error) {
    // Not an exception of ours: zlib's way of saying that it reached the bound (Node adds a code to it, workerd does not),
    // or that this is no gzip.
    if (error instanceof RangeError) return tooLarge(max);
    return fail({ reason: "invalid_json", detail: "the body is not valid gzip" });
  }
}

function parseJson(bytes: Uint8Array): Result<unknown, BodyFailure> {
  try {
    return ok(JSON.parse(utf8.decode(bytes)));
  } catch {
    // The parser's own message quotes the body, which may hold what does not belong into an answer or a log.
    return fail({ reason: "invalid_json", detail: "the body is not valid JSON in UTF-8" });
  }
}

/** Keeps no state between two whole texts. */
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });

const NOT_JSON = { reason: "unsupported_media_type" as const, detail: `send JSON as ${JSON_TYPES.join(" or ")}` };

const tooLarge = (max: number) => fail({ reason: "too_large" as const, max, detail: `at most ${max} bytes` });
