/**
 * The object's tables, and how they came to be. A migration is never changed once it has been released: stored data has
 * gone through it. The form of the JSON documents in these tables (edge/stream/state.ts) is part of this history: a
 * migration that changes it rewrites them.
 *
 * Tables are WITHOUT ROWID: one row written for each change, where a text key beside a rowid would be billed as two.
 */
const MIGRATIONS: readonly string[] = [
  `
  -- One row. The core of a stream's state as JSON, or the mark that it was deleted.
  CREATE TABLE stream (id INTEGER PRIMARY KEY CHECK (id = 0), state TEXT NOT NULL) STRICT;
  CREATE TABLE view (name TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE access_key (id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE replay (id TEXT PRIMARY KEY, started_at INTEGER NOT NULL, state TEXT NOT NULL) STRICT, WITHOUT ROWID;
  -- Of the instance "directory" only.
  CREATE TABLE stream_name (name TEXT PRIMARY KEY, stream_id TEXT NOT NULL) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE ledger (entry INTEGER PRIMARY KEY, state TEXT NOT NULL) STRICT;
  `,
];

/**
 * How many migrations the object's storage has gone through; 0: nothing was ever stored. Asking writes nothing, so that an
 * object which is only asked whether it exists leaves no database behind.
 */
export function schemaVersion(sql: SqlStorage): number {
  const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'migration'").toArray().length > 0;
  if (!exists) return 0;
  return Number(sql.exec("SELECT coalesce(max(version), 0) AS version FROM migration").one()["version"]);
}

/** Brings the storage to the newest form. */
export function migrate(storage: DurableObjectStorage, now: number): void {
  const { sql } = storage;
  const from = schemaVersion(sql);
  if (from === MIGRATIONS.length) return;
  storage.transactionSync(() => {
    sql.exec("CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT");
    MIGRATIONS.slice(from).forEach((migration, index) => {
      sql.exec(migration);
      sql.exec("INSERT INTO migration VALUES (CAST(? AS INTEGER), CAST(? AS INTEGER))", from + index + 1, now);
    });
  });
}
