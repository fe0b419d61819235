/**
 * Sealed segments: immutable runs of the log, a row each and another one for the columns kept apart. The first ones go, new ones
 * come at the end, and nothing in between ever changes.
 *
 * The cold part is compressed: texts are most of a click's bytes, and are read only by whoever wants to see them. The hot part
 * is not: folding compressed columns would take several times as long, to save a tenth of them.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { assert } from "#protocol";
import {
  type ColumnBatch,
  type ColumnChecks,
  decodeBatch,
  encodeBatch,
  type EncodedBatch,
  ENGINE_LIMITS,
  groupRows,
  integerAt,
  type Intervals,
  MINUTE_MS,
  type PartReader,
  seal,
  slice,
  COLUMN_PARTS_MAX,
} from "#engine";
import type { Database } from "./database.ts";
import type { DictionaryStore } from "./dictionary-store.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { SegmentZones } from "./segment-zones.ts";
import { minutesOf } from "./minutes-of.ts";
import { SoundColumns } from "./sound-columns.ts";

export interface SegmentInfo {
  readonly baseOffset: number;
  readonly count: number;
  readonly appendMin: number;
  readonly appendMax: number;
  readonly bytes: number;
  /** The generation of dictionaries that its codes belong to. */
  readonly dictionary: number;
}

type StoredSegment = { base_offset: number; dictionary: number; hot: ArrayBuffer };

/** The fastest: it takes what is repeated, and a seal may not hold appends up. */
const COLD_COMPRESSION = { level: 1 } as const;

export class Segments {
  readonly #database: Database;
  readonly #dictionaries: DictionaryStore;
  readonly #sound = new SoundColumns();
  #zones: SegmentZones | null = null;

  constructor(database: Database, dictionaries: DictionaryStore) {
    this.#database = database;
    this.#dictionaries = dictionaries;
  }

