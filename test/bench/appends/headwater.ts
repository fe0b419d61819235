/**
 * Headwater as a contender: the public HTTP API, one producer a connection, one partition, the view that every new stream
 * has. What is measured is all of it: authenticate, parse, admit, append, count.
 */
import { setTimeout as delay } from "node:timers/promises";
import { StreamClient } from "../../support/api.ts";
import { type Client, type Contender, prepareBatches } from "./contender.ts";
import { ADMIN_TOKEN, startWorkerd } from "./raw-workerd.ts";
import { Exchange, findResponse, statusOf, textOf } from "./socket.ts";

export interface Headwater extends Contender {
  readonly stream: StreamClient;
}

/** @param bundle the built worker  @param folder for its storage, removed by the caller */
export async function startHeadwater(
  name: string,
  kind: "import" | "write",
  bundle: string,
  folder: string,
): Promise<Headwater> {
  const workerd = await startWorkerd(bundle, folder);
  const server = { url: workerd.url, adminToken: ADMIN_TOKEN };
  const stream = await StreamClient.create(server, "clicks", { partitions: 1, identifiers: ["userId"] });
  const connect = connectProducers(workerd.port, "/v1/streams/clicks/events", stream.keys[kind]);
  return { name, pid: workerd.pid, stream, connect, stop: () => workerd.stop() };
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

  async send(): Promise<void> {
    const events = this.#events[this.#sent % this.#events.length] as Buffer;
    const start = `${this.#producer}${this.#sent * this.#batch}},"events":`;
    const request = `${this.#head}${start.length + events.length}\r\n\r\n${start}`;
    for (;;) {
      const response = await this.#exchange.request([request, events], findResponse);
      if (statusOf(response) === 200) break;
      // More waits than a partition holds in memory: it says when to come back, and what that costs counts.
      const { code, retryAfterMs } = JSON.parse(textOf(response)) as { code?: string; retryAfterMs?: number };
      if (code !== "overloaded") throw new Error(`${statusOf(response)} ${textOf(response)}`);
      await delay(retryAfterMs ?? 0);
    }
    this.#sent += 1;
  }

  close(): void {
    this.#exchange.close();
  }
}

/** The last check of a run: all that was acknowledged is in the log. */
export async function recordsIn(stream: StreamClient): Promise<number> {
  const { body } = await stream.admin<{ partitions: { logEnd: number }[] }>("GET");
  return body.partitions.reduce((sum, { logEnd }) => sum + logEnd, 0);
}
