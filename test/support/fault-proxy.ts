/**
 * What can go wrong between a browser and an edge, on demand: an HTTP server that hands requests to an edge, or does to them
 * what its mode says. The edge may be a function in this process, or a server somewhere (`forwardTo`).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Request {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export type Forward = (request: Request) => Promise<Reply>;

export type Fault =
  /** Everything works. */
  | "none"
  /** The connection is cut before the edge has seen anything. */
  | "drop before"
  /** The edge does its work, and its reply is lost. */
  | "drop after"
  /** No answer, ever; the edge has seen nothing. */
  | "hang"
  /** An edge that is overloaded. */
  | "503"
  /** An edge that asks for a second. */
  | "429"
  /** The edge works, but half a second away. */
  | "slow";

export class FaultProxy {
  readonly #server: Server;
  readonly #forward: Forward;
  #fault: Fault = "none";
  #faultsLeft = Infinity;
  /** Requests for appends that arrived, whatever became of them. */
  requests = 0;

  private constructor(forward: Forward) {
    this.#forward = forward;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(forward: Forward): Promise<FaultProxy> {
    const proxy = new FaultProxy(forward);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** @param times how many requests it befalls; after them, everything works again */
  fail(fault: Fault, times = Infinity): void {
    this.#fault = fault;
    this.#faultsLeft = times;
    // What hangs now would otherwise hang on in the new world, too.
    this.#server.closeAllConnections();
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await read(incoming, this.url);
    const fault = request.method === "POST" ? this.#nextFault() : "none";
    if (request.method === "POST") this.requests++;
    switch (fault) {
      case "drop before":
        return void response.destroy();
      case "hang":
        return;
      case "503":
        return write(response, refusal(503, "overloaded"));
      case "429":
        return write(response, refusal(429, "rate_limited"));
      case "slow":
        await new Promise((resolve) => setTimeout(resolve, 500));
        break;
      case "drop after":
        await this.#forward(request);
        return void response.destroy();
      case "none":
        break;
    }
    write(response, await this.#forward(request));
  }

  #nextFault(): Fault {
    if (this.#faultsLeft <= 0) return "none";
    this.#faultsLeft--;
    return this.#fault;
  }
}

/** Hands requests on to a server, as the browser made them. */
export const forwardTo =
  (origin: string): Forward =>
  async ({ method, url, headers, body }) => {
    const { host: _, connection: __, "content-length": ___, ...rest } = headers;
    const target = new URL(url.pathname + url.search, origin);
    const response = await fetch(target, { method, headers: rest, ...(method === "POST" && { body }) });
    const { "content-encoding": ____, "content-length": _____, ...replied } = Object.fromEntries(response.headers);
    return { status: response.status, headers: replied, body: await response.text() };
  };

async function read(incoming: IncomingMessage, base: string): Promise<Request> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method ?? "GET",
    url: new URL(incoming.url ?? "/", base),
    headers: incoming.headers as Record<string, string>,
    body: Buffer.concat(chunks).toString(),
  };
}

function write(response: ServerResponse, { status, headers, body }: Reply): void {
  response.writeHead(status, headers).end(body);
}

const refusal = (status: number, code: string): Reply => ({
  status,
  headers: {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Retry-After",
    "Content-Type": "application/problem+json",
    "Retry-After": "1",
  },
  body: JSON.stringify({ code, detail: code, status, retryAfterMs: 1_000 }),
});
