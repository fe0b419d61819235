/**
 * The log: a tail of commits, one row each, and before it sealed segments. Offsets are dense, rise, and are never reused.
 *
 *   start ──── segments, immutable, about 8,192 records each ────┬── tail, one row a commit ──── end
 *
 * Sealing takes the whole tail, so that the tail begins where the last segment ends. The tail is also kept decoded: it is read
 * by every scan, and sealed soon.
 *
 * Lacks decisions: when to seal, and what may be trimmed, is said by its callers.
 */
import { assert } from "#protocol";
import { type ColumnBatch, type EncodedBatch, ENGINE_LIMITS, integerAt, type Intervals, readAdditions } from "#engine";
import { type AdmissionRecord, decodeAdmission, encodeAdmission, mergeAdmissions } from "./admission-record.ts";
import type { Database } from "./database.ts";
import type { DictionaryStore } from "./dictionary-store.ts";
import { NO_COUNTS } from "./facts.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { bytesOf, decodeStored, Segments } from "./segments.ts";

/** A row of the tail before it is written; a batch of which every event was rejected has no records. */
export interface LogRow {
  readonly appendTime: number;
  readonly count: number;
  readonly encoded: EncodedBatch | null;
  readonly admission: AdmissionRecord | null;
}

type StoredRow = {
  commit_id: number;
  base_offset: number;
  count: number;
  append_time: number;
  hot: ArrayBuffer | null;
  cold: ArrayBuffer | null;
};

export class Log {
  readonly segments: Segments;
  readonly #database: Database;
  readonly #dictionaries: DictionaryStore;
  /** The batches of the tail, in order. */
  #tail: ColumnBatch[] = [];
  #tailRows = 0;
  #tailBytes = 0;
  #tailStart: number;
  #nextCommit: number;
  #start: number;
  #end: number;
  #lastAppendTime = 0;

  /** @param checkpoint what the last checkpoint knew of the log's end, which trimming may have left without any row */
  constructor(database: Database, dictionaries: DictionaryStore, checkpoint: { logEnd: number; commitId: number }) {
    this.#database = database;
    this.#dictionaries = dictionaries;
    this.segments = new Segments(database, dictionaries);
    const sealed = database.first<{ id: number | null }>("SELECT max(commit_id) AS id FROM admissions");
    this.#tailStart = Math.max(checkpoint.logEnd, this.segments.end ?? 0);
    this.#end = this.#tailStart;
    this.#nextCommit = Math.max(checkpoint.commitId, sealed?.id ?? 0) + 1;
    const rows = database.all<StoredRow>(
      "SELECT commit_id, base_offset, count, append_time, hot, cold FROM log ORDER BY commit_id",
    );
    for (const row of rows) this.#takeOver(row);
    this.#start = this.segments.oldest(1)[0]?.baseOffset ?? this.#tailStart;
  }

  get start(): number {
    return this.#start;
  }

  /** The next offset. */
  get end(): number {
    return this.#end;
  }

  /** Where the last segment ends, and the tail begins. */
  get sealedEnd(): number {
    return this.#tailStart;
  }

  /** The id of the last commit. */
  get commitId(): number {
    return this.#nextCommit - 1;
  }

  /** Append time of the tail's last commit; 0 if there is none. */
  get lastAppendTime(): number {
    return this.#lastAppendTime;
  }

  /** Append time of the oldest record; null if there is none. */
  get oldestAppendTime(): number | null {
    return this.segments.oldest(1)[0]?.appendMin ?? this.tailOldestAppendTime;
  }

  get tailOldestAppendTime(): number | null {
    const [batch] = this.#tail;
    return batch === undefined ? null : integerAt(batch.appendTimes, 0);
  }

  get tail(): readonly ColumnBatch[] {
    return this.#tail;
  }

  // --- Appending ---

  /** Whether a row would make the tail longer than it may be: then it is sealed first. */
  isTailFull({ count, encoded }: LogRow): boolean {
    if (this.#tailRows === 0) return false;
    return (
      this.#tailRows >= PARTITION_LIMITS.tailRowsMax ||
      this.#end - this.#tailStart + count > ENGINE_LIMITS.segmentRecordsMax ||
      this.#tailBytes + (encoded === null ? 0 : bytesOf(encoded)) > PARTITION_LIMITS.tailBytesMax
    );
  }

  /** Appends one row. @returns the batch as it will be read from now on: decoded from the very bytes that were written */
  append({ encoded, count, appendTime, admission }: LogRow): ColumnBatch | null {
    this.#database.run(
      "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)",
      this.#nextCommit,
      this.#end,
      count,
      appendTime,
      admission && encodeAdmission(admission),
      encoded && encoded.hot,
      encoded && encoded.cold,
    );
    this.#dictionaries.markLogged();
    const batch = encoded && this.#decode(encoded.hot, encoded.cold);
    this.#extend(batch, this.#nextCommit, count, encoded === null ? 0 : bytesOf(encoded));
    return batch;
  }

