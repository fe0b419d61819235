/**
 * CORS: which pages may read the answers of which routes. Origins are hygiene, the key is what counts: whoever is no browser
 * sends any Origin it likes, or none.
 *
 * The headers are set after the route has answered, so that errors have them too: a page that cannot read its 429 cannot
 * wait as it was told to.
 */
import type { MiddlewareHandler } from "hono";
import type { HttpContext, HttpEnv } from "./http.ts";
import { problemResponse } from "./problem.ts";
import type { StreamDirectory } from "./stream-access.ts";

const PREFLIGHT_MAX_AGE_S = 24 * 60 * 60;
const ALLOWED_HEADERS = "Authorization, Content-Type, Content-Encoding, Idempotency-Key";
const ALLOWED_METHODS = "GET, HEAD, POST";

/**
 * For everything below /v1/streams/:stream. Whether a foreign origin is refused is the route's decision (appends do); this
 * finds out, and says so to the browser.
 */
export function streamOrigins(directory: StreamDirectory): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const origin = c.req.header("Origin");
    const allowed = origin === undefined || (await isAllowed(c, directory, origin));
    if (origin !== undefined && !allowed) c.set("foreignOrigin", origin);
    if (c.req.method === "OPTIONS") c.res = preflight(origin, allowed);
    else await next();
    c.res.headers.append("Vary", "Origin");
    if (origin !== undefined && allowed) allow(c.res.headers, origin);
  };
}

/** For /admin: no page of another origin, whatever it knows. */
export const adminOrigins: MiddlewareHandler<HttpEnv> = async (c, next) => {
  const origin = c.req.header("Origin");
  if (origin !== undefined && !isOwn(c, origin)) return problemResponse({ reason: "origin_not_allowed", origin });
  await next();
};

async function isAllowed(c: HttpContext, directory: StreamDirectory, origin: string): Promise<boolean> {
  if (isOwn(c, origin)) return true;
  const access = await directory.forAppend(c.env, c.req.param("stream") ?? "");
  c.set("access", access);
  const origins = access?.context.allowedOrigins ?? [];
  return origins.includes("*") || origins.includes(origin);
}

const isOwn = (c: HttpContext, origin: string): boolean => origin === new URL(c.req.url).origin;

function preflight(origin: string | undefined, allowed: boolean): Response {
  if (origin !== undefined && !allowed) return problemResponse({ reason: "origin_not_allowed", origin });
  return new Response(null, {
    status: 204,
    headers: {
      "Access-Control-Allow-Methods": ALLOWED_METHODS,
      "Access-Control-Allow-Headers": ALLOWED_HEADERS,
      "Access-Control-Max-Age": String(PREFLIGHT_MAX_AGE_S),
    },
  });
}

function allow(headers: Headers, origin: string): void {
  headers.set("Access-Control-Allow-Origin", origin);
  headers.set("Access-Control-Expose-Headers", "Retry-After");
}
