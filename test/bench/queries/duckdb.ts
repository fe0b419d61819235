/**
 * DuckDB, in its own file format. One table with texts, as events come, and one in which everything has been made a small
 * number beforehand (minutes, ads, users): work that a real stream would have to do as well, given away for free here.
 */
import { rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Contender, Engine } from "./contender.ts";
import { CSV_COLUMNS } from "./csv.ts";
import { type Chunk, MINUTE_MS, SQL_TEXTS, textOf } from "./dataset.ts";
import type { ContenderId } from "./definitions.ts";
import { type DuckDbConnection, type DuckDbInstance, loadDuckDb } from "./peers.ts";
import { answerFrom, type Dialect, sqlOf, withinMinutes } from "./sql.ts";

const STRINGS: Dialect = {
  table: "strings.events",
  window: (widthMs) => `ms // ${widthMs}`,
  within: (from, to) => `ms >= ${from} AND ms < ${to}`,
  keys: { ad: "ad", country: "country", device: "device" },
  isCountry: (country) => `country = '${textOf.country(country)}'`,
  distinctUsers: "approx_count_distinct(user_id)",
};

const INTS: Dialect = {
  ...STRINGS,
  table: "ints.events",
  window: (widthMs) => (widthMs === MINUTE_MS ? "minute" : `minute // ${widthMs / MINUTE_MS}`),
  within: (from, to) => withinMinutes("minute", from, to),
  isCountry: (country) => `country = ${country}`,
};

/** For loading; each contender sets its own number before it is asked. */
const LOAD_THREADS = 2;

export class DuckDb implements Engine {
  readonly name = "DuckDB";
  readonly contenders: readonly Contender[];
  readonly #folder: string;
  readonly #instance: DuckDbInstance;
  readonly #connection: DuckDbConnection;

  private constructor(folder: string, instance: DuckDbInstance, connection: DuckDbConnection) {
    this.#folder = folder;
    this.#instance = instance;
    this.#connection = connection;
    this.contenders = [
      this.#contender("duckdb-strings", "DuckDB", STRINGS, 1),
      this.#contender("duckdb-ints", "DuckDB, integers", INTS, 1),
      this.#contender("duckdb-ints-2t", "DuckDB, integers, 2 threads", INTS, 2),
    ];
  }

  static async open(folder: string): Promise<DuckDb> {
    const instance = await loadDuckDb().DuckDBInstance.create(":memory:", { threads: String(LOAD_THREADS) });
    const connection = await instance.connect();
    for (const name of ["strings", "ints"])
      await connection.run(`ATTACH '${join(folder, `${name}.duckdb`)}' AS ${name}`);
    await connection.run(`CREATE TABLE strings.events
      (ms BIGINT, ad VARCHAR, user_id VARCHAR, country VARCHAR, device VARCHAR, price DOUBLE)`);
    await connection.run(`CREATE TABLE ints.events
      (minute INTEGER, ad INTEGER, user_id INTEGER, country UTINYINT, device UTINYINT, price DOUBLE)`);
    return new DuckDb(folder, instance, connection);
  }

  async load(_: Chunk, csv: string): Promise<void> {
    const columns = Object.entries(CSV_COLUMNS).map(([name, type]) => `'${name}': '${type}'`);
    const events = `read_csv('${csv}', header = false, auto_detect = false, columns = {${columns.join(", ")}})`;
    await this.#connection.run(`INSERT INTO ints.events
      SELECT ms // ${MINUTE_MS}, ad, user_id, country, device, cents / 100 FROM ${events}`);
    await this.#connection.run(`INSERT INTO strings.events
      SELECT ms, ${SQL_TEXTS.ad}, ${SQL_TEXTS.user}, ${SQL_TEXTS.country}, ${SQL_TEXTS.device}, cents / 100 FROM ${events}`);
  }

  async settle(): Promise<void> {
    for (const name of ["strings", "ints"]) await this.#connection.run(`CHECKPOINT ${name}`);
  }

  async bytes(): Promise<Readonly<Record<string, number>>> {
    const sizes: Record<string, number> = {};
    sizes["DuckDB"] = statSync(join(this.#folder, "strings.duckdb")).size;
    sizes["DuckDB, integers"] = statSync(join(this.#folder, "ints.duckdb")).size;
    for (const codec of ["snappy", "zstd"]) {
      const file = join(this.#folder, `${codec}.parquet`);
      await this.#connection.run(`COPY strings.events TO '${file}' (FORMAT parquet, COMPRESSION ${codec})`);
      sizes[`Parquet, ${codec}`] = statSync(file).size;
      rmSync(file);
    }
    return sizes;
  }

  async close(): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  #contender(id: ContenderId, name: string, dialect: Dialect, threads: number): Contender {
    return {
      id,
      name,
      prepare: async (question) => {
        await this.#connection.run(`SET threads = ${threads}`);
        const sql = sqlOf(question, dialect);
        return async () => answerFrom(question, (await this.#connection.runAndReadAll(sql)).getRows());
      },
    };
  }
}
