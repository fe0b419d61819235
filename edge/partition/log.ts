/**
 * The log: a tail of commits, one row each, and before it sealed segments. Offsets are dense, rise, and are never reused.
 *
 *   start ──── segments, immutable, about 8,192 records each ────┬── tail, one row a commit ──── end
 *
 * Sealing takes the whole tail, so that the tail begins where the last segment ends, and everything that is derived from the
 * log is stored up to the end of a segment. The tail is also kept decoded: it is read by every scan and sealed soon.
 *
 * Lacks decisions: when to seal, and what may be trimmed, is said by its callers.
 */
import { assert } from "#protocol";
import {
  addInterval,
  type ColumnBatch,
  decodeBatch,
  encodeBatch,
  type EncodedBatch,
  ENGINE_LIMITS,
  integerAt,
  type Intervals,
  MINUTE_MS,
  readAdditions,
  seal,
} from "#engine";
import { type AdmissionRecord, decodeAdmission, encodeAdmission, mergeAdmissions } from "./admission-record.ts";
import type { Database } from "./database.ts";
import type { DictionaryStore } from "./dictionary-store.ts";
import { PARTITION_LIMITS } from "./limits.ts";

/** A row of the tail before it is written; a batch of which every event was rejected has no records. */
export interface LogRow {
  readonly appendTime: number;
  readonly count: number;
  readonly encoded: EncodedBatch | null;
  readonly admission: AdmissionRecord | null;
}

export interface SegmentInfo {
  readonly baseOffset: number;
  readonly count: number;
  readonly appendMin: number;
  readonly appendMax: number;
  readonly bytes: number;
}

type StoredLogRow = {
  commit_id: number;
  base_offset: number;
  count: number;
  append_time: number;
  hot: ArrayBuffer | null;
  cold: ArrayBuffer | null;
};

type StoredSegment = { base_offset: number; count: number; dictionary: number; hot: ArrayBuffer };

