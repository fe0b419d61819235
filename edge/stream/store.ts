/**
 * The stream's state on disk. `save` writes just the rows whose values differ from those of the state before; values are
 * immutable, so being the same object means being the same.
 */
import { migrate, schemaVersion } from "./migrations.ts";
import type { KeyDigest, LedgerEntry } from "./rpc.ts";
import type { ReplayRecord, StreamState, ViewState } from "./state.ts";

/** What is stored of a deleted stream, so that its id never comes to life again. */
const DELETED = JSON.stringify({ deleted: true });

/** The state as it was last saved; `deleted` after {@link bury}; null if nothing ever was. */
export function load(storage: DurableObjectStorage, now: number): StreamState | "deleted" | null {
  const { sql } = storage;
  if (schemaVersion(sql) === 0) return null;
  migrate(storage, now);
  const [row] = sql.exec<{ state: string }>("SELECT state FROM stream").toArray();
  if (row === undefined) return null;
  if (row.state === DELETED) return "deleted";
  const core = JSON.parse(row.state) as Omit<StreamState, "views" | "keys" | "replays" | "ledger">;
  const views = documents<ViewState>(sql, "SELECT name AS id, state FROM view ORDER BY name");
  const keys = documents<KeyDigest>(sql, "SELECT id, state FROM access_key");
  const replays = documents<ReplayRecord>(sql, "SELECT id, state FROM replay ORDER BY started_at, id");
  const ledger = sql
    .exec<{ state: string }>("SELECT state FROM ledger ORDER BY entry")
    .toArray()
    .map(({ state }) => JSON.parse(state) as LedgerEntry);
  return { ...core, views, keys, replays, ledger };
}

/** Reads documents that this object has written: they need no checking. */
function documents<T>(sql: SqlStorage, query: string): ReadonlyMap<string, T> {
  const rows = sql.exec<{ id: string; state: string }>(query).toArray();
  return new Map(rows.map(({ id, state }) => [id, JSON.parse(state) as T]));
}

/** Writes what differs, in one transaction. */
export function save(storage: DurableObjectStorage, before: StreamState | null, after: StreamState, now: number): void {
  if (before === null) migrate(storage, now);
  const { sql } = storage;
  storage.transactionSync(() => {
    const core = coreOf(after);
    if (before === null || coreOf(before) !== core) sql.exec("INSERT OR REPLACE INTO stream VALUES (0, ?)", core);
    saveDocuments(before?.views, after.views, {
      put: (name, view) => sql.exec("INSERT OR REPLACE INTO view VALUES (?, ?)", name, JSON.stringify(view)),
      remove: (name) => sql.exec("DELETE FROM view WHERE name = ?", name),
    });
    saveDocuments(before?.keys, after.keys, {
      put: (id, key) => sql.exec("INSERT OR REPLACE INTO access_key VALUES (?, ?)", id, JSON.stringify(key)),
      remove: (id) => sql.exec("DELETE FROM access_key WHERE id = ?", id),
    });
    saveDocuments(before?.replays, after.replays, {
      put: (id, job) =>
        sql.exec(
          "INSERT OR REPLACE INTO replay VALUES (?, CAST(? AS INTEGER), ?)",
          id,
          job.startedAt,
          JSON.stringify(job),
        ),
      remove: (id) => sql.exec("DELETE FROM replay WHERE id = ?", id),
    });
    saveLedger(sql, before?.ledger ?? [], after.ledger);
  });
}

/** Deletes everything but the mark that the stream was deleted, keys and secrets first of all. */
export function bury(storage: DurableObjectStorage): void {
  storage.transactionSync(() => {
    for (const table of ["view", "access_key", "replay", "ledger"]) storage.sql.exec(`DELETE FROM ${table}`);
    storage.sql.exec("INSERT OR REPLACE INTO stream VALUES (0, ?)", DELETED);
  });
}

function saveDocuments<T>(
  before: ReadonlyMap<string, T> | undefined,
  after: ReadonlyMap<string, T>,
  write: { readonly put: (id: string, value: T) => void; readonly remove: (id: string) => void },
): void {
  if (before === after) return;
  for (const [id, value] of after) if (before?.get(id) !== value) write.put(id, value);
  for (const id of before?.keys() ?? []) if (!after.has(id)) write.remove(id);
}

/** Entries never change: new ones come at the end, and the oldest go. */
function saveLedger(sql: SqlStorage, before: readonly LedgerEntry[], after: readonly LedgerEntry[]): void {
  if (before === after) return;
  const last = before.at(-1)?.entry ?? 0;
  for (const entry of after.filter(({ entry: number }) => number > last)) {
    sql.exec("INSERT INTO ledger VALUES (CAST(? AS INTEGER), ?)", entry.entry, JSON.stringify(entry));
  }
  const first = after[0]?.entry ?? 0;
  if ((before[0]?.entry ?? first) < first) sql.exec("DELETE FROM ledger WHERE entry < CAST(? AS INTEGER)", first);
}

/** The state without what has rows of its own. */
const coreOf = ({ views: _views, keys: _keys, replays: _replays, ledger: _ledger, ...core }: StreamState): string =>
  JSON.stringify(core);
