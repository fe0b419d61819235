/**
 * What trackers send to: a server on an origin of its own, with real preflights, that counts how often each event's id came
 * over the wire and does to requests what its fault says. What a tracker's own server would answer is the adapter's to know.
 */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Adapter, type Incoming, plain, type Server } from "./adapters.ts";

/** `down`: connections are cut, preflights too. `replies lost`: taken and counted, then the connection is cut. */
export type Fault = "none" | "down" | "replies lost";

const ID = /\bev-[0-9a-z]+-\d+\b/g;
let cells = 0;

export class Collector {
  /** How often each event came over the wire. */
  readonly seen = new Map<string, number>();
  readonly server: Server;
  preflightMs = 0;
  readonly #adapter: Adapter;
  readonly #http: HttpServer;
  readonly #prefix = `ev-${(cells++).toString(36)}-`;
  #issued = 0;
  #fault: Fault = "none";
  #faultsLeft = Infinity;

  private constructor(adapter: Adapter) {
    this.#adapter = adapter;
    this.server = adapter.server();
    this.#http = createServer((request, response) => {
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(adapter: Adapter): Promise<Collector> {
    const collector = new Collector(adapter);
    await new Promise<void>((resolve) => collector.#http.listen(0, "127.0.0.1", resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  newIds(count: number): string[] {
    return Array.from({ length: count }, () => `${this.#prefix}${this.#issued++}`);
  }

  /** @param times how many requests with events it befalls; after them, everything works again */
  fail(fault: Fault, times = Infinity): void {
    this.#fault = fault;
    this.#faultsLeft = times;
  }

  async stop(): Promise<void> {
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const incoming = await read(request, this.url);
    if (this.#fault === "down") return void response.destroy();
    const headers = corsHeaders(request);
    if (incoming.method === "OPTIONS") {
      await new Promise((resolve) => setTimeout(resolve, this.preflightMs));
      return void response.writeHead(204, headers).end();
    }
    const ids = (this.#adapter.textOf ?? plain)(incoming).match(ID) ?? [];
    for (const id of ids) this.seen.set(id, (this.seen.get(id) ?? 0) + 1);
    const { status, type, body } = await this.server.answer(incoming);
    if (ids.length > 0 && this.#fault === "replies lost" && this.#faultsLeft-- > 0) return void response.destroy();
    response.writeHead(status, { ...headers, "Content-Type": type }).end(body);
  }
}

async function read(request: IncomingMessage, base: string): Promise<Incoming> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return { method: request.method ?? "GET", url: new URL(request.url ?? "/", base), body: Buffer.concat(chunks) };
}

/** Any origin, with credentials: some trackers send cookies. */
function corsHeaders({ headers }: IncomingMessage): Record<string, string> {
  return {
    "Access-Control-Allow-Origin": headers.origin ?? "*",
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": headers["access-control-request-headers"] ?? "*",
    "Access-Control-Expose-Headers": "Retry-After",
    "Cross-Origin-Resource-Policy": "cross-origin",
    Vary: "Origin",
  };
}