  /**
   * Seals consecutive batches into one segment, or into several if one would not fit a row.
   *
   * @param groupedBy the attribute by whose codes rows are grouped within their minutes
   */
  add(batches: readonly ColumnBatch[], groupedBy: string | null): void {
    if (batches.length === 0) return;
    const batch = seal(batches);
    const { generation } = this.#dictionaries.current;
    const encoded = this.#encode(batch, groupedBy, generation);
    if (longestRow(encoded) > ENGINE_LIMITS.storedBytesMax && batches.length > 1) {
      const half = Math.ceil(batches.length / 2);
      this.add(batches.slice(0, half), groupedBy);
      this.add(batches.slice(half), groupedBy);
      return;
    }
    const last = this.#database.first<{ position: number }>(
      "SELECT position FROM segments ORDER BY base_offset DESC LIMIT 1",
    );
    this.#insert(batch, encoded, generation, (last?.position ?? 0) + bytesOf(encoded));
    this.#zones?.add(batch);
  }

  #encode(batch: ColumnBatch, groupedBy: string | null, generation: number): EncodedBatch {
    const grouped = groupRows(batch, groupedBy);
    const { hot, apart, cold } = encodeBatch(grouped, this.#dictionaries.of(generation), null);
    return { hot, apart, cold: deflateRawSync(cold, COLD_COMPRESSION) };
  }

  #insert(batch: ColumnBatch, encoded: EncodedBatch, generation: number, position: number): void {
    this.#database.run(
      "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      batch.baseOffset,
      batch.count,
      integerAt(batch.appendTimes, 0),
      batch.appendTimeMax,
      batch.minuteMin,
      batch.minuteMax,
      generation,
      bytesOf(encoded),
      position,
      encoded.hot,
      encoded.cold,
    );
    if (encoded.apart.length === 0) return;
    const parts = Array.from({ length: COLUMN_PARTS_MAX }, (_, i) => encoded.apart[i] ?? null);
    this.#database.run(
      `INSERT INTO segment_columns VALUES (?, ${parts.map(() => "?").join(", ")})`,
      batch.baseOffset,
      ...parts,
    );
  }

  #delete(baseOffset: number): void {
    this.#database.run("DELETE FROM segments WHERE base_offset = ?", baseOffset);
    this.#database.run("DELETE FROM segment_columns WHERE base_offset = ?", baseOffset);
    this.#sound.forget(baseOffset);
  }

  /** The segment that ends after `offset` and begins first; undefined if there is none. Its cold part is read when it is asked for. */
  at(offset: number): ColumnBatch | undefined {
    const row = this.#database.first<StoredSegment>(
      `SELECT base_offset, dictionary, hot FROM segments
       WHERE base_offset >=
           coalesce((SELECT base_offset FROM segments WHERE base_offset <= ?1 ORDER BY base_offset DESC LIMIT 1), 0)
         AND base_offset + count > ?1
       ORDER BY base_offset LIMIT 1`,
      offset,
    );
    return row && this.#decode(row);
  }

  /** The same of those that begin before `end` and hold event times in [minuteFrom, minuteTo): for a scan, which skips the others. */
  within(offset: number, end: number, minuteFrom: number, minuteTo: number): ColumnBatch | undefined {
    const zone = this.#knownZones().next(offset, end, minuteFrom, minuteTo);
    if (zone === undefined) return undefined;
    return this.#decode(
      this.#database.only<StoredSegment>(
        "SELECT base_offset, dictionary, hot FROM segments WHERE base_offset = ?",
        zone.baseOffset,
      ),
    );
  }

  #decode({ base_offset, dictionary, hot }: StoredSegment): ColumnBatch {
    const parts = this.#parts(base_offset);
    return decodeStored(new Uint8Array(hot), parts, this.#dictionaries, dictionary, this.#sound.of(base_offset));
  }

  /** Read when they are first needed: an object that is only appended to does without. To ask SQLite each time reads every row's page. */
  #knownZones(): SegmentZones {
    return (this.#zones ??= new SegmentZones(
      this.#database
        .all<{ base_offset: number; count: number; minute_min: number; minute_max: number }>(
          "SELECT base_offset, count, minute_min, minute_max FROM segments ORDER BY base_offset",
        )
        .map((row) => ({
          baseOffset: row.base_offset,
          count: row.count,
          minuteMin: row.minute_min,
          minuteMax: row.minute_max,
        })),
    ));
  }

  #parts(baseOffset: number): PartReader {
    return { apart: (part) => this.#column(baseOffset, part), cold: () => this.#cold(baseOffset) };
  }

  #column(baseOffset: number, part: number): Uint8Array {
    const { bytes } = this.#database.only<{ bytes: ArrayBuffer }>(
      `SELECT part${part} AS bytes FROM segment_columns WHERE base_offset = ?`,
      baseOffset,
    );
    return new Uint8Array(bytes);
  }

  #cold(baseOffset: number): Uint8Array {
    const { cold } = this.#database.only<{ cold: ArrayBuffer }>(
      "SELECT cold FROM segments WHERE base_offset = ?",
      baseOffset,
    );
    return inflateRawSync(new Uint8Array(cold), { maxOutputLength: PARTITION_LIMITS.coldBytesMax });
  }

  /** The first segments, oldest first. */
  oldest(limit: number): readonly SegmentInfo[] {
    return this.from(0, limit);
  }

  /** The first segments that begin at or after `offset`. */
  from(offset: number, limit: number): readonly SegmentInfo[] {
    return this.#database.all<SegmentInfo & Record<string, number>>(
      `SELECT base_offset AS baseOffset, count, append_min AS appendMin, append_max AS appendMax, bytes, dictionary
       FROM segments WHERE base_offset >= ? ORDER BY base_offset LIMIT ?`,
      offset,
      limit,
    );
  }

  /** Where the last segment ends; null if there is none. */
  get end(): number | null {
    const last = this.#database.first<{ end: number }>(
      "SELECT base_offset + count AS end FROM segments ORDER BY base_offset DESC LIMIT 1",
    );
    return last?.end ?? null;
  }

  get count(): number {
    return this.#knownZones().length;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    const ends = this.#database.only<{ first: number | null; last: number | null }>(
      `SELECT (SELECT position - bytes FROM segments ORDER BY base_offset LIMIT 1) AS first,
              (SELECT position FROM segments ORDER BY base_offset DESC LIMIT 1) AS last`,
    );
    return (ends.last ?? 0) - (ends.first ?? 0);
  }

  /** Takes the first segment away. To be called in a transaction. @returns the event times of what went */
  trimFirst(): Intervals {
    const row = this.#database.only<{ base_offset: number; minute_min: number; minute_max: number }>(
      "SELECT base_offset, minute_min, minute_max FROM segments ORDER BY base_offset LIMIT 1",
    );
    const gone = this.#minutesAt(row.base_offset) ?? [
      { from: row.minute_min * MINUTE_MS, to: (row.minute_max + 1) * MINUTE_MS },
    ];
    this.#delete(row.base_offset);
    this.#zones?.replaceFirst(null);
    this.#dictionaries.dropUnused();
    return gone;
  }

  /**
   * Takes the first segment's records below `before` away: what is left of it is the first segment from now on. To be called
   * in a transaction.
   *
   * @returns the event times of what went
   */
  trimWithin(before: number): Intervals {
    const row = this.#database.only<{ base_offset: number; dictionary: number; position: number }>(
      "SELECT base_offset, dictionary, position FROM segments ORDER BY base_offset LIMIT 1",
    );
    const segment = this.at(row.base_offset);
    assert(segment !== undefined, "a segment at its own offset");
    const cut = before - segment.baseOffset;
    const left = slice(segment, cut, segment.count);
    const encoded = this.#encode(left, segment.grouping?.attribute ?? null, row.dictionary);
    this.#delete(row.base_offset);
    this.#insert(left, encoded, row.dictionary, row.position);
    this.#zones?.replaceFirst(left);
    return minutesOf(slice(segment, 0, cut));
  }

  /** The minutes in which a segment has records; null if it is damaged, which must not keep it from being trimmed. */
  #minutesAt(baseOffset: number): Intervals | null {
    try {
      const segment = this.at(baseOffset);
      assert(segment !== undefined, "a segment at its own offset");
      return minutesOf(segment);
    } catch (error) {
      console.error(error);
      return null;
    }
  }
}

/** A batch as it was stored, with the dictionaries of the generation that it was stored under. */
export function decodeStored(
  hot: Uint8Array,
  parts: PartReader,
  dictionaries: DictionaryStore,
  generation: number,
  checks: ColumnChecks | null = null,
): ColumnBatch {
  const decoded = decodeBatch(hot, parts, dictionaries.of(generation), checks);
  if (!decoded.ok) throw new Error(`the log is damaged: ${decoded.failure.reason}, ${decoded.failure.detail}`);
  return decoded.value;
}

export const bytesOf = ({ hot, apart, cold }: EncodedBatch): number => hot.length + lengthOf(apart) + cold.length;

const longestRow = ({ hot, apart, cold }: EncodedBatch): number => Math.max(hot.length, lengthOf(apart), cold.length);

const lengthOf = (parts: readonly Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0);
