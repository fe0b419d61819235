/**
 * ClickHouse, as a library (chdb). Two tables as in DuckDB: texts, and numbers made beforehand; in the order of arrival, as
 * the log is.
 */
import { join } from "node:path";
import type { Contender, Engine } from "./contender.ts";
import { type Chunk, MINUTE_MS, SQL_TEXTS, textOf } from "./dataset.ts";
import type { ContenderId } from "./definitions.ts";
import { type ChdbSession, loadChdb } from "./peers.ts";
import { answerFrom, type Dialect, sqlOf, withinMinutes } from "./sql.ts";

const STRINGS: Dialect = {
  table: "bench.strings",
  window: (widthMs) => `intDiv(ms, ${widthMs})`,
  within: (from, to) => `ms >= ${from} AND ms < ${to}`,
  keys: { ad: "ad", country: "country", device: "device" },
  isCountry: (country) => `country = '${textOf.country(country)}'`,
  distinctUsers: "uniq(user_id)",
};

const INTS: Dialect = {
  ...STRINGS,
  table: "bench.ints",
  window: (widthMs) => (widthMs === MINUTE_MS ? "minute" : `intDiv(minute, ${widthMs / MINUTE_MS})`),
  within: (from, to) => withinMinutes("minute", from, to),
  isCountry: (country) => `country = ${country}`,
};

const CSV_STRUCTURE = "ms Int64, ad UInt32, user_id UInt32, country UInt8, device UInt8, cents UInt16";

export class ClickHouse implements Engine {
  readonly name = "ClickHouse";
  readonly contenders: readonly Contender[];
  readonly #session: ChdbSession;

  constructor(folder: string) {
    this.#session = new (loadChdb().Session)(join(folder, "clickhouse"));
    this.contenders = [
      this.#contender("clickhouse-strings", "ClickHouse", STRINGS),
      this.#contender("clickhouse-ints", "ClickHouse, integers", INTS),
    ];
    this.#run("CREATE DATABASE bench ENGINE = Atomic");
    this.#run(`CREATE TABLE bench.strings (ms Int64, ad String, user_id String, country LowCardinality(String),
      device LowCardinality(String), price Float64) ENGINE = MergeTree ORDER BY tuple()`);
    this.#run(`CREATE TABLE bench.ints (minute UInt32, ad UInt32, user_id UInt32, country UInt8, device UInt8,
      price Float64) ENGINE = MergeTree ORDER BY tuple()`);
  }

  async load(_: Chunk, csv: string): Promise<void> {
    const events = `file('${csv}', CSV, '${CSV_STRUCTURE}')`;
    this.#run(`INSERT INTO bench.ints
      SELECT intDiv(ms, ${MINUTE_MS}), ad, user_id, country, device, cents / 100 FROM ${events}`);
    this.#run(`INSERT INTO bench.strings
      SELECT ms, ${SQL_TEXTS.ad}, ${SQL_TEXTS.user}, ${SQL_TEXTS.country}, ${SQL_TEXTS.device}, cents / 100 FROM ${events}`);
  }

  async settle(): Promise<void> {
    for (const table of ["strings", "ints"]) this.#run(`OPTIMIZE TABLE bench.${table} FINAL`);
  }

  async bytes(): Promise<Readonly<Record<string, number>>> {
    const size = (table: string) =>
      Number(
        this.#run(
          `SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench' AND table = '${table}'`,
        )[0]?.[0],
      );
    return { ClickHouse: size("strings"), "ClickHouse, integers": size("ints") };
  }

  async close(): Promise<void> {
    this.#session.close();
  }

  #run(sql: string): unknown[][] {
    const text = this.#session.query(sql, "JSONCompactEachRow");
    return text
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as unknown[]);
  }

  #contender(id: ContenderId, name: string, dialect: Dialect): Contender {
    return {
      id,
      name,
      prepare: async (question) => {
        const sql = `${sqlOf(question, dialect)} SETTINGS max_threads = 1`;
        return () => answerFrom(question, this.#run(sql));
      },
    };
  }
}
