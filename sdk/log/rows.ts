/** The rows of the log's three stores, as one transaction reads and removes them. Lacks decisions: plan.ts has those. */
import type { DBSchema } from "idb";
import type { Transaction } from "./database.ts";
import type { BatchBounds, LaneMark, Lease, LogRecord, LogState } from "./log.ts";
import { fillsBatch } from "./plan.ts";

export interface Schema extends DBSchema {
  log: { key: number; value: LogRecord };
  lanes: { key: string; value: LaneMark };
  meta: { key: string; value: LogState | Lease | true };
}

export type Tx = Transaction<Schema>;

/** Records read at a time: single clicks are small, and bursts are in few records. */
const PAGE_RECORDS = 32;

export const readLease = async (tx: Tx): Promise<Lease | undefined> =>
  (await tx.objectStore("meta").get("lease")) as Lease | undefined;

export const holdsLease = async (tx: Tx, term: string): Promise<boolean> => (await readLease(tx))?.term === term;

/** Records from the oldest on, until they fill a batch. */
export async function readBatch(tx: Tx, state: LogState, bounds: BatchBounds): Promise<readonly LogRecord[]> {
  const records: LogRecord[] = [];
  for (;;) {
    const last = records.at(-1);
    const after = last === undefined ? null : IDBKeyRange.lowerBound(last.sequence, true);
    const page = await tx.objectStore("log").getAll(after, PAGE_RECORDS);
    records.push(...page);
    if (page.length < PAGE_RECORDS || fillsBatch(state, records, bounds)) return records;
  }
}

export async function forgetLanes(tx: Tx, before: number): Promise<void> {
  for (let cursor = await tx.objectStore("lanes").openCursor(); cursor; cursor = await cursor.continue()) {
    if (cursor.value.at < before) await cursor.delete();
  }
}
