/**
 * What the rules of view generations remember, as it is stored: a row for what each checkpoint added, and now and then all of it
 * anew. Written in the transaction that stores a generation's windows, so that both cover the same records.
 */
import { KeyedStretches } from "#engine";
import type { Database } from "./database.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { memoryKey } from "./row-keys.ts";

export class RuleMemories {
  readonly #database: Database;
  /** Rows of each generation. */
  readonly #rows = new Map<number, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  load(id: number): KeyedStretches {
    const memory = new KeyedStretches();
    const rows = this.#database.all<{ state: ArrayBuffer }>(
      "SELECT state FROM rule_memories WHERE key >= ? AND key < ? ORDER BY key",
      memoryKey(id, 0),
      memoryKey(id + 1, 0),
    );
    for (const { state } of rows) memory.absorb(new Uint8Array(state));
    this.#rows.set(id, rows.length);
    return memory;
  }

  /** Stores what a memory has taken up since. To be called in a transaction; if that fails, so has to the object. */
  store(id: number, memory: KeyedStretches): void {
    const stored = this.#rows.get(id) ?? 0;
    const { isWhole, pieces } = memory.take(stored >= PARTITION_LIMITS.memoryRowsMax);
    if (isWhole) this.remove(id);
    const first = isWhole ? 0 : stored;
    pieces.forEach((bytes, i) => {
      this.#database.run("INSERT INTO rule_memories VALUES (?, ?)", memoryKey(id, first + i), bytes);
    });
    this.#rows.set(id, first + pieces.length);
  }

  remove(id: number): void {
    this.#database.run("DELETE FROM rule_memories WHERE key >= ? AND key < ?", memoryKey(id, 0), memoryKey(id + 1, 0));
    this.#rows.delete(id);
  }
}
