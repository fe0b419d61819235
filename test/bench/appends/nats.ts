/**
 * NATS JetStream as a contender: a stream in files, one message an event, those of a batch published in one go, each with an
 * acknowledgement of its own. Less durable than the others: it acknowledges what it has written, and synchronizes with the disk
 * every two minutes.
 */
import { mkdirSync } from "node:fs";
import { freePort, isInstalled, startChild } from "./child.ts";
import { type Contender, prepareBatches, type Skipped } from "./contender.ts";
import { Exchange, exchangingClient, type FindReply } from "./socket.ts";

const STREAM = { name: "CLICKS", subjects: ["clicks"], storage: "file" };
const CONNECT = `CONNECT {"verbose":false,"pedantic":false}\r\n`;

export async function startNats(folder: string): Promise<Contender | Skipped> {
  const name = "NATS JetStream, not synchronized";
  if (!isInstalled("nats-server")) return { name, skipped: "no nats-server on the path" };
  const port = await freePort();
  mkdirSync(folder, { recursive: true });
  const args = ["--addr", "127.0.0.1", "--port", String(port), "--jetstream", "--store_dir", folder];
  const child = await startChild("nats-server", args, port);
  const { exchange: setup, inbox } = await open(port, "setup");
  const created = await setup.request([publish(`$JS.API.STREAM.CREATE.${STREAM.name}`, inbox, STREAM)], findReplies(1));
  refuse(created);
  setup.close();
  return {
    name,
    pid: child.pid,
    connect: (load, clicks) =>
      Promise.all(
        Array.from({ length: load.connections }, async (_, i) => {
          const { exchange, inbox: acknowledged } = await open(port, String(i));
          const batches = prepareBatches(load, clicks, i, (batch) =>
            Buffer.from(batch.map((click) => publish("clicks", acknowledged, click)).join("")),
          );
          return exchangingClient(exchange, batches, findReplies(load.batch), refuse);
        }),
      ),
    stop: () => child.stop(),
  };
}

/** A connection, and the subject on which it hears replies. */
async function open(port: number, client: string): Promise<{ exchange: Exchange; inbox: string }> {
  const exchange = await Exchange.open(port);
  const inbox = `_INBOX.${client}`;
  await exchange.request([CONNECT, `SUB ${inbox} 1\r\nPING\r\n`], (bytes) => {
    const pong = bytes.indexOf("PONG\r\n");
    return pong < 0 ? 0 : pong + 6;
  });
  return { exchange, inbox };
}

function publish(subject: string, reply: string, payload: object): string {
  const text = JSON.stringify(payload);
  return `PUB ${subject} ${reply} ${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** Messages, each a line with its length at the end, and its text; other lines, like the server's PING, are passed over. */
function findReplies(count: number): FindReply {
  return (bytes) => {
    let at = 0;
    for (let found = 0; found < count;) {
      const end = bytes.indexOf("\r\n", at);
      if (end < 0) return 0;
      const line = bytes.toString("latin1", at, end);
      if (line.startsWith("-ERR")) return bytes.length;
      at = end + 2;
      if (!line.startsWith("MSG ")) continue;
      at += Number(line.slice(line.lastIndexOf(" ") + 1)) + 2;
      if (at > bytes.length) return 0;
      found += 1;
    }
    return at;
  };
}

function refuse(reply: Buffer): void {
  if (reply.includes("-ERR") || reply.includes('"error"')) throw new Error(reply.toString());
}
