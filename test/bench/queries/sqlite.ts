/** SQLite with a row for each event, as most people would begin: what the log's format is worth on the very same storage. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Contender, Engine } from "./contender.ts";
import { type Chunk, textOf } from "./dataset.ts";
import { answerFrom, type Dialect, sqlOf } from "./sql.ts";

/** Ten million rows take a minute to be grouped once: no measure in rounds. */
export const SQLITE_EVENTS_MAX = 1_000_000;

const DIALECT: Dialect = {
  table: "events",
  window: (widthMs) => `ms / ${widthMs}`,
  within: (from, to) => `ms >= ${from} AND ms < ${to}`,
  keys: { ad: "ad", country: "country", device: "device" },
  isCountry: (country) => `country = '${textOf.country(country)}'`,
  distinctUsers: "count(DISTINCT user_id)",
};

export class Sqlite implements Engine {
  readonly name = "SQLite, a row an event";
  readonly contenders: readonly Contender[];
  readonly #file: string;
  readonly #database: DatabaseSync;

  constructor(folder: string) {
    this.#file = join(folder, "rows.sqlite");
    this.#database = new DatabaseSync(this.#file);
    this.#database.exec(`PRAGMA journal_mode = WAL;
      CREATE TABLE events
        (ms INTEGER, ad TEXT, user_id TEXT, country TEXT, device TEXT, price REAL) STRICT;
      CREATE INDEX by_time ON events (ms)`);
    this.contenders = [
      {
        id: "sqlite",
        name: this.name,
        prepare: async (question) => {
          const statement = this.#database.prepare(sqlOf(question, DIALECT));
          return () => answerFrom(question, statement.all().map(Object.values));
        },
      },
    ];
  }

  async load(chunk: Chunk): Promise<void> {
    const insert = this.#database.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)");
    this.#database.exec("BEGIN");
    for (let i = 0; i < chunk.count; i++) {
      insert.run(
        chunk.times[i] as number,
        textOf.ad(chunk.ads[i] as number),
        textOf.user(chunk.users[i] as number),
        textOf.country(chunk.countries[i] as number),
        textOf.device(chunk.devices[i] as number),
        (chunk.cents[i] as number) / 100,
      );
    }
    this.#database.exec("COMMIT");
  }

  async settle(): Promise<void> {
    this.#database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  }

  async bytes(): Promise<Readonly<Record<string, number>>> {
    return { [this.name]: statSync(this.#file).size };
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}
