/**
 * A connection to IndexedDB that survives its own death. Lacks any knowledge of what is stored.
 *
 * Browsers close connections under a page: on an upgrade or a deletion from another tab, when storage is cleared, on iOS in
 * the background, and for no reason at all ("Connection to Indexed Database server lost", https://bugs.webkit.org/197050).
 * Retrying on the same handle never works; a new one does. So every transaction may run twice, and has to be idempotent.
 */
import { type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB, type StoreNames } from "idb";
import { DATABASE_LIMITS } from "./limits.ts";

export type Transaction<S extends DBSchema> = IDBPTransaction<S, StoreNames<S>[], "readwrite">;

export class Database<S extends DBSchema> {
  readonly #name: string;
  readonly #stores: StoreNames<S>[];
  readonly #onDisconnect: (connection: IDBPDatabase<S> | null) => Promise<void>;
  #connection: Promise<IDBPDatabase<S>> | null = null;
  #closed = false;

  /**
   * @param onDisconnect the browser closes the connection, or (then it is handed over) asks for it to be closed, which
   * happens once this is done
   */
  constructor(
    name: string,
    stores: StoreNames<S>[],
    onDisconnect: (connection: IDBPDatabase<S> | null) => Promise<void>,
  ) {
    this.#name = name;
    this.#stores = stores;
    this.#onDisconnect = onDisconnect;
  }

  /** Opens the database now, so that a caller learns whether there is one. */
  async open(): Promise<void> {
    await this.#connect();
  }

  /**
   * Runs one transaction over all stores, and once more on a fresh connection if it fails.
   *
   * @param body awaits nothing but the transaction's own requests: anything else would end it. May run twice.
   * @throws what the second attempt failed with; a QuotaExceededError at once, for it would only fail again
   */
  async transact<T>(durability: "strict" | "relaxed", body: (tx: Transaction<S>) => Promise<T>): Promise<T> {
    try {
      return await this.#attempt(durability, body);
    } catch (error) {
      if (this.#closed || isQuotaExceeded(error)) throw error;
      this.#drop();
      return await this.#attempt(durability, body);
    }
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  async #attempt<T>(durability: "strict" | "relaxed", body: (tx: Transaction<S>) => Promise<T>): Promise<T> {
    const connection = await this.#connect();
    const tx = connection.transaction(this.#stores, "readwrite", { durability });
    const run = async () => {
      try {
        const result = await body(tx);
        // Saves waiting for the event loop to find that no request follows: twice as many commits a second in Chromium.
        tx.commit();
        return result;
      } catch (error) {
        // An aborted transaction says why it was; the request only says that it was aborted.
        const reason = tx.error ?? error;
        abort(tx);
        throw reason;
      }
    };
    const work = Promise.all([run(), tx.done]);
    try {
      const [result] = await withTimeout(work, DATABASE_LIMITS.transactionMaxMs, "IndexedDB transaction");
      return result;
    } catch (error) {
      abort(tx);
      work.catch(() => {});
      throw error;
    }
  }

  #connect(): Promise<IDBPDatabase<S>> {
    if (this.#closed) return Promise.reject(new DOMException("the log is closed", "InvalidStateError"));
    if (this.#connection !== null) return this.#connection;
    const stores = this.#stores;
    const opening = openDB<S>(this.#name, 1, {
      upgrade: (db) => stores.forEach((store) => db.createObjectStore(store)),
      // Another tab upgrades or deletes: whoever does not let go blocks it.
      blocking: () => void this.#letGo(true),
      terminated: () => void this.#letGo(false),
    });
    const connection = withTimeout(opening, DATABASE_LIMITS.openMaxMs, "IndexedDB open");
    this.#connection = connection;
    connection.catch(() => {
      if (this.#connection === connection) this.#connection = null;
      // It may open after all, later: nobody waits for it any more.
      opening.then((db) => db.close()).catch(() => {});
    });
    return connection;
  }

  async #letGo(asked: boolean): Promise<void> {
    const opening = this.#connection;
    this.#connection = null;
    const connection = (await opening?.catch(() => null)) ?? null;
    try {
      await this.#onDisconnect(asked ? connection : null);
    } finally {
      connection?.close();
    }
  }

  #drop(): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.then((db) => db.close()).catch(() => {});
  }
}

/** Browsers say it by name, as a DOMException or, since 2025, as an error class of its own. */
export const isQuotaExceeded = (error: unknown): boolean =>
  error instanceof Error && error.name === "QuotaExceededError";

function abort(tx: { abort(): void }): void {
  try {
    tx.abort();
  } catch {
    // It had ended already.
  }
}

async function withTimeout<T>(promise: Promise<T>, maxMs: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DOMException(`${what} took longer than ${maxMs} ms`, "TimeoutError")), maxMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
