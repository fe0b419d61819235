/**
 * PostgreSQL as a contender: one INSERT a batch into a table without an index, `synchronous_commit` on as it is by default.
 * The statement is prepared once, and takes a batch as one array a column (`unnest`), which was measured to be faster than
 * a list of VALUES.
 */
import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type Child, freePort, startChild } from "./child.ts";
import type { Click } from "./clicks.ts";
import { type Contender, NO_REFUSALS, prepareBatches, type Skipped } from "./contender.ts";
import { execution, PgConnection } from "./pg-wire.ts";

const USER = "bench";
const CONNECTIONS_MAX = 400;

const TABLE = `CREATE TABLE IF NOT EXISTS clicks (
  id bigint GENERATED ALWAYS AS IDENTITY,
  ad_id text, user_id text, country text, device text, price float8, time bigint)`;

export const INSERT = `INSERT INTO clicks (ad_id, user_id, country, device, price, time)
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::float8[], $6::bigint[])`;

export interface PostgresServer extends Child {
  readonly port: number;
}

/** @param folder of its own; null if PostgreSQL is not on this machine */
export async function startPostgresServer(folder: string): Promise<PostgresServer | null> {
  const bin = programs();
  if (bin === null) return null;
  mkdirSync(folder, { recursive: true });
  // It refuses to run as root.
  const owner = process.getuid?.() === 0 ? nobody() : null;
  if (owner !== null) chownSync(folder, owner.uid, owner.gid);
  const data = join(folder, "data");
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale"], {
    ...owner,
    stdio: "ignore",
    cwd: folder,
  });
  const port = await freePort();
  const settings = { port, listen_addresses: "127.0.0.1", max_connections: CONNECTIONS_MAX, shared_buffers: "256MB" };
  const args = Object.entries({ ...settings, unix_socket_directories: "" }).flatMap(([k, v]) => ["-c", `${k}=${v}`]);
  const child = await startChild(join(bin, "postgres"), ["-D", data, ...args], port, { ...owner, cwd: folder });
  const connection = await untilAccepted(port);
  await connection.run(TABLE);
  connection.close();
  return { ...child, port };
}

export function postgres(server: PostgresServer): Contender {
  return {
    name: "PostgreSQL",
    pid: server.pid,
    connect: async (load, clicks) => {
      const clients = [];
      for (let i = 0; i < load.connections; i++) {
        const connection = await PgConnection.open(server.port, USER);
        await connection.prepare(INSERT);
        const batches = prepareBatches(load, clicks, i, (batch) => execution(parametersOf(batch)));
        let sent = 0;
        clients.push({
          send: async () => {
            await connection.send([batches[sent++ % batches.length] as Buffer]);
            return NO_REFUSALS;
          },
          close: () => connection.close(),
        });
      }
      return clients;
    },
    stop: () => server.stop(),
  };
}

export const notHere: Skipped = { name: "PostgreSQL", skipped: "no initdb and postgres on the path" };

export const openPostgres = (port: number): Promise<PgConnection> => PgConnection.open(port, USER);

/** A batch as one array a column, in PostgreSQL's text form. Texts of the bench hold nothing that needs quoting. */
export function parametersOf(clicks: readonly Click[]): readonly string[] {
  const array = (of: (click: Click) => string | number) => `{${clicks.map(of).join(",")}}`;
  return [
    array(({ adId }) => adId),
    array(({ userId }) => userId),
    array(({ country }) => country),
    array(({ device }) => device),
    array(({ price }) => price),
    array(({ time }) => time),
  ];
}

/** The folder of initdb and postgres: on the path, or where Debian puts them. */
function programs(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(debian, version, "bin")), ...(process.env.PATH ?? "").split(":")];
  return folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres"))) ?? null;
}

function nobody(): { readonly uid: number; readonly gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

/** The port opens some time before the first connection is taken. */
async function untilAccepted(port: number): Promise<PgConnection> {
  for (let attempt = 0; ; attempt++) {
    try {
      const connection = await openPostgres(port);
      await connection.run("SELECT 1");
      return connection;
    } catch (error) {
      if (attempt === 50) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
