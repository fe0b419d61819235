/**
 * Redis Streams as a contender: one XADD an event, those of a batch in one pipeline, each write synchronized to the disk
 * before its reply (`appendfsync always`), as durable as the others are.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { freePort, isInstalled, startChild } from "./child.ts";
import type { Click } from "./clicks.ts";
import { type Contender, prepareBatches, type Skipped } from "./contender.ts";
import { Exchange, exchangingClient, type FindReply } from "./socket.ts";

export async function startRedis(folder: string): Promise<Contender | Skipped> {
  const name = "Redis Streams";
  if (!isInstalled("redis-server")) return { name, skipped: "no redis-server on the path" };
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const settings = { port, bind: "127.0.0.1", dir: folder, save: "", appendonly: "yes", appendfsync: "always" };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const child = await startChild("redis-server", args, port, { cwd: join(folder) });
  return {
    name,
    pid: child.pid,
    connect: (load, clicks) =>
      Promise.all(
        Array.from({ length: load.connections }, async (_, i) => {
          const exchange = await Exchange.open(port);
          const batches = prepareBatches(load, clicks, i, (batch) => Buffer.from(batch.map(commandOf).join("")));
          return exchangingClient(exchange, batches, findReplies(load.batch), refuse);
        }),
      ),
    stop: () => child.stop(),
  };
}

const MINUS = "-".charCodeAt(0);

function refuse(reply: Buffer): void {
  if (reply[0] === MINUS) throw new Error(reply.toString());
}

/** An event is one field with its JSON: the cheapest form that a stream can hold it in. */
function commandOf(click: Click): string {
  const parts = ["XADD", "clicks", "*", "e", JSON.stringify(click)];
  return `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join("")}`;
}

/** Each XADD is answered with an id as a bulk string, of two lines; an error takes one. */
function findReplies(count: number): FindReply {
  return (bytes) => {
    let at = 0;
    for (let i = 0; i < count; i++) {
      if (bytes[at] === MINUS) return bytes.indexOf("\r\n", at) < 0 ? 0 : bytes.length;
      const first = bytes.indexOf("\r\n", at);
      const second = first < 0 ? -1 : bytes.indexOf("\r\n", first + 2);
      if (second < 0) return 0;
      at = second + 2;
    }
    return at;
  };
}
