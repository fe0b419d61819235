/**
 * Where the partition's dictionaries are kept. New entries are first stored inside the log row that brought them, so that an
 * append is one row; sealing, which takes those rows away, moves them to rows of their own.
 *
 * Dictionaries come in generations: a segment names the one its codes belong to, and so does a stored window of a view. From time
 * to time a new one is opened, and an old one goes with the last segment and the last window that name it; otherwise values
 * that nobody uses any more would stay for ever. Windows are not searched for that: they are stored under the generation that
 * is current, so that when those of before some time are gone, so is the use of what was superseded before it.
 */
import {
  decodeAdditions,
  Dictionaries,
  type DictionaryAdditions,
  type DictionaryMark,
  encodeAdditions,
  type HashSeed,
  splitAdditions,
} from "#engine";
import type { Database } from "./database.ts";
import type { Facts, FactStore } from "./facts.ts";
import { PARTITION_LIMITS } from "./limits.ts";

export class DictionaryStore {
  readonly #database: Database;
  readonly #facts: FactStore;
  readonly #seed: HashSeed;
  /** Older generations that a reader asked for, the one asked for last at the end. */
  readonly #old = new Map<number, Dictionaries>();
  #current: Dictionaries;
  #openedAt: number;
  /** What log rows hold, and what rows of the dictionaries' own hold. */
  #logged: DictionaryMark;
  #stored: DictionaryMark;

  constructor(database: Database, facts: FactStore, seed: HashSeed, now: number) {
    this.#database = database;
    this.#facts = facts;
    this.#seed = seed;
    let fact = facts.get("dictionary");
    if (fact === undefined) {
      fact = { generation: 1, openedAt: now };
      facts.put("dictionary", fact);
      facts.put("windowDictionaries", { from: fact.generation, opened: [{ generation: fact.generation, at: now }] });
    }
    this.#openedAt = fact.openedAt;
    this.#current = this.#load(fact.generation);
    this.#stored = this.#logged = this.#current.mark();
  }

  get current(): Dictionaries {
    return this.#current;
  }

  of(generation: number): Dictionaries {
    if (generation === this.#current.generation) return this.#current;
    const known = this.#old.get(generation) ?? this.#load(generation);
    this.#old.delete(generation);
    this.#old.set(generation, known);
    this.#forget();
    return known;
  }

  /** Lets go of older generations beyond the bounds, but not of the one that was asked for last. */
  #forget(): void {
    let bytes = 0;
    for (const dictionaries of this.#old.values()) bytes += dictionaries.bytes;
    for (const [generation, dictionaries] of this.#old) {
      const { oldDictionariesLoadedMax, oldDictionariesBytesMax } = PARTITION_LIMITS;
      const isBeyond = this.#old.size > oldDictionariesLoadedMax || bytes > oldDictionariesBytesMax;
      if (!isBeyond || this.#old.size === 1) return;
      this.#old.delete(generation);
      bytes -= dictionaries.bytes;
    }
  }

  /** Takes over what a log row brought: on waking. */
  replay(additions: DictionaryAdditions): void {
    this.#current.apply(additions);
    this.#logged = this.#current.mark();
  }

  /** Entries that no row holds yet, to be written with the next log row. */
  unlogged(): DictionaryAdditions {
    return this.#current.additionsSince(this.#logged);
  }

  markLogged(): void {
    this.#logged = this.#current.mark();
  }

  /** Stores the entries that only log rows hold. To be called in the transaction that takes those rows away. */
  store(): void {
    const { generation } = this.#current;
    const additions = this.#current.additionsSince(this.#stored);
    for (const row of splitAdditions(additions, PARTITION_LIMITS.dictionaryRowBytesMax)) {
      this.#database.run(
        "INSERT INTO dictionaries (generation, additions) VALUES (?, ?)",
        generation,
        encodeAdditions(row),
      );
    }
    this.#stored = this.#current.mark();
  }

  /** Whether it is time for a new generation. */
  isDue(now: number, retentionMs: number): boolean {
    const age = now - this.#openedAt;
    if (age >= retentionMs * PARTITION_LIMITS.dictionaryAgeShare) return this.#current.names.length > 0;
    return this.#current.isFull && age >= PARTITION_LIMITS.fullDictionaryAgeMinMs;
  }

  /**
   * Opens a new generation. Only while the log has no tail: rows of the tail have codes of the current one. That one goes from
   * memory: who asks for it again gets it from its rows without what appending took.
   */
  renew(now: number): void {
    const generation = this.#current.generation + 1;
    this.#facts.put("dictionary", { generation, openedAt: now });
    const { from, opened } = this.#windowUse();
    this.#facts.put("windowDictionaries", { from, opened: [...opened, { generation, at: now }] });
    this.#current = new Dictionaries(generation, this.#seed);
    this.#openedAt = now;
    this.#stored = this.#logged = this.#current.mark();
  }

  /** Says that no window is left that was stored before `time`. To be called in a transaction. */
  releaseBefore(time: number): void {
    const { from, opened } = this.#windowUse();
    // What was current at that time may have been used after it.
    const inUse = opened.findLast(({ at }) => at <= time)?.generation ?? from;
    const kept = opened.filter(({ generation }) => generation >= inUse);
    if (inUse > from) this.#facts.put("windowDictionaries", { from: inUse, opened: kept });
    this.dropUnused();
  }

  /** Drops the generations that no segment and no window names any more. */
  dropUnused(): void {
    const segment = this.#database.first<{ dictionary: number }>(
      "SELECT dictionary FROM segments ORDER BY base_offset LIMIT 1",
    );
    const hasWindows = ["window_rows", "comparison_rows"].some(
      (table) => this.#database.first(`SELECT 1 AS one FROM ${table} LIMIT 1`) !== undefined,
    );
    const windowsFrom = hasWindows ? this.#windowUse().from : Infinity;
    const oldest = Math.min(segment?.dictionary ?? Infinity, windowsFrom, this.#current.generation);
    this.#database.run("DELETE FROM dictionaries WHERE generation < ?", oldest);
    for (const known of this.#old.keys()) if (known < oldest) this.#old.delete(known);
  }

  /** A partition of before windows referred to dictionaries has none that do. */
  #windowUse(): Facts["windowDictionaries"] {
    const { generation } = this.#current;
    return this.#facts.get("windowDictionaries") ?? { from: generation, opened: [{ generation, at: this.#openedAt }] };
  }

  #load(generation: number): Dictionaries {
    const dictionaries = new Dictionaries(generation, this.#seed);
    // In pages, so that rows and what becomes of them are not in memory twice.
    for (let last = 0; ;) {
      const rows = this.#database.all<{ id: number; additions: ArrayBuffer }>(
        "SELECT id, additions FROM dictionaries WHERE generation = ? AND id > ? ORDER BY id LIMIT ?",
        generation,
        last,
        PARTITION_LIMITS.dictionaryRowsPageMax,
      );
      for (const { id, additions } of rows) {
        dictionaries.apply(decodeAdditions(new Uint8Array(additions)));
        last = id;
      }
      if (rows.length < PARTITION_LIMITS.dictionaryRowsPageMax) break;
    }
    return dictionaries;
  }
}
