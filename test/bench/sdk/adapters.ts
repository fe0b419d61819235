/**
 * Whom Headwater is measured beside, each with its default configuration: its page is `peers/<id>.js`, and here stands what
 * its server would say. A tracked event carries its id once, whatever the envelope; `textOf` undoes the envelope.
 */
import { gunzipSync } from "node:zlib";
import { EdgeStub } from "../../support/edge-stub.ts";

/** A request as it came, undecoded. */
export interface Incoming {
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
}

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Adapter {
  readonly id: string;
  readonly name: string;
  /** The package, as npm knows it; undefined for Headwater itself. */
  readonly package?: string;
  /** The text in which the ids stand. By default the body, unpacked if it is gzip. */
  readonly textOf?: (incoming: Incoming) => string;
  /** What this one's server answers; a fresh function for every run, as it may remember. */
  readonly server: () => Server;
}

export interface Server {
  answer(incoming: Incoming): Answer | Promise<Answer>;
  /** How often each event was counted after deduplication, where this server does that. */
  counted?(): Promise<ReadonlyMap<string, number>>;
}

const json = (value: unknown, status = 200): Answer => ({
  status,
  type: "application/json",
  body: JSON.stringify(value),
});
const text = (body: string, status = 200, type = "text/plain"): Answer => ({ status, type, body });
const always = (answer: (incoming: Incoming) => Answer) => (): Server => ({ answer });

export const plain = ({ body }: Incoming): string =>
  (body[0] === 0x1f && body[1] === 0x8b ? gunzipSync(body) : body).toString();

/** A form of one field with base64 of JSON in it. */
const base64Form = (incoming: Incoming): string => {
  const data = new URLSearchParams(plain(incoming)).get("data") ?? "";
  return data.startsWith("[") || data.startsWith("{") ? data : Buffer.from(data, "base64").toString();
};

/** The real parser and the real admission, so that what the edge counts is what the edge would count. */
function headwaterEdge(): Server {
  const edge = new EdgeStub();
  return {
    answer: async ({ method, url, body }) => {
      const reply = await edge.forward({ method, url, headers: {}, body: body.toString() });
      return { status: reply.status, type: reply.headers["Content-Type"] ?? "text/plain", body: reply.body };
    },
    counted: () => edge.counted(),
  };
}

const segmentSettings = (url: URL) => ({
  integrations: { "Segment.io": { apiKey: "bench", apiHost: `${url.host}/v1`, protocol: "http" } },
});

const RUDDER_SOURCE = {
  source: {
    id: "source",
    name: "bench",
    writeKey: "bench",
    enabled: true,
    workspaceId: "workspace",
    config: { statsCollection: { errors: { enabled: false }, metrics: { enabled: false } } },
    connections: [],
    destinations: [],
    dataplanes: {},
  },
  updatedAt: "2026-01-01T00:00:00.000Z",
};

const POSTHOG_CONFIG = { supportedCompression: ["gzip", "gzip-js"], hasFeatureFlags: false, siteApps: [] };
const posthogAnswer = ({ url }: Incoming): Answer => {
  if (url.pathname.endsWith("/config.js")) {
    const script = `(window._POSTHOG_REMOTE_CONFIG ??= {}).phc_bench = { config: ${JSON.stringify(POSTHOG_CONFIG)}, siteApps: [] };`;
    return text(script, 200, "text/javascript");
  }
  if (url.pathname.endsWith("/config")) return json(POSTHOG_CONFIG);
  if (url.pathname.startsWith("/flags")) return json({ featureFlags: {}, featureFlagPayloads: {} });
  return json({ status: "Ok" });
};

export const ADAPTERS: readonly Adapter[] = [
  { id: "headwater", name: "Headwater", server: headwaterEdge },
  {
    id: "snowplow",
    name: "Snowplow",
    package: "@snowplow/browser-tracker",
    server: always(() => text("ok")),
  },
  {
    id: "segment",
    name: "Segment",
    package: "@segment/analytics-next",
    server: always(({ method, url }) => json(method === "GET" ? segmentSettings(url) : { success: true })),
  },
  { id: "posthog", name: "PostHog", package: "posthog-js", server: always(posthogAnswer) },
  {
    id: "amplitude",
    name: "Amplitude",
    package: "@amplitude/analytics-browser",
    server: always(({ method, body }) =>
      method === "GET"
        ? json({ configs: {} })
        : json({ code: 200, events_ingested: 1, payload_size_bytes: body.length, server_upload_time: 1 }),
    ),
  },
  {
    id: "mixpanel",
    name: "Mixpanel",
    package: "mixpanel-browser",
    textOf: base64Form,
    server: always(() => json({ status: 1, error: null })),
  },
  {
    id: "rudderstack",
    name: "RudderStack",
    package: "@rudderstack/analytics-js",
    server: always(({ method }) => (method === "GET" ? json(RUDDER_SOURCE) : text("OK"))),
  },
  {
    id: "plausible",
    name: "Plausible",
    package: "@plausible-analytics/tracker",
    server: always(() => text("ok", 202)),
  },
  {
    id: "plausible-old",
    name: "plausible-tracker",
    package: "plausible-tracker",
    server: always(() => text("ok", 202)),
  },
];
