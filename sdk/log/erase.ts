/**
 * Deletes a browser log with all that belongs to it, its producer id included. Needs no open log, and no worker.
 *
 * Other tabs may have it open: they must neither keep it alive, nor take it for a storage that the browser has cleared, and
 * put back what they hold (restore.ts). So its contents go first, in one transaction that leaves a mark and nothing else; the
 * database follows once every other tab has let go of it, which a frozen one may not do for long.
 */

import { DATABASE_LIMITS } from "./limits.ts";

/** The key in `meta` that says: erased on purpose. It holds nothing that could tell one visitor from another. */
export const ERASED = "erased";

/** @throws if the storage refuses, or does not answer in time */
export async function eraseIdbLog(name: string): Promise<void> {
  if (typeof indexedDB === "undefined") return;
  const { openMaxMs, transactionMaxMs } = DATABASE_LIMITS;
  const emptied = await Promise.race([empty(name), pause(openMaxMs + transactionMaxMs)]);
  if (emptied === undefined) throw new Error("the storage does not answer");
  // Of a tab that hangs not even a `blocked` is heard. It goes with that tab; what it held has gone already.
  if (emptied) await Promise.race([remove(name), pause(openMaxMs)]);
}

/** False if there is no such log. */
async function empty(name: string): Promise<boolean> {
  const db = await openExisting(name);
  if (db === null) return false;
  await new Promise<void>((resolve, reject) => {
    const tx = db.transaction([...db.objectStoreNames], "readwrite");
    for (const store of db.objectStoreNames) tx.objectStore(store).clear();
    tx.objectStore("meta").put(true, ERASED);
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error);
  }).finally(() => db.close());
  return true;
}

/** Resolves, too, once it waits for a tab that holds it. */
const remove = (name: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = request.onblocked = () => resolve();
    request.onerror = () => reject(request.error);
  });

const pause = (ms: number): Promise<undefined> => new Promise((resolve) => setTimeout(resolve, ms));

/** Null if there is none: whoever has refused from the start shall not have one made for it. */
function openExisting(name: string): Promise<IDBDatabase | null> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onupgradeneeded = () => request.transaction?.abort();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => (request.error?.name === "AbortError" ? resolve(null) : reject(request.error));
  });
}
