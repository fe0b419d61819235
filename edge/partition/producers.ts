/**
 * The producers that a partition knows, which may be millions: in memory are only those that changed since they were last
 * stored, and a bounded cache of stored buckets.
 *
 * A bucket is one row. It holds the producers of one slot, or, once that is too much for a row, a share of them: a slot is
 * split into 2^bits buckets by the last bits of the producer's key, which is a hash, so that all are about equally full.
 *
 *   bucket = slot * 4096 + (key mod 2^bits)
 *
 * Storing what changed touches nearly every bucket, and with millions of producers all of them together are too much for one
 * turn. So it goes slot by slot, a few with each commit; until the last of them is stored, the log's records of what
 * admission decided are kept. Read again on waking, they change nothing that was stored already: later states win.
 *
 * All 2^bits buckets of a slot have a row from its first split on; so the number of rows tells `bits`.
 */
import { assert, ok, TIME_LIMITS } from "#protocol";
import {
  decodeBucket,
  encodeBucket,
  isForgotten,
  type ProducerBucket,
  type ProducerEntry,
  type ProducerRetention,
} from "#engine";
import type { ProducerChange } from "./admission-record.ts";
import type { Database } from "./database.ts";
import { PARTITION_LIMITS } from "./limits.ts";

const RETENTION: ProducerRetention = {
  writeMs: TIME_LIMITS.producerForgottenAfterMs,
  onceMs: TIME_LIMITS.idempotencyKeyKeptMs,
};

const BUCKETS_PER_SLOT = 2 ** PARTITION_LIMITS.bucketSplitBitsMax;

export class ProducerStore {
  readonly #database: Database;
  /** By key. */
  readonly #changed = new Map<string, ProducerChange>();
  /** Slots that are still to be stored, with the producers that had changed when storing began. */
  #storing: { readonly slot: number; readonly keys: readonly string[] }[] = [];
  /** Parsed buckets, the one asked for last at the end. */
  readonly #cache = new Map<number, { readonly entries: ProducerBucket; readonly characters: number }>();
  #cachedCharacters = 0;
  /** How often each slot has been split. */
  readonly #splitBits = new Map<number, number>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** How many producers have changed and are not stored. */
  get changed(): number {
    return this.#changed.size;
  }

  /** What is known of a producer; one that was forgotten is not known, whether its row still has it or not. */
  get(slot: number, key: string, now: number): ProducerEntry | undefined {
    const entry = this.#changed.get(key)?.entry ?? this.#bucket(this.#bucketOf(slot, key)).get(key);
    return entry === undefined || isForgotten(entry, now, RETENTION) ? undefined : entry;
  }

  set(change: ProducerChange): void {
    this.#changed.set(change.key, change);
  }

  /** Begins to store all that has changed until now. */
  beginStoring(): void {
    const bySlot = Map.groupBy(this.#changed.values(), ({ slot }) => slot);
    this.#storing = Array.from(bySlot, ([slot, changes]) => ({ slot, keys: changes.map(({ key }) => key) }));
  }

  /** Stores some slots. To be called in a transaction. @returns whether all that had changed at the beginning is stored */
  storeSlots(slotsMax: number, now: number): boolean {
    for (const { slot, keys } of this.#storing.splice(0, slotsMax)) {
      // In the state in which they are now.
      const changes = keys.flatMap((key) => this.#changed.get(key) ?? []);
      this.#storeSlot(slot, changes, now);
      for (const key of keys) this.#changed.delete(key);
    }
    return this.#storing.length === 0;
  }

  #storeSlot(slot: number, changes: readonly ProducerChange[], now: number): void {
    const byBucket = Map.groupBy(changes, (change) => this.#bucketOf(slot, change.key));
    let overfull = false;
    for (const [bucket, changed] of byBucket) {
      const entries: ProducerBucket = new Map();
      for (const [key, entry] of this.#bucket(bucket)) if (!isForgotten(entry, now, RETENTION)) entries.set(key, entry);
      for (const { key, entry } of changed) entries.set(key, entry);
      if (this.#write(bucket, entries) > PARTITION_LIMITS.bucketCharactersMax) overfull = true;
    }
    while (overfull) overfull = this.#split(slot);
  }

  /** Splits every bucket of a slot in two. @returns whether one of them still is too full */
  #split(slot: number): boolean {
    const bits = this.#bitsOf(slot);
    assert(bits < PARTITION_LIMITS.bucketSplitBitsMax, "a slot's producers fit its buckets");
    let overfull = false;
    for (let share = 0; share < 2 ** bits; share++) {
      const lower = slot * BUCKETS_PER_SLOT + share;
      const upper = lower + 2 ** bits;
      const parts: readonly [ProducerBucket, ProducerBucket] = [new Map(), new Map()];
      for (const [key, entry] of this.#bucket(lower)) parts[(lowBits(key) >> bits) & 1 ? 1 : 0].set(key, entry);
      const longest = Math.max(this.#write(lower, parts[0]), this.#write(upper, parts[1]));
      if (longest > PARTITION_LIMITS.bucketCharactersMax) overfull = true;
    }
    this.#splitBits.set(slot, bits + 1);
    return overfull && bits + 1 < PARTITION_LIMITS.bucketSplitBitsMax;
  }

  #bucketOf(slot: number, key: string): number {
    return slot * BUCKETS_PER_SLOT + (lowBits(key) & (2 ** this.#bitsOf(slot) - 1));
  }

  #bitsOf(slot: number): number {
    let bits = this.#splitBits.get(slot);
    if (bits === undefined) {
      const { count } = this.#database.only<{ count: number }>(
        "SELECT count(*) AS count FROM producers WHERE bucket >= ? AND bucket < ?",
        slot * BUCKETS_PER_SLOT,
        (slot + 1) * BUCKETS_PER_SLOT,
      );
      bits = count === 0 ? 0 : Math.log2(count);
      this.#splitBits.set(slot, bits);
    }
    return bits;
  }

  #bucket(bucket: number): ProducerBucket {
    const cached = this.#cache.get(bucket);
    if (cached !== undefined) {
      this.#cache.delete(bucket);
      this.#cache.set(bucket, cached);
      return cached.entries;
    }
    const row = this.#database.first<{ entries: string }>("SELECT entries FROM producers WHERE bucket = ?", bucket);
    const decoded = row === undefined ? ok(new Map<string, ProducerEntry>()) : decodeBucket(row.entries);
    assert(decoded.ok, "a known version of a producer bucket");
    const entries = decoded.value;
    this.#keep(bucket, entries, row?.entries.length ?? 0);
    return entries;
  }

  /** @returns the characters that it takes */
  #write(bucket: number, entries: ProducerBucket): number {
    const text = encodeBucket(entries);
    this.#database.run("INSERT OR REPLACE INTO producers VALUES (?, ?)", bucket, text);
    this.#keep(bucket, entries, text.length);
    return text.length;
  }

  #keep(bucket: number, entries: ProducerBucket, characters: number): void {
    this.#cachedCharacters += characters - (this.#cache.get(bucket)?.characters ?? 0);
    this.#cache.delete(bucket);
    this.#cache.set(bucket, { entries, characters });
    for (const [oldest, { characters: freed }] of this.#cache) {
      if (this.#cachedCharacters <= PARTITION_LIMITS.bucketsCachedCharactersMax || oldest === bucket) break;
      this.#cache.delete(oldest);
      this.#cachedCharacters -= freed;
    }
  }
}

/** The last bits of a key of hexadecimal digits. */
const lowBits = (key: string): number => Number.parseInt(key.slice(-4), 16);
