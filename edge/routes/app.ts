/**
 * The worker's HTTP surface: endpoints, and what holds for all of them. Every failure leaves through problem.ts; an error that
 * nobody expected leaves as `internal_error` and says nothing else.
 */
import { Hono } from "hono";
import { healthEndpoints } from "./admin-health.ts";
import { partitionEndpoints } from "./admin-partitions.ts";
import { diffEndpoints } from "./admin-diff.ts";
import { replayEndpoints } from "./admin-replays.ts";
import { streamEndpoints } from "./admin-streams.ts";
import { viewEndpoints } from "./admin-views.ts";
import { adsEndpoints } from "./ads.ts";
import { appendEndpoints } from "./append.ts";
import { authenticateAdmin, presentedKey } from "./authenticate.ts";
import type { Endpoint } from "./endpoint.ts";
import type { App, HttpContext, HttpEnv } from "./http.ts";
import { RETRY_AFTER } from "./limits.ts";
import { liveEndpoints } from "./live.ts";
import { metricsEndpoints } from "./metrics.ts";
import { isUnavailable } from "./objects.ts";
import { openApiEndpoint } from "./openapi.ts";
import { adminOrigins, streamOrigins } from "./origins.ts";
import { problemResponse } from "./problem.ts";
import { queryEndpoints } from "./query.ts";
import { RememberingRouter } from "./router.ts";
import { StreamDirectory } from "./stream-access.ts";
import { systemEndpoints } from "./system.ts";

const described: readonly Endpoint[] = [
  ...systemEndpoints,
  ...appendEndpoints,
  ...queryEndpoints,
  ...liveEndpoints,
  ...adsEndpoints,
  ...streamEndpoints,
  ...viewEndpoints,
  ...replayEndpoints,
  ...diffEndpoints,
  ...partitionEndpoints,
  ...metricsEndpoints,
  ...healthEndpoints,
];

export const endpoints: readonly Endpoint[] = [...described, openApiEndpoint(described)];

export function createApp(): App {
  const directory = new StreamDirectory();
  const app: App = new Hono<HttpEnv>();
  app.router = new RememberingRouter(app.router);
  app.onError(failed);
  app.notFound(() => problemResponse({ reason: "not_found" }));
  app.use(async (c, next) => {
    await next();
    c.res.headers.set("X-Content-Type-Options", "nosniff");
    // Answers change with every click, and some hold a key.
    c.res.headers.set("Cache-Control", "no-store");
  });
  app.use("/v1/streams/:stream/*", streamOrigins(directory));
  app.use("/admin/*", adminOrigins, async (c, next) => {
    const admin = await authenticateAdmin(c.env, presentedKey(c, ["header"]));
    return admin.ok ? next() : problemResponse(admin.failure);
  });
  for (const { method, path, handle } of endpoints) {
    app.on(method, path, async (c) => {
      const result = await handle(c, directory);
      return result.ok ? result.value : problemResponse(result.failure);
    });
  }
  // After all of them: a path that is known, asked by a method that it does not have.
  for (const [path, methods] of methodsByPath()) {
    app.all(path, () => problemResponse({ reason: "method_not_allowed", allowed: methods }));
  }
  return app;
}

function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const byPath = Map.groupBy(endpoints, ({ path }) => path);
  return new Map(Array.from(byPath, ([path, ones]) => [path, ones.flatMap(({ method }) => withHead(method))]));
}

/** Hono answers HEAD by GET. */
const withHead = (method: string): readonly string[] => (method === "GET" ? ["GET", "HEAD"] : [method]);

function failed(error: Error, c: HttpContext): Response {
  // The path alone: a query string may hold a key. Routes are few; a path that holds an ad's id says nothing about anyone.
  console.error(`${c.req.method} ${c.req.path} failed:`, error);
  if (isUnavailable(error)) return problemResponse({ reason: "overloaded", retryAfterMs: RETRY_AFTER.unavailableMs });
  return problemResponse({ reason: "internal_error" });
}
