/**
 * What of the log is archived: packs of segments, each an object of the bucket, and here a few numbers. A pack begins where the
 * one before it ends, unless records in between were trimmed while nothing was archived.
 */
import type { Database } from "./database.ts";
import { endOf, SegmentZones, type Zone } from "./segment-zones.ts";

/** Append times in milliseconds since the epoch, event times in whole minutes. */
export interface PackInfo extends Zone {
  readonly appendMin: number;
  readonly appendMax: number;
  readonly bytes: number;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly sha256: string;
}

export class Packs {
  readonly #database: Database;
  readonly #zones: SegmentZones;
  #bytes = 0;

  constructor(database: Database) {
    this.#database = database;
    const rows = database.all<{ base: number; count: number; min: number; max: number; bytes: number }>(
      `SELECT base_offset AS base, count, minute_min AS min, minute_max AS max, bytes FROM packs ORDER BY base_offset`,
    );
    this.#zones = new SegmentZones(
      rows.map(({ base, count, min, max }) => ({ baseOffset: base, count, minuteMin: min, minuteMax: max })),
    );
    for (const { bytes } of rows) this.#bytes += bytes;
  }

  get count(): number {
    return this.#zones.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The first record's offset; null: nothing is archived. */
  get start(): number | null {
    return this.#zones.first?.baseOffset ?? null;
  }

  /** The offset behind the last record's; 0: nothing is archived. */
  get end(): number {
    const { last } = this.#zones;
    return last === undefined ? 0 : endOf(last);
  }

  /** A pack behind all others. To be called in a transaction. */
  add({ baseOffset, count, appendMin, appendMax, minuteMin, minuteMax, bytes, sha256 }: PackInfo): void {
    this.#database.run(
      "INSERT INTO packs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      baseOffset,
      count,
      appendMin,
      appendMax,
      minuteMin,
      minuteMax,
      bytes,
      sha256,
    );
    this.#zones.add({ baseOffset, count, minuteMin, minuteMax });
    this.#bytes += bytes;
  }

  /** The first pack; there has to be one. */
  oldest(): PackInfo {
    return this.#database.only<PackInfo & Record<string, number | string>>(
      `SELECT base_offset AS baseOffset, count, append_min AS appendMin, append_max AS appendMax,
              minute_min AS minuteMin, minute_max AS minuteMax, bytes, sha256
       FROM packs ORDER BY base_offset LIMIT 1`,
    );
  }

  /** To be called in a transaction. */
  removeFirst(): void {
    const { baseOffset, bytes } = this.oldest();
    this.#database.run("DELETE FROM packs WHERE base_offset = ?", baseOffset);
    this.#zones.replaceFirst(null);
    this.#bytes -= bytes;
  }

  sha256Of({ baseOffset }: Zone): string {
    return this.#database.only<{ sha256: string }>("SELECT sha256 FROM packs WHERE base_offset = ?", baseOffset).sha256;
  }

  /** The first pack that ends after `offset`, begins before `end` and has event times in [minuteFrom, minuteTo). */
  next(offset: number, end: number, minuteFrom = -Infinity, minuteTo = Infinity): Zone | undefined {
    return this.#zones.next(offset, end, minuteFrom, minuteTo);
  }
}