  #takeOver({ commit_id, base_offset, count, append_time, hot, cold }: StoredRow): void {
    assert(base_offset === this.#end, "offsets without a hole");
    let batch: ColumnBatch | null = null;
    let bytes = 0;
    if (hot !== null && cold !== null) {
      const hotBytes = new Uint8Array(hot);
      this.#dictionaries.replay(readAdditions(hotBytes));
      batch = this.#decode(hotBytes, new Uint8Array(cold));
      bytes = hot.byteLength + cold.byteLength;
    }
    this.#extend(batch, commit_id, count, bytes);
    this.#lastAppendTime = append_time;
  }

  #decode(hot: Uint8Array, cold: Uint8Array): ColumnBatch {
    // A batch of the tail is one row: it has no wide parts.
    const parts = { cold: () => cold, wide: () => new Uint8Array(0) };
    return decodeStored(hot, parts, this.#dictionaries, this.#dictionaries.current.generation);
  }

  #extend(batch: ColumnBatch | null, commitId: number, count: number, bytes: number): void {
    if (batch !== null) this.#tail.push(batch);
    this.#tailRows += 1;
    this.#tailBytes += bytes;
    this.#end += count;
    this.#nextCommit = commitId + 1;
  }

  // --- Sealing and trimming ---

  /**
   * Turns the tail into segments. To be called in a transaction.
   *
   * @param groupedBy the attribute by whose codes their rows are grouped within a minute
   */
  seal(groupedBy: string | null): void {
    if (this.#tailRows === 0) return;
    this.segments.add(this.#tail, groupedBy);
    for (const record of mergeAdmissions(this.#tailAdmissions())) {
      this.#database.run(
        "INSERT INTO admissions (commit_id, producers) VALUES (?, ?)",
        this.commitId,
        encodeAdmission(record),
      );
    }
    this.#dictionaries.store();
    this.#clearTail();
    this.#tail = [];
    this.#tailRows = 0;
    this.#tailBytes = 0;
    this.#tailStart = this.#end;
  }

  /**
   * Every row of the tail goes at once. Deleting them would be billed as many rows as they are, and so double the price of a
   * commit; dropping the table and making it anew, from its own definition, is one row and as much part of the transaction.
   */
  #clearTail(): void {
    const { sql } = this.#database.only<{ sql: string }>("SELECT sql FROM sqlite_master WHERE name = 'log'");
    this.#database.run("DROP TABLE log");
    this.#database.run(sql);
  }

  /** Takes the first segment away. To be called in a transaction. @returns the event times of what went */
  trimFirst(): Intervals {
    const gone = this.segments.trimFirst();
    this.#start = this.segments.oldest(1)[0]?.baseOffset ?? this.#tailStart;
    return gone;
  }

  /** Takes the records below `before` away, which lies within the first segment. Like {@link trimFirst}. */
  trimWithin(before: number): Intervals {
    const gone = this.segments.trimWithin(before);
    this.#start = before;
    return gone;
  }

  // --- What admission decided ---

  /**
   * What admission decided, as far as it is kept: in commits whose producers are not all stored, and in the tail.
   *
   * @param countedTo the last commit whose counts are known already: those up to it come without
   */
  admissions(countedTo: number): readonly AdmissionRecord[] {
    const sealed = this.#database.all<{ commit_id: number; producers: string }>(
      "SELECT commit_id, producers FROM admissions ORDER BY id",
    );
    return [
      ...sealed.map(({ commit_id, producers }) => {
        const record = decodeAdmission(producers);
        return commit_id > countedTo ? record : { ...record, counters: NO_COUNTS, rejects: [] };
      }),
      ...this.#tailAdmissions(),
    ];
  }

  /** Whether producers in commits up to this one are still to be stored. */
  hasAdmissionsUpTo(commitId: number): boolean {
    return this.#database.first("SELECT 1 AS one FROM admissions WHERE commit_id <= ? LIMIT 1", commitId) !== undefined;
  }

  /** Drops what admission decided up to a commit: the producers in it are stored, and its counts are. */
  dropAdmissions(commitId: number): void {
    this.#database.run("DELETE FROM admissions WHERE commit_id <= ?", commitId);
  }

  #tailAdmissions(): readonly AdmissionRecord[] {
    const rows = this.#database.all<{ producers: string | null }>("SELECT producers FROM log ORDER BY commit_id");
    return rows.map((row) => decodeAdmission(row.producers));
  }
}
