/**
 * What a new generation changed. For a build, both sides of each UTC day are frozen as bytes, to be merged over partitions
 * and shown; for a verification, both sides of each window are compared by digest, and only counts are kept.
 *
 * Both generations are live when this runs, so in any one turn they stand at the same offset. It works a run of windows a
 * turn, and appends go on in between: of each window both sides are equal in what was folded, though a later one has seen
 * more.
 */
import { createState, digestTable, type FoldState, type GroupTable, meets, mergeWindow, pieceLength } from "#engine";
import type { Database } from "./database.ts";
import { FrozenDay } from "./frozen-day.ts";
import type { Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { PartitionDiffDay } from "./rpc.ts";
import { nextWindow, readWindows, sourcesOf, turnEnd } from "./view-reader.ts";
import type { Views } from "./views.ts";
import type { WindowsPage, WindowStore } from "./window-store.ts";

const DAY_MS = 86_400_000;
/** Both sides of it are compared in one turn. */
const COMPARED_PAGE: WindowsPage = {
  rowsMax: PARTITION_LIMITS.comparedWindowsMax,
  bytesMax: PARTITION_LIMITS.comparedBytesMax,
};
const SIDES = { before: 0, after: 1 } as const;

export class Comparisons {
  readonly #database: Database;
  readonly #views: Views;
  readonly #windows: WindowStore;
  /** The day that is being frozen. */
  #day: FrozenDay | null = null;

  constructor(database: Database, views: Views, windows: WindowStore) {
    this.#database = database;
    this.#views = views;
    this.#windows = windows;
  }

  /** Compares some windows of a day more, and settles the generation after the last one. */
  step(generation: Generation): void {
    const origin = this.#views.originOf(generation);
    if (origin === undefined) return this.#finish(generation);
    const done = this.#day?.id === generation.id ? this.#day.to : (generation.record.comparedTo ?? 0);
    const starts = [generation, origin].map((side) => nextWindow(this.#views, this.#windows, side, done));
    const from = Math.min(...starts.map((start) => start ?? Infinity));
    if (from === Infinity) return this.#finish(generation);
    const day = Math.floor(from / DAY_MS) * DAY_MS;
    const to = turnEnd(this.#views, this.#windows, [generation, origin], from, day + DAY_MS, COMPARED_PAGE);
    if (generation.config.mode === "verify") {
      this.#database.transaction(() => this.#verify(generation, origin, from, to));
    } else {
      this.#freeze(generation, origin, day, from, to);
    }
  }

  #finish(generation: Generation): void {
    const { config, verification } = generation.record;
    this.#database.transaction(() => {
      if (config.mode === "verify" && this.#views.originOf(generation) === undefined) {
        this.#views.fail(generation, "the generation that it was compared with is gone, or has failed");
      } else if (config.mode === "verify") {
        this.#views.settle(generation, { phase: verification.differing === 0 ? "verified" : "differs" });
      } else {
        this.#write(generation);
        this.#day = null;
        // An older comparison of the view says nothing any more.
        for (const other of this.#views.all) {
          if (other !== generation && other.config.view === config.view) this.remove(other.id);
        }
        this.#views.settle(generation, { phase: "caught-up" });
      }
    });
  }

  // --- Verification ---

  /** Compares windows, digest by digest. Those that the log could not give again are skipped, and counted. */
  #verify(generation: Generation, origin: Generation, from: number, to: number): void {
    const { windowMs } = generation.config.spec;
    const before = this.#collect(origin, from, to);
    const after = this.#collect(generation, from, to);
    let { compared, differing, skipped } = generation.record.verification;
    for (const start of new Set([...before.windows.keys(), ...after.windows.keys()])) {
      const isLost = [generation, origin].some(({ record }) => meets(record.excluded, start, start + windowMs));
      if (isLost) {
        skipped += 1;
        continue;
      }
      compared += 1;
      if (digestOf(before, start) !== digestOf(after, start)) differing += 1;
    }
    this.#views.settle(generation, { comparedTo: to, verification: { compared, differing, skipped } });
  }

  #collect(side: Generation, from: number, to: number): FoldState {
    const state = createState(side.plan);
    for (const tables of readWindows(this.#views, this.#windows, side, from, to, state)) {
      for (const table of tables) {
        // What was read for this state may become its own; what is live goes on changing.
        const isOwn = table.interners === state.interners;
        if (isOwn && !state.windows.has(table.start)) {
          state.windows.set(table.start, table);
          state.groups += table.size;
        } else {
          mergeWindow(side.plan, state, table);
        }
      }
    }
    return state;
  }

  // --- Freezing ---

  /** Adds both sides of some windows to their day. */
  #freeze(generation: Generation, origin: Generation, day: number, from: number, to: number): void {
    if (this.#day?.id !== generation.id || this.#day.day !== day) {
      this.#database.transaction(() => this.#write(generation));
      const isLarge = [origin, generation].some(
        (side) => this.#storedBytes(side, day) > PARTITION_LIMITS.comparedDayBytesMax,
      );
      this.#day = new FrozenDay(generation, origin, day, isLarge);
    }
    const frozen = this.#day;
    for (const side of [frozen.before, frozen.after]) side.add(this.#collect(side.generation, from, to));
    frozen.to = to;
    if (frozen.isFull) this.#database.transaction(() => this.#write(generation));
  }

  /** Writes what was frozen and is in memory only, with how far the comparison has come by that. */
  #write(generation: Generation): void {
    if (this.#day?.id !== generation.id) return;
    const { id, day, before, after, to } = this.#day;
    for (const [side, frozen] of [
      [SIDES.before, before],
      [SIDES.after, after],
    ] as const) {
      let { part } = this.#database.only<{ part: number }>(
        "SELECT coalesce(max(part) + 1, 0) AS part FROM comparisons WHERE generation = ? AND day = ? AND side = ?",
        id,
        day,
        side,
      );
      for (const row of packPieces(frozen.take(), PARTITION_LIMITS.comparisonRowBytesMax)) {
        this.#database.run("INSERT INTO comparisons VALUES (?, ?, ?, ?, ?)", id, day, side, part++, row);
      }
    }
    this.#views.settle(generation, { comparedTo: to });
  }

  #storedBytes(generation: Generation, day: number): number {
    const sources = sourcesOf(this.#views, generation, day, day + DAY_MS);
    return sources.reduce((sum, source) => sum + this.#windows.bytes(source.generation.id, source.from, source.to), 0);
  }

  /** The first frozen day at or after `day`: all of it, or from a part on as much as is read in one turn. */
  read(id: number, day: number, part?: number): PartitionDiffDay {
    const row = this.#database.first<{ day: number }>(
      "SELECT day FROM comparisons WHERE generation = ? AND day >= ? ORDER BY day LIMIT 1",
      id,
      day,
    );
    if (row === undefined) return { day: null, before: [], after: [] };
    const { day: found } = row;
    if (part === undefined) {
      return { day: found, before: this.#side(id, found, SIDES.before), after: this.#side(id, found, SIDES.after) };
    }
    const before: Uint8Array[] = [];
    const after: Uint8Array[] = [];
    // Part by part: to ask SQLite for their lengths would read all of them, since in this table a row is a key of the index.
    let bytes = 0;
    for (let next = part; ; next++) {
      const more = [this.#side(id, found, SIDES.before, next), this.#side(id, found, SIDES.after, next)] as const;
      if (more[0].length + more[1].length === 0) return { day: found, before, after };
      before.push(...more[0]);
      after.push(...more[1]);
      bytes += more.flat().reduce((sum, piece) => sum + piece.length, 0);
      if (bytes >= PARTITION_LIMITS.comparisonReadBytesMax) return { day: found, before, after, next: next + 1 };
    }
  }

  /** One side of a day: of all its parts, or of one. */
  #side(id: number, day: number, side: number, part: number | null = null): Uint8Array[] {
    return this.#database
      .all<{ state: ArrayBuffer }>(
        `SELECT state FROM comparisons
         WHERE generation = ? AND day = ? AND side = ? AND part BETWEEN ? AND ? ORDER BY part`,
        id,
        day,
        side,
        part ?? 0,
        part ?? Number.MAX_SAFE_INTEGER,
      )
      .flatMap(({ state }) => unpackPieces(new Uint8Array(state)));
  }

  remove(id: number): void {
    while (this.removeSome(id));
  }

  /** Takes away as much of a comparison as one turn should. @returns whether there was any */
  removeSome(id: number): boolean {
    if (this.#day?.id === id) this.#day = null;
    const first = this.#database.first<{ day: number; side: number; part: number }>(
      "SELECT day, side, part FROM comparisons WHERE generation = ? ORDER BY day, side, part LIMIT 1",
      id,
    );
    if (first === undefined) return false;
    const { day, side, part } = first;
    const end = part + PARTITION_LIMITS.droppedComparisonRowsMax;
    this.#database.run(
      "DELETE FROM comparisons WHERE generation = ? AND day = ? AND side = ? AND part < ?",
      id,
      day,
      side,
      end,
    );
    return true;
  }
}

const digestOf = ({ windows }: FoldState, start: number): string | null => {
  const table: GroupTable | undefined = windows.get(start);
  return table === undefined ? null : digestTable(table);
};

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

function unpackPieces(row: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < row.length;) {
    const length = pieceLength(row, at);
    if (length === null) throw new Error("a stored comparison is damaged");
    pieces.push(row.slice(at, at + length));
    at += length;
  }
  return pieces;
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
