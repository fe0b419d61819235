/**
 * Moves windows, and frozen comparisons, from the tables that they were first kept in to those that are keyed by one number
 * (row-keys.ts).
 *
 * What is stored of windows outlives the log, so it cannot be computed again; and it may be gigabytes, which no single
 * transaction of a waking object could copy: it has to be done in so much CPU time, and in memory and disk that have no room
 * for all of it twice. So rows move some at a time, each step a transaction that takes away what it has copied, and the
 * partition is closed to everybody meanwhile. If the platform stops it in between, as it does after 30 s, the next waking goes on
 * from there: a partition that keeps 400 days of a view by the minute, about 3 GB, is slow to wake once or twice. It costs two rows
 * a window, $1.2 for such a view, once.
 *
 * Only one code at a time runs for an object, so nobody looks for the old tables any more; a deploy cannot be taken back beyond this.
 */
import type { Database } from "./database.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { comparisonKey, windowKey } from "./row-keys.ts";

/** Moves some rows; when there are none left, the old tables go. @returns whether there is more to do */
export function moveSomeRows(database: Database): boolean {
  const hasOldTables = database.first("SELECT 1 FROM sqlite_master WHERE name = 'windows'") !== undefined;
  if (!hasOldTables) return false;
  return database.transaction(() => {
    if (moveWindows(database) || moveComparisons(database)) return true;
    database.run("DROP TABLE windows");
    database.run("DROP TABLE comparisons");
    return false;
  });
}

function moveWindows(database: Database): boolean {
  const keys = database.all<{ generation: number; start: number; part: number }>(
    "SELECT generation, start, part FROM windows ORDER BY generation, start, part LIMIT ?",
    PARTITION_LIMITS.movedRowsMax,
  );
  for (const { generation, start, part } of keys) {
    const where = "FROM windows WHERE generation = ? AND start = ? AND part = ?";
    const old = [generation, start, part];
    const key = windowKey(generation, start, part);
    database.run(`INSERT INTO window_rows SELECT CAST(? AS INTEGER), changed_at, state ${where}`, key, ...old);
    database.run(`DELETE ${where}`, ...old);
  }
  return keys.length > 0;
}

function moveComparisons(database: Database): boolean {
  const keys = database.all<{ generation: number; day: number; side: number; part: number }>(
    "SELECT generation, day, side, part FROM comparisons ORDER BY generation, day, part, side LIMIT ?",
    PARTITION_LIMITS.movedRowsMax,
  );
  for (const { generation, ...place } of keys) {
    const where = "FROM comparisons WHERE generation = ? AND day = ? AND side = ? AND part = ?";
    const old = [generation, place.day, place.side, place.part];
    const key = comparisonKey(generation, place);
    database.run(`INSERT INTO comparison_rows SELECT CAST(? AS INTEGER), state ${where}`, key, ...old);
    database.run(`DELETE ${where}`, ...old);
  }
  return keys.length > 0;
}
