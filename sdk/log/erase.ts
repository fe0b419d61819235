/** Deletes a browser log with all that belongs to it, its producer id included. Needs no open log, and no worker. */
export async function eraseIdbLog(name: string): Promise<void> {
  if (typeof indexedDB === "undefined") return;
  await new Promise<void>((resolve, reject) => {
    // Other tabs let go of it when they are told (database.ts, `blocking`); until then the request waits.
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}
