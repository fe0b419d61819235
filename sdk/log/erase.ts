/**
 * Deletes a browser log with all that belongs to it, its producer id included. Needs no open log, and no worker.
 *
 * Other tabs may have it open: they must neither keep it alive, nor take it for a storage that the browser has cleared, and
 * put back what they hold (restore.ts). So its contents go first, in one transaction that leaves a mark and nothing else; the
 * database follows once every other tab has let go of it, which a frozen one may not do for long.
 */

/** The key in `meta` that says: erased on purpose. It holds nothing that could tell one visitor from another. */
export const ERASED = "erased";

export async function eraseIdbLog(name: string): Promise<void> {
  if (typeof indexedDB === "undefined") return;
  const db = await openExisting(name);
  if (db === null) return;
  await new Promise<void>((resolve, reject) => {
    const tx = db.transaction([...db.objectStoreNames], "readwrite");
    for (const store of db.objectStoreNames) tx.objectStore(store).clear();
    tx.objectStore("meta").put(true, ERASED);
    tx.oncomplete = () => resolve();
    tx.onabort = () => reject(tx.error);
  }).finally(() => db.close());
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    // Blocked: it goes when the tab that holds it does. What it held has gone already.
    request.onsuccess = request.onblocked = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

/** Null if there is none: whoever has refused from the start shall not have one made for it. */
function openExisting(name: string): Promise<IDBDatabase | null> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onupgradeneeded = () => request.transaction?.abort();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => (request.error?.name === "AbortError" ? resolve(null) : reject(request.error));
  });
}
