/**
 * Headwater as a contender: the public HTTP API, one producer a connection, one partition, the view that every new stream
 * has. What is measured is all of it: authenticate, parse, admit, append, count.
 */
import { setTimeout as delay } from "node:timers/promises";
import { SEND_LIMITS } from "../../../sdk/limits.ts";
import { StreamClient } from "../../support/api.ts";
import { type Server, startServer } from "../../support/server.ts";
import { type Client, type Contender, NO_REFUSALS, prepareBatches } from "./contender.ts";
import { ADMIN_TOKEN, startWorkerd } from "./raw-workerd.ts";
import { Exchange, findResponse, statusOf, textOf } from "./socket.ts";

export interface Headwater extends Contender {
  readonly stream: StreamClient;
}

/** On raw workerd. @param bundle the built worker  @param folder for its storage, removed by the caller */
export async function startHeadwater(name: string, kind: Kind, bundle: string, folder: string): Promise<Headwater> {
  const workerd = await startWorkerd(bundle, folder);
  return contenderOn({ ...workerd, adminToken: ADMIN_TOKEN }, name, kind);
}

/** Under `wrangler dev`, as `npm start` runs it: with its proxy in front. @param folder as above */
export async function startHeadwaterDev(name: string, kind: Kind, folder: string): Promise<Headwater> {
  return contenderOn(await startServer({ persistTo: folder }), name, kind);
}

type Kind = "import" | "write";
type Running = Pick<Server, "url" | "adminToken" | "pid" | "stop">;

async function contenderOn(server: Running, name: string, kind: Kind): Promise<Headwater> {
  const stream = await StreamClient.create(server, "clicks", { partitions: 1, identifiers: ["userId"] });
  const port = Number(new URL(server.url).port);
  const connect = connectProducers(port, "/v1/streams/clicks/events", stream.keys[kind]);
  return { name, pid: server.pid, stream, connect, stored: () => recordsIn(stream), stop: () => server.stop() };
}

/** Connects clients that speak HTTP, each a producer of its own with sequences that go on. */
export function connectProducers(port: number, path: string, key: string): Contender["connect"] {
  let producers = 0;
  const head = `POST ${path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\nContent-Length: `;
  return (load, clicks) =>
    Promise.all(
      Array.from({ length: load.connections }, async (_, i) => {
        const events = prepareBatches(load, clicks, i, (batch) => Buffer.from(`${JSON.stringify(batch)}}`));
        const producer = `{"producer":{"id":"bench-${producers++}","sequence":`;
        return new Producer(await Exchange.open(port), head, producer, events, load.batch);
      }),
    );
}

/** One producer with one batch in flight, as the browser SDK sends them. */
class Producer implements Client {
  readonly #exchange: Exchange;
  readonly #head: string;
  readonly #producer: string;
  readonly #events: readonly Buffer[];
  readonly #batch: number;
  #sent = 0;

  constructor(exchange: Exchange, head: string, producer: string, events: readonly Buffer[], batch: number) {
    this.#exchange = exchange;
    this.#head = head;
    this.#producer = producer;
    this.#events = events;
    this.#batch = batch;
  }

  async send(): Promise<readonly string[]> {
    const events = this.#events[this.#sent % this.#events.length] as Buffer;
    const start = `${this.#producer}${this.#sent * this.#batch}},"events":`;
    const request = `${this.#head}${start.length + events.length}\r\n\r\n${start}`;
    let refusals = NO_REFUSALS;
    for (;;) {
      const response = await this.#exchange.request([request, events], findResponse);
      if (statusOf(response) === 200) break;
      const code = await comeBackLater(response);
      refusals = [...refusals, code];
    }
    this.#sent += 1;
    return refusals;
  }

  close(): void {
    this.#exchange.close();
  }
}

/** Refusals after which the SDK sends the same batch again, when it is told to: nothing of it was kept. */
const PASSING: readonly string[] = ["overloaded", "rate_limited"];

/** As the SDK does: what was asked for, and some more, so that clients that were refused together do not come back together. */
async function comeBackLater(response: Buffer): Promise<string> {
  const { code = "", retryAfterMs = 0 } = problemOf(response);
  if (!PASSING.includes(code)) throw new Error(`${statusOf(response)} ${textOf(response)}`);
  await delay(retryAfterMs + Math.random() * SEND_LIMITS.backoffFirstMs);
  return code;
}

function problemOf(response: Buffer): { readonly code?: string; readonly retryAfterMs?: number } {
  try {
    return JSON.parse(textOf(response)) as { code?: string; retryAfterMs?: number };
  } catch {
    return {}; // not Headwater's own answer
  }
}

async function recordsIn(stream: StreamClient): Promise<number> {
  const { status, body } = await stream.admin<{ partitions: { logEnd: number }[] }>("GET");
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  return body.partitions.reduce((sum, { logEnd }) => sum + logEnd, 0);
}
