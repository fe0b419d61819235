/**
 * What a new generation changed. For a build, both sides of each UTC day are frozen as bytes, to be merged over partitions
 * and shown; for a verification, both sides of each window are compared by digest, and only counts are kept.
 *
 * Both generations are live when this runs, so in any one turn they stand at the same offset. It works a day a turn, and
 * appends go on in between: what is compared is always equal in what was folded, though a later day has seen more.
 */
import {
  compileRollup,
  createState,
  digestTable,
  encodeState,
  type FoldState,
  type GroupTable,
  meets,
  mergeWindow,
  pieceLength,
  rollUp,
  type ViewSpec,
} from "#engine";
import type { Database } from "./database.ts";
import type { Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { PartitionDiffDay } from "./rpc.ts";
import { nextWindow, readWindows, sourcesOf } from "./view-reader.ts";
import type { Views } from "./views.ts";
import type { WindowStore } from "./window-store.ts";

const DAY_MS = 86_400_000;
const SIDES = { before: 0, after: 1 } as const;

export class Comparisons {
  readonly #database: Database;
  readonly #views: Views;
  readonly #windows: WindowStore;

  constructor(database: Database, views: Views, windows: WindowStore) {
    this.#database = database;
    this.#views = views;
    this.#windows = windows;
  }

  /** Compares one day more, and settles the generation after the last one. */
  step(generation: Generation): void {
    const origin = this.#views.originOf(generation);
    if (origin === undefined) return this.#finish(generation);
    const from = generation.record.comparedTo ?? 0;
    const starts = [generation, origin].map((side) => nextWindow(this.#views, this.#windows, side, from));
    const least = Math.min(...starts.map((start) => start ?? Infinity));
    if (least === Infinity) return this.#finish(generation);
    this.#database.transaction(() => {
      if (generation.config.mode === "verify") {
        this.#verify(generation, origin, least);
      } else {
        const day = Math.floor(least / DAY_MS) * DAY_MS;
        this.#freeze(generation.id, day, SIDES.before, origin);
        this.#freeze(generation.id, day, SIDES.after, generation);
        this.#views.settle(generation, { comparedTo: day + DAY_MS });
      }
    });
  }

  #finish(generation: Generation): void {
    const { config, verification } = generation.record;
    this.#database.transaction(() => {
      if (config.mode === "verify") {
        const isEqual = verification.differing === 0 && this.#views.originOf(generation) !== undefined;
        this.#views.settle(generation, { phase: isEqual ? "verified" : "differs" });
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

  /** Compares a run of windows, digest by digest. Those that the log could not give again are skipped, and counted. */
  #verify(generation: Generation, origin: Generation, from: number): void {
    const { windowMs } = generation.config.spec;
    const many = from + PARTITION_LIMITS.verifiedWindowsPerTurn * windowMs;
    const isMuch = this.#storedBytes(origin, from, many) > PARTITION_LIMITS.comparedDayBytesMax;
    const to = isMuch ? from + windowMs : many;
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

  #storedBytes(generation: Generation, from: number, to: number): number {
    const sources = sourcesOf(this.#views, generation, from, to);
    return sources.reduce((sum, source) => {
      return sum + this.#windows.bytes(source.generation.id, source.from, source.to);
    }, 0);
  }

  #collect(side: Generation, from: number, to: number): FoldState {
    const state = createState(side.plan);
    for (const tables of readWindows(this.#views, this.#windows, side, from, to)) {
      for (const table of tables) mergeWindow(side.plan, state, table);
    }
    return state;
  }

  // --- Freezing ---

  /** Writes one side of a day: window by window, or, if that is too much for one answer, rolled up to the day. */
  #freeze(id: number, day: number, side: number, generation: Generation): void {
    const isLarge = this.#storedBytes(generation, day, day + DAY_MS) > PARTITION_LIMITS.comparedDayBytesMax;
    const state = isLarge ? this.#rollUpDay(generation, day) : this.#collect(generation, day, day + DAY_MS);
    const pieces = encodeState(generation.plan, state, PARTITION_LIMITS.comparisonRowBytesMax);
    let part = 0;
    for (const row of packPieces(pieces, PARTITION_LIMITS.comparisonRowBytesMax)) {
      this.#database.run("INSERT OR REPLACE INTO comparisons VALUES (?, ?, ?, ?, ?)", id, day, side, part++, row);
    }
  }

  #rollUpDay(generation: Generation, day: number): FoldState {
    const { spec } = generation.config;
    const rollup = compileRollup(spec, wholeDay(spec, day), {});
    const state = createState(rollup.query);
    for (const tables of readWindows(this.#views, this.#windows, generation, day, day + DAY_MS)) {
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
    const side = (which: number) =>
      this.#database
        .all<{ state: ArrayBuffer }>(
          "SELECT state FROM comparisons WHERE generation = ? AND day = ? AND side = ? ORDER BY part",
          id,
          row.day,
          which,
        )
        .flatMap(({ state }) => unpackPieces(new Uint8Array(state)));
    return { day: row.day, before: side(SIDES.before), after: side(SIDES.after) };
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
