/** One request to the edge, and what came back. Lacks judgement (verdict.ts) and patience (producer.ts). */
import { SEND_LIMITS } from "./limits.ts";

/** What an attempt led to. `status` 0: nothing came back, and nobody knows whether anything was kept. */
export interface Answer {
  readonly status: number;
  readonly body: string;
  /** The Retry-After header, as it stands. */
  readonly retryAfter: string | null;
}

export type Send = (body: string) => Promise<Answer>;

export interface Destination {
  readonly endpoint: string;
  readonly stream: string;
  readonly writeKey: string;
}

/** The key stands in the URL: an Authorization header would cost every page a preflight. */
export const appendUrl = ({ endpoint, stream, writeKey }: Destination): string =>
  `${endpoint.replace(/\/+$/, "")}/v1/streams/${encodeURIComponent(stream)}/events?key=${encodeURIComponent(writeKey)}`;

/**
 * A request that needs no preflight: text/plain is CORS-safelisted, and at hide time a preflight could not finish.
 *
 * @param keepalive lets the request outlive the page. Browsers honour it from a window only, not from a worker
 */
export const requestInit = (body: string, keepalive: boolean): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": "text/plain;charset=UTF-8" },
  body,
  keepalive,
  credentials: "omit",
  cache: "no-store",
  // Clicks must never compete with what the page itself loads.
  priority: "low",
});

/** Reads every reply to its end: an unread body holds its connection, and its share of the keepalive budget. */
export async function readAnswer(response: Response): Promise<Answer> {
  return {
    status: response.status,
    body: await response.text(),
    retryAfter: response.headers.get("Retry-After"),
  };
}

/** Sends with `fetch`. Never rejects. */
export function createSend(destination: Destination): Send {
  const url = appendUrl(destination);
  return async (body) => {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), SEND_LIMITS.requestMaxMs);
    try {
      return await readAnswer(await fetch(url, { ...requestInit(body, false), signal: timeout.signal }));
    } catch (error) {
      return { status: 0, body: timeout.signal.aborted ? "no answer in time" : String(error), retryAfter: null };
    } finally {
      clearTimeout(timer);
    }
  };
}
