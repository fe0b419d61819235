/**
 * What one would build instead: PostgreSQL behind a Node HTTP server that takes the same JSON with the same key, and makes
 * one INSERT of each request. A process of its own, as Headwater's Worker is.
 *
 * As a program: `postgres-front.ts PORT POSTGRES_PORT KEY`.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { freePort, startChild } from "./child.ts";
import type { Click } from "./clicks.ts";
import { type Contender, prepareBatches } from "./contender.ts";
import { execution, type PgConnection } from "./pg-wire.ts";
import { INSERT, openPostgres, parametersOf } from "./postgres.ts";
import { Exchange, exchangingClient, findResponse, statusOf, textOf } from "./socket.ts";

const KEY = "bench-front-key";
/** Connections to PostgreSQL: what its users mostly set; more of them were no faster. */
const POOL = 16;

export async function startPostgresFront(postgresPort: number): Promise<Contender> {
  const port = await freePort();
  const self = fileURLToPath(import.meta.url);
  const child = await startChild(process.execPath, [self, String(port), String(postgresPort), KEY], port);
  return {
    name: "PostgreSQL behind Node HTTP",
    pid: child.pid,
    takes: ({ batch }) => batch === 1,
    connect: (load, clicks) =>
      Promise.all(
        Array.from({ length: load.connections }, async (_, i) => {
          const exchange = await Exchange.open(port);
          const requests = prepareBatches(load, clicks, i, (events, n) => {
            const body = JSON.stringify({ producer: { id: `bench-${i}`, sequence: n }, events });
            return Buffer.from(
              `POST /events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${KEY}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
            );
          });
          return exchangingClient(exchange, requests, findResponse, (response) => {
            if (statusOf(response) !== 200) throw new Error(`${statusOf(response)} ${textOf(response)}`);
          });
        }),
      ),
    stop: () => child.stop(),
  };
}

/** Connections that are free, and requests that wait for one. */
class Pool {
  readonly #free: PgConnection[];
  readonly #waiting: ((connection: PgConnection) => void)[] = [];

  constructor(connections: readonly PgConnection[]) {
    this.#free = [...connections];
  }

  async run(message: Buffer): Promise<void> {
    const connection = this.#free.pop() ?? (await new Promise<PgConnection>((resolve) => this.#waiting.push(resolve)));
    try {
      await connection.send([message]);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(connection);
      else next(connection);
    }
  }
}

async function serve(port: number, postgresPort: number, key: string): Promise<void> {
  const connections = await Promise.all(Array.from({ length: POOL }, () => openPostgres(postgresPort)));
  for (const connection of connections) await connection.prepare(INSERT);
  const pool = new Pool(connections);
  const digest = createHash("sha256").update(`Bearer ${key}`).digest();
  createServer((request, response) => {
    const answer = (status: number, body: object) => {
      const text = JSON.stringify(body);
      response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
      response.end(text);
    };
    const presented = createHash("sha256")
      .update(request.headers.authorization ?? "")
      .digest();
    if (!timingSafeEqual(presented, digest)) return answer(401, {});
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { events } = JSON.parse(Buffer.concat(chunks).toString()) as { events: Click[] };
      pool.run(execution(parametersOf(events))).then(
        () => answer(200, { accepted: events.length }),
        (error: unknown) => answer(500, { error: String(error) }),
      );
    });
  }).listen(port, "127.0.0.1");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [port, postgresPort, key] = process.argv.slice(2);
  await serve(Number(port), Number(postgresPort), key ?? "");
}
