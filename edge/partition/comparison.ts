/**
 * What a new generation changed. For a build, both sides of each UTC day are frozen as bytes, to be merged over partitions
 * and shown; for a verification, both sides of each window are compared by digest, and only counts are kept.
 *
 * Both generations are live when this runs, so in any one turn they stand at the same offset. It works a run of windows a
 * turn, and appends go on in between: of each window both sides are equal in what was folded, though a later one has seen
 * more.
 */
import {
  compileRollup,
  createState,
  digestTable,
  encodeState,
  type FoldState,
  type GroupTable,
  meets,
  mergePiece,
  mergeWindow,
  pieceLength,
  rollUp,
  type ViewSpec,
} from "#engine";
import type { Database } from "./database.ts";
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
  #dayFrozen: { readonly id: number; readonly day: number; readonly isLarge: boolean } | null = null;

  constructor(database: Database, views: Views, windows: WindowStore) {
    this.#database = database;
    this.#views = views;
    this.#windows = windows;
  }

  /** Compares some windows of a day more, and settles the generation after the last one. */
  step(generation: Generation): void {
    const origin = this.#views.originOf(generation);
    if (origin === undefined) return this.#finish(generation);
    const done = generation.record.comparedTo ?? 0;
    const starts = [generation, origin].map((side) => nextWindow(this.#views, this.#windows, side, done));
    const from = Math.min(...starts.map((start) => start ?? Infinity));
    if (from === Infinity) return this.#finish(generation);
    const day = Math.floor(from / DAY_MS) * DAY_MS;
    const to = turnEnd(this.#views, this.#windows, [generation, origin], from, day + DAY_MS, COMPARED_PAGE);
    this.#database.transaction(() => {
      if (generation.config.mode === "verify") {
        this.#verify(generation, origin, from, to);
      } else {
        const isLarge = this.#isLarge(generation, origin, day);
        this.#freeze(generation.id, SIDES.before, origin, isLarge, day, from, to);
        this.#freeze(generation.id, SIDES.after, generation, isLarge, day, from, to);
        this.#views.settle(generation, { comparedTo: to });
      }
    });
  }

  #finish(generation: Generation): void {
    const { config, verification } = generation.record;
    this.#database.transaction(() => {
      if (config.mode === "verify" && this.#views.originOf(generation) === undefined) {
        this.#views.fail(generation, "the generation that it was compared with is gone, or has failed");
      } else if (config.mode === "verify") {
        this.#views.settle(generation, { phase: verification.differing === 0 ? "verified" : "differs" });
      } else {
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
    for (const tables of readWindows(this.#views, this.#windows, side, from, to)) {
      for (const table of tables) mergeWindow(side.plan, state, table);
    }
    return state;
  }

  // --- Freezing ---

  /** Adds one side of some windows to their day: as they are, or, if the day is too much for one answer, rolled up to it. */
  #freeze(
    id: number,
    side: number,
    generation: Generation,
    isLarge: boolean,
    day: number,
    from: number,
    to: number,
  ): void {
    const state = isLarge ? this.#rollUp(generation, day, from, to) : this.#collect(generation, from, to);
    if (isLarge) {
      for (const piece of this.#side(id, day, side)) mergePiece(generation.plan, state, piece);
      this.#database.run("DELETE FROM comparisons WHERE generation = ? AND day = ? AND side = ?", id, day, side);
    }
    let { part } = this.#database.only<{ part: number }>(
      "SELECT coalesce(max(part) + 1, 0) AS part FROM comparisons WHERE generation = ? AND day = ? AND side = ?",
      id,
      day,
      side,
    );
    const pieces = encodeState(generation.plan, state, PARTITION_LIMITS.comparisonRowBytesMax);
    for (const row of packPieces(pieces, PARTITION_LIMITS.comparisonRowBytesMax)) {
      this.#database.run("INSERT INTO comparisons VALUES (?, ?, ?, ?, ?)", id, day, side, part++, row);
    }
  }

  /** Decided once a day, and for both sides: rows of a day can only be compared with rows of a day. */
  #isLarge(generation: Generation, origin: Generation, day: number): boolean {
    if (this.#dayFrozen?.id !== generation.id || this.#dayFrozen.day !== day) {
      const isLarge = [origin, generation].some(
        (side) => this.#storedBytes(side, day) > PARTITION_LIMITS.comparedDayBytesMax,
      );
      this.#dayFrozen = { id: generation.id, day, isLarge };
    }
    return this.#dayFrozen.isLarge;
  }

  #storedBytes(generation: Generation, day: number): number {
    const sources = sourcesOf(this.#views, generation, day, day + DAY_MS);
    return sources.reduce((sum, source) => sum + this.#windows.bytes(source.generation.id, source.from, source.to), 0);
  }

  #rollUp(generation: Generation, day: number, from: number, to: number): FoldState {
    const { spec } = generation.config;
    const rollup = compileRollup(spec, wholeDay(spec, day), {});
    const state = createState(rollup.query);
    for (const tables of readWindows(this.#views, this.#windows, generation, from, to)) {
      for (const table of tables) rollUp(rollup, state, table);
    }
    return state;
  }

  /** The first frozen day at or after `day`. */
  read(id: number, day: number): PartitionDiffDay {
    const row = this.#database.first<{ day: number }>(
      "SELECT day FROM comparisons WHERE generation = ? AND day >= ? ORDER BY day LIMIT 1",
      id,
      day,
    );
    if (row === undefined) return { day: null, before: [], after: [] };
    return { day: row.day, before: this.#side(id, row.day, SIDES.before), after: this.#side(id, row.day, SIDES.after) };
  }

  #side(id: number, day: number, side: number): Uint8Array[] {
    return this.#database
      .all<{ state: ArrayBuffer }>(
        "SELECT state FROM comparisons WHERE generation = ? AND day = ? AND side = ? ORDER BY part",
        id,
        day,
        side,
      )
      .flatMap(({ state }) => unpackPieces(new Uint8Array(state)));
  }

  remove(id: number): void {
    this.#database.run("DELETE FROM comparisons WHERE generation = ?", id);
  }
}

const wholeDay = (spec: ViewSpec, day: number) => ({
  from: day,
  to: day + DAY_MS,
  where: {},
  groupBy: spec.groupBy,
  everyMs: null,
  measures: spec.measures,
  orderBy: null,
  limit: 0,
});

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
