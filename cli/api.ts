/** A client of the public HTTP API: one call, its failures in words, and patience for those that pass. */
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import { ProblemSchema } from "#protocol";
import { type Environment, type KeyKind, keyOf, streamOf, type StreamFlags, urlOf } from "./connection.ts";
import { ApiProblem, Unreachable } from "./failure.ts";
import { HTTP_LIMITS } from "./limits.ts";

export interface Request {
  readonly method?: "GET" | "POST" | "PUT";
  readonly body?: object;
  readonly accept?: string;
  readonly signal?: AbortSignal;
}

export class Api {
  readonly #url: string;
  readonly #env: Environment;

  constructor(flags: { readonly url?: string }, env: Environment) {
    this.#url = urlOf(flags, env);
    this.#env = env;
  }

  /** The answer's text and headers, once it is a good one. */
  async send(path: string, kind: KeyKind, { method = "GET", body, accept, signal }: Request = {}) {
    const headers: Record<string, string> = { Authorization: `Bearer ${keyOf(kind, this.#env)}` };
    if (accept !== undefined) headers.Accept = accept;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const patience = AbortSignal.timeout(HTTP_LIMITS.timeoutMs);
    const init: RequestInit = { method, headers, signal: signal ? AbortSignal.any([signal, patience]) : patience };
    if (body !== undefined) init.body = JSON.stringify(body);
    const { response, text } = await this.#fetch(path, init, signal);
    if (!response.ok) throw problemOf(this.#url, response, text);
    return { text, headers: response.headers };
  }

  /** The answer as JSON that a schema accepts. */
  async call<T>(path: string, kind: KeyKind, schema: v.GenericSchema<unknown, T>, request?: Request): Promise<T> {
    const { text } = await this.send(path, kind, request);
    const parsed = v.safeParse(schema, readJson(text));
    if (parsed.success) return parsed.output;
    const where = v.getDotPath(parsed.issues[0]) ?? "its body";
    throw new ApiProblem(200, "unexpected_answer", `${this.#url}${path} answers, but not as Headwater does (${where})`);
  }

  /** The same for what may be asked again: what passes, a restart or a deploy, is waited for. */
  async callPatiently<T>(path: string, kind: KeyKind, schema: v.GenericSchema<unknown, T>, signal: AbortSignal) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.call(path, kind, schema, { signal });
      } catch (error) {
        if (attempt >= HTTP_LIMITS.attemptsMax || signal.aborted || !passes(error)) throw error;
        const asked = error instanceof ApiProblem ? (error.retryAfterMs ?? 0) : 0;
        const backoffMs = Math.max(asked, HTTP_LIMITS.backoffMinMs * 2 ** attempt);
        await delay(Math.min(backoffMs, HTTP_LIMITS.backoffMaxMs), undefined, { signal });
      }
    }
  }

  async #fetch(path: string, init: RequestInit, signal: AbortSignal | undefined) {
    try {
      const response = await fetch(this.#url + path, init);
      return { response, text: await response.text() };
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new Unreachable(`no answer from ${this.#url} (${reasonOf(error)})`);
    }
  }
}

/** One stream of it. */
export class StreamApi extends Api {
  readonly stream: string;

  constructor(flags: StreamFlags, env: Environment) {
    super(flags, env);
    this.stream = streamOf(flags, env);
  }

  /** A path below the stream's administration. */
  admin(path = ""): string {
    return `/admin/streams/${encodeURIComponent(this.stream)}${path}`;
  }

  /** A path below the stream's public face. */
  public(path: string): string {
    return `/v1/streams/${encodeURIComponent(this.stream)}${path}`;
  }
}

const passes = (error: unknown): boolean =>
  error instanceof Unreachable || (error instanceof ApiProblem && (error.status >= 500 || error.status === 429));

function problemOf(url: string, response: Response, text: string): ApiProblem {
  const problem = v.safeParse(ProblemSchema, readJson(text));
  if (problem.success) {
    const { code, detail, retryAfterMs } = problem.output;
    return new ApiProblem(response.status, code, detail ?? `status ${response.status}`, retryAfterMs);
  }
  return new ApiProblem(
    response.status,
    "unexpected_answer",
    `${url} answered ${response.status}, not as Headwater does`,
  );
}

/** `fetch` says "fetch failed"; what failed is one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `none within ${HTTP_LIMITS.timeoutMs / 1000} s`;
  const { cause } = error;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return error.message;
}

/** undefined: not JSON, as from a proxy in between. */
function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
