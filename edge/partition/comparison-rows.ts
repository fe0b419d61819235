/**
 * The rows of frozen comparisons: of each UTC day, pieces of group tables, in the order in which they were frozen: of windows
 * as they were before, as they are after, and of those that are the same on both sides. A row has many pieces of one side, one behind the other: rows are what is paid for. Lacks any knowledge of what is in them.
 */
import { assert } from "#protocol";
import type { Database } from "./database.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { comparisonKey, comparisonKeyFrom, comparisonPlaceOf } from "./row-keys.ts";

/** Numbers are stored. */
export const SIDES = { before: 0, after: 1, both: 2 } as const;
const SIDE_NAMES = ["before", "after", "both"] as const;

export type SidesOf<T> = { readonly [side in keyof typeof SIDES]: T };

export interface ComparisonPage {
  /** Rows, each of which is to be cut into pieces. */
  readonly rows: SidesOf<readonly Uint8Array[]>;
  /** The part of the day to go on with; null: there is none. */
  readonly next: number | null;
}

export class ComparisonRows {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Adds to what there is of a day. To be called in a transaction. */
  append(id: number, day: number, pieces: SidesOf<Iterable<Uint8Array>>): void {
    const last = this.#database.first<{ key: number }>(
      "SELECT key FROM comparison_rows WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1",
      comparisonKeyFrom(id, day),
      comparisonKeyFrom(id, day + 1),
    );
    let part = last === undefined ? 0 : comparisonPlaceOf(last.key).part + 1;
    for (const name of SIDE_NAMES) {
      for (const row of packPieces(pieces[name], PARTITION_LIMITS.comparisonRowBytesMax)) {
        const key = comparisonKey(id, { day, part: part++, side: SIDES[name] });
        this.#database.run("INSERT INTO comparison_rows VALUES (?, ?)", key, row);
      }
    }
  }

  /** The first day at or after `day` that there is something of; null: none. */
  firstDay(id: number, day: number): number | null {
    const row = this.#database.first<{ key: number }>(
      "SELECT key FROM comparison_rows WHERE key >= ? AND key < ? ORDER BY key LIMIT 1",
      comparisonKeyFrom(id, day),
      comparisonKeyFrom(id, Infinity),
    );
    return row === undefined ? null : comparisonPlaceOf(row.key).day;
  }

  /** What there is of a day, from a part on, until it is at least so many bytes. */
  read(id: number, day: number, part: number, bytesMax: number): ComparisonPage {
    const rows: SidesOf<Uint8Array[]> = { before: [], after: [], both: [] };
    const end = comparisonKeyFrom(id, day + 1);
    let from = comparisonKey(id, { day, part, side: 0 });
    for (let bytes = 0, last = part; ;) {
      const row = this.#database.first<{ key: number; state: ArrayBuffer }>(
        "SELECT key, state FROM comparison_rows WHERE key >= ? AND key < ? ORDER BY key LIMIT 1",
        from,
        end,
      );
      if (row === undefined) return { rows, next: null };
      const place = comparisonPlaceOf(row.key);
      if (bytes >= bytesMax && place.part !== last) return { rows, next: place.part };
      const name = SIDE_NAMES[place.side];
      assert(name !== undefined, "a side that has a name");
      rows[name].push(new Uint8Array(row.state));
      bytes += row.state.byteLength;
      last = place.part;
      from = row.key + 1;
    }
  }

  /** Takes away as much of a comparison as one turn should. @returns whether there was any */
  removeSome(id: number): boolean {
    const rows = this.#database.all<{ key: number }>(
      "SELECT key FROM comparison_rows WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
      comparisonKeyFrom(id, 0),
      comparisonKeyFrom(id, Infinity),
      PARTITION_LIMITS.droppedComparisonRowsMax,
    );
    const [first, last] = [rows[0], rows.at(-1)];
    if (first === undefined || last === undefined) return false;
    this.#database.run("DELETE FROM comparison_rows WHERE key BETWEEN ? AND ?", first.key, last.key);
    return true;
  }
}

/** Puts pieces one behind the other into rows. Each says how long it is, so that they come apart again. */
function* packPieces(pieces: Iterable<Uint8Array>, bytesMax: number): Generator<Uint8Array> {
  let packed: Uint8Array[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    if (packed.length > 0 && bytes + piece.length > bytesMax) {
      yield concat(packed, bytes);
      packed = [];
      bytes = 0;
    }
    packed.push(piece);
    bytes += piece.length;
  }
  if (packed.length > 0) yield concat(packed, bytes);
}

function concat(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
