/**
 * The tables of a partition, as a list of migrations that only grows: what stands here was run somewhere and is never
 * changed. Old and new code overlap for seconds during a deploy, so a migration adds; it takes away only what no running
 * code reads any more.
 *
 * No table has a secondary index: each would double the bill of what it indexes.
 */
import { COLUMN_PARTS_MAX } from "#engine";
import type { Database } from "./database.ts";
import { moveSomeRows } from "./move-rows.ts";

const MIGRATIONS: readonly { readonly name: string; readonly statements: readonly string[] }[] = [
  {
    name: "log, views and producers",
    statements: [
      // Small facts of which there is one each, as JSON: configuration, checkpoint, what was trimmed. See facts.ts.
      `CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID`,

      // The tail of the log: one row a commit, and nothing else is written when events are appended. `count` may be 0:
      // a batch of which every event was rejected uses up its sequences. See log.ts and admission-record.ts.
      `CREATE TABLE log (
         commit_id INTEGER PRIMARY KEY,
         base_offset INTEGER NOT NULL,
         count INTEGER NOT NULL,
         append_time INTEGER NOT NULL,
         producers TEXT,
         hot BLOB,
         cold BLOB
       ) STRICT`,

      // Sealed segments. `position` is where the segment ends, in bytes of all segments that there ever were: the bytes of
      // the log are a difference of two of them. The cold part is the last column: SQLite reads a long row only as far as it is asked for.
      `CREATE TABLE segments (
         base_offset INTEGER PRIMARY KEY,
         count INTEGER NOT NULL,
         append_min INTEGER NOT NULL,
         append_max INTEGER NOT NULL,
         minute_min INTEGER NOT NULL,
         minute_max INTEGER NOT NULL,
         dictionary INTEGER NOT NULL,
         bytes INTEGER NOT NULL,
         position INTEGER NOT NULL,
         hot BLOB NOT NULL,
         cold BLOB NOT NULL
       ) STRICT`,

      // What admission decided in commits that were sealed, until the producers in it are stored.
      `CREATE TABLE admissions (id INTEGER PRIMARY KEY, commit_id INTEGER NOT NULL, producers TEXT NOT NULL) STRICT`,

      // Dictionary entries, in the order in which they came.
      `CREATE TABLE dictionaries (
         id INTEGER PRIMARY KEY,
         generation INTEGER NOT NULL,
         additions BLOB NOT NULL
       ) STRICT`,

      // Producers by bucket; see producers.ts.
      `CREATE TABLE producers (bucket INTEGER PRIMARY KEY, entries TEXT NOT NULL) STRICT`,

      // View generations, and the windows of each, of which one may take several rows.
      `CREATE TABLE generations (id INTEGER PRIMARY KEY, state TEXT NOT NULL) STRICT`,
      `CREATE TABLE windows (
         generation INTEGER NOT NULL,
         start INTEGER NOT NULL,
         part INTEGER NOT NULL,
         changed_at INTEGER NOT NULL,
         state BLOB NOT NULL,
         PRIMARY KEY (generation, start, part)
       ) STRICT, WITHOUT ROWID`,

      // What a generation changed, frozen when it caught up: both sides of each UTC day.
      `CREATE TABLE comparisons (
         generation INTEGER NOT NULL,
         day INTEGER NOT NULL,
         side INTEGER NOT NULL,
         part INTEGER NOT NULL,
         state BLOB NOT NULL,
         PRIMARY KEY (generation, day, side, part)
       ) STRICT, WITHOUT ROWID`,
    ],
  },
  {
    name: "columns of segments apart",
    statements: [
      // Columns of attributes, a BLOB each, in a row beside the segment's: a fold reads only those that it needs.
      // SQLite walks over the columns before the one it is asked for, but copies only that one.
      `CREATE TABLE segment_columns (
         base_offset INTEGER PRIMARY KEY,
         ${Array.from({ length: COLUMN_PARTS_MAX }, (_, i) => `part${i + 1} BLOB`).join(", ")}
       ) STRICT`,
    ],
  },
  {
    name: "windows by one number",
    statements: [
      // What `windows` and `comparisons` held, under the numbers of row-keys.ts: move-rows.ts carries it over, and drops those.
      `CREATE TABLE window_rows (key INTEGER PRIMARY KEY, changed_at INTEGER NOT NULL, state BLOB NOT NULL) STRICT`,
      `CREATE TABLE comparison_rows (key INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT`,
    ],
  },
  {
    name: "memories of rules",
    statements: [`CREATE TABLE rule_memories (key INTEGER PRIMARY KEY, state BLOB NOT NULL) STRICT`],
  },
  {
    name: "what is archived",
    statements: [
      // Packs of segments in the archive's bucket, by the offset of their first record: a few numbers each.
      `CREATE TABLE packs (
         base_offset INTEGER PRIMARY KEY,
         count INTEGER NOT NULL,
         append_min INTEGER NOT NULL,
         append_max INTEGER NOT NULL,
         minute_min INTEGER NOT NULL,
         minute_max INTEGER NOT NULL,
         bytes INTEGER NOT NULL,
         sha256 TEXT NOT NULL
       ) STRICT`,
    ],
  },
];

/**
 * Brings the tables up to date. Does nothing, and writes nothing, when they are.
 *
 * @returns whether rows are left in tables of before: nothing may be read or written until {@link moveSomeRows} has moved them
 */
export function migrate(database: Database, now: number): boolean {
  database.run(
    "CREATE TABLE IF NOT EXISTS migrations (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
  );
  const done = database.only<{ count: number }>("SELECT count(*) AS count FROM migrations").count;
  MIGRATIONS.slice(done).forEach(({ name, statements }, i) => {
    database.transaction(() => {
      for (const statement of statements) database.run(statement);
      database.run("INSERT INTO migrations VALUES (?, ?, ?)", done + i + 1, name, now);
    });
  });
  return moveSomeRows(database);
}