export class Log {
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
    const last = database.first<{ end: number }>(
      "SELECT base_offset + count AS end FROM segments ORDER BY base_offset DESC LIMIT 1",
    );
    const sealed = database.first<{ id: number | null }>("SELECT max(commit_id) AS id FROM admissions");
    this.#tailStart = Math.max(checkpoint.logEnd, last?.end ?? 0);
    this.#end = this.#tailStart;
    this.#nextCommit = Math.max(checkpoint.commitId, sealed?.id ?? 0) + 1;
    const rows = database.all<StoredLogRow>(
      "SELECT commit_id, base_offset, count, append_time, hot, cold FROM log ORDER BY commit_id",
    );
    for (const row of rows) this.#takeOver(row);
    this.#start = this.#firstOffset();
  }

  get start(): number {
    return this.#start;
  }

  /** The next offset. */
  get end(): number {
    return this.#end;
  }

  /** Where the last segment ends: all before it can be recovered from segments. */
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

  get tail(): readonly ColumnBatch[] {
    return this.#tail;
  }

  // --- Appending ---

  /** Whether a row would make the tail longer than it may be: then it is sealed first. */
  isTailFull(row: LogRow): boolean {
    if (this.#tailRows === 0) return false;
    return (
      this.#tailRows >= PARTITION_LIMITS.tailRowsMax ||
      this.#end - this.#tailStart + row.count > ENGINE_LIMITS.segmentRecordsMax ||
      this.#tailBytes + bytesOf(row.encoded) > PARTITION_LIMITS.tailBytesMax
    );
  }

  /** Appends one row. @returns the batch as it will be read from now on: decoded from the very bytes that were written */
  append(row: LogRow): ColumnBatch | null {
    const { encoded, count, appendTime } = row;
    this.#database.run(
      "INSERT INTO log VALUES (?, ?, ?, ?, ?, ?, ?)",
      this.#nextCommit,
      this.#end,
      count,
      appendTime,
      row.admission && encodeAdmission(row.admission),
      encoded && encoded.hot,
      encoded && encoded.cold,
    );
    this.#dictionaries.markLogged();
    const batch = encoded && this.#decode(encoded.hot, () => encoded.cold, this.#dictionaries.current.generation);
    this.#extend(batch, this.#nextCommit, count, bytesOf(encoded));
    return batch;
  }

  #takeOver({ commit_id, base_offset, count, append_time, hot, cold }: StoredLogRow): void {
    assert(base_offset === this.#end, "offsets without a hole");
    let batch: ColumnBatch | null = null;
    let bytes = 0;
    if (hot !== null && cold !== null) {
      const hotBytes = new Uint8Array(hot);
      this.#dictionaries.replay(readAdditions(hotBytes));
      batch = this.#decode(hotBytes, () => new Uint8Array(cold), this.#dictionaries.current.generation);
      bytes = hot.byteLength + cold.byteLength;
    }
    this.#extend(batch, commit_id, count, bytes);
    this.#lastAppendTime = append_time;
  }

  #extend(batch: ColumnBatch | null, commitId: number, count: number, bytes: number): void {
    if (batch !== null) this.#tail.push(batch);
    this.#tailRows += 1;
    this.#tailBytes += bytes;
    this.#end += count;
    this.#nextCommit = commitId + 1;
  }

  // --- Sealing ---

  /** Turns the tail into segments. To be called in a transaction. */
  seal(): void {
    if (this.#tailRows === 0) return;
    for (const { batch, encoded } of this.#encodeSegments(this.#tail)) {
      this.#database.run(
        `INSERT INTO segments VALUES
           (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
            ?8 + coalesce((SELECT position FROM segments ORDER BY base_offset DESC LIMIT 1), 0), ?9, ?10)`,
        batch.baseOffset,
        batch.count,
        integerAt(batch.appendTimes, 0),
        batch.appendTimeMax,
        batch.minuteMin,
        batch.minuteMax,
        this.#dictionaries.current.generation,
        bytesOf(encoded),
        encoded.hot,
        encoded.cold,
      );
    }
    for (const record of mergeAdmissions(this.#tailAdmissions())) {
      this.#database.run(
        "INSERT INTO admissions (commit_id, producers) VALUES (?, ?)",
        this.commitId,
        encodeAdmission(record),
      );
    }
    this.#dictionaries.store();
    this.#database.run("DELETE FROM log");
    this.#tail = [];
    this.#tailRows = 0;
    this.#tailBytes = 0;
    this.#tailStart = this.#end;
  }

  /** Seals batches into one segment, or into several if one would not fit a row. */
  #encodeSegments(batches: readonly ColumnBatch[]): readonly { batch: ColumnBatch; encoded: EncodedBatch }[] {
    if (batches.length === 0) return [];
    const batch = seal(batches);
    const encoded = encodeBatch(batch, this.#dictionaries.current, null);
    const longest = Math.max(encoded.hot.length, encoded.cold.length);
    if (longest <= ENGINE_LIMITS.storedBytesMax || batches.length === 1) return [{ batch, encoded }];
    const half = Math.ceil(batches.length / 2);
    return [...this.#encodeSegments(batches.slice(0, half)), ...this.#encodeSegments(batches.slice(half))];
  }

  // --- Reading ---

  /** What admission decided in the tail's commits. */
  #tailAdmissions(): readonly AdmissionRecord[] {
    const rows = this.#database.all<{ producers: string | null }>("SELECT producers FROM log ORDER BY commit_id");
    return rows.map((row) => decodeAdmission(row.producers));
  }

  /** What admission decided since the last checkpoint. */
  admissionsSinceCheckpoint(): readonly AdmissionRecord[] {
    const sealed = this.#database.all<{ producers: string }>("SELECT producers FROM admissions ORDER BY id");
    return [...sealed.map((row) => decodeAdmission(row.producers)), ...this.#tailAdmissions()];
  }

  /**
   * The next segment that ends after `offset` and holds event times in [minuteFrom, minuteTo), if it begins before `end`;
   * undefined if there is none. Its cold part is read only if something in it is asked for.
   */
  segmentAt(offset: number, end = Infinity, minuteFrom = -Infinity, minuteTo = Infinity): ColumnBatch | undefined {
    const row = this.#database.first<StoredSegment>(
      `SELECT base_offset, count, dictionary, hot FROM segments
       WHERE base_offset >= coalesce((SELECT base_offset FROM segments WHERE base_offset <= ? ORDER BY base_offset DESC LIMIT 1), 0)
         AND base_offset + count > ? AND base_offset < ? AND minute_max >= ? AND minute_min < ?
       ORDER BY base_offset LIMIT 1`,
      offset,
      offset,
      finite(end),
      finite(minuteFrom),
      finite(minuteTo),
    );
    return row && this.#decodeSegment(row);
  }

  #decodeSegment({ base_offset, dictionary, hot }: StoredSegment): ColumnBatch {
    const cold = () =>
      new Uint8Array(
        this.#database.only<{ cold: ArrayBuffer }>("SELECT cold FROM segments WHERE base_offset = ?", base_offset).cold,
      );
    return this.#decode(new Uint8Array(hot), cold, dictionary);
  }

  #decode(hot: Uint8Array, cold: () => Uint8Array, generation: number): ColumnBatch {
    const decoded = decodeBatch(hot, cold, this.#dictionaries.of(generation));
    if (!decoded.ok) throw new Error(`the log is damaged: ${decoded.failure.reason}, ${decoded.failure.detail}`);
    return decoded.value;
  }

  // --- Retention ---

  /** The first segments, oldest first. */
  oldestSegments(limit: number): readonly SegmentInfo[] {
    return this.#database
      .all<{ base_offset: number; count: number; append_min: number; append_max: number; bytes: number }>(
        "SELECT base_offset, count, append_min, append_max, bytes FROM segments ORDER BY base_offset LIMIT ?",
        limit,
      )
      .map((row) => ({
        baseOffset: row.base_offset,
        count: row.count,
        appendMin: row.append_min,
        appendMax: row.append_max,
        bytes: row.bytes,
      }));
  }

  /** Append time of the oldest record; null if there is none. */
  get oldestAppendTime(): number | null {
    return this.oldestSegments(1)[0]?.appendMin ?? this.tailOldestAppendTime;
  }

  get tailOldestAppendTime(): number | null {
    const [batch] = this.#tail;
    return batch === undefined ? null : integerAt(batch.appendTimes, 0);
  }

  /** Bytes of all segments. */
  get segmentBytes(): number {
    const ends = this.#database.only<{ first: number | null; last: number | null }>(
      `SELECT (SELECT position - bytes FROM segments ORDER BY base_offset LIMIT 1) AS first,
              (SELECT position FROM segments ORDER BY base_offset DESC LIMIT 1) AS last`,
    );
    return (ends.last ?? 0) - (ends.first ?? 0);
  }

  get segmentCount(): number {
    return this.#database.only<{ count: number }>("SELECT count(*) AS count FROM segments").count;
  }

  /** Takes the first segment away. To be called in a transaction. @returns the event times of what went */
  trimFirst(): Intervals {
    const first = this.segmentAt(this.#start);
    assert(first !== undefined && first.baseOffset === this.#start, "a segment to trim");
    this.#database.run("DELETE FROM segments WHERE base_offset = ?", first.baseOffset);
    this.#start = this.#firstOffset();
    const oldest = this.#database.first<{ dictionary: number }>(
      "SELECT dictionary FROM segments ORDER BY base_offset LIMIT 1",
    );
    this.#dictionaries.dropBefore(oldest?.dictionary ?? Infinity);
    return minutesOf(first);
  }

  #firstOffset(): number {
    const first = this.#database.first<{ base_offset: number }>(
      "SELECT base_offset FROM segments ORDER BY base_offset LIMIT 1",
    );
    return first?.base_offset ?? this.#tailStart;
  }
}

/** The minutes in which a batch has records, as intervals. */
function minutesOf(batch: ColumnBatch): Intervals {
  const minutes = new Set<number>();
  for (let i = 0; i < batch.count; i++) minutes.add(integerAt(batch.minutes, i));
  const sorted = Float64Array.from(minutes).sort();
  let intervals: Intervals = [];
  let from = sorted[0] as number;
  sorted.forEach((minute, i) => {
    if (sorted[i + 1] === minute + 1) return;
    intervals = addInterval(intervals, { from: from * MINUTE_MS, to: (minute + 1) * MINUTE_MS });
    from = sorted[i + 1] as number;
  });
  return intervals;
}

const bytesOf = (encoded: EncodedBatch | null): number =>
  encoded === null ? 0 : encoded.hot.length + encoded.cold.length;

/** SQLite compares with the greatest integer where JavaScript has infinity. */
const finite = (value: number): number => Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
