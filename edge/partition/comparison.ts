/**
 * What a new generation changed. For a build, both sides of each UTC day are frozen as bytes (frozen-day.ts), to be merged
 * over partitions and shown; for a verification, both sides of each window are compared by digest, and only counts are kept.
 *
 * Both generations are live when this runs, so in any one turn they stand at the same offset. It works a run of windows a
 * turn, and appends go on in between: of each window both sides are equal in what was folded, though a later one has seen
 * more.
 *
 * Where one side's windows were rolled up and the other's were not, both are compared in windows of the wider kind: how wide a
 * window is says when it was rolled up, and nothing of what is in it. Nothing is rolled up while this goes on.
 */
import {
  clipWide,
  createState,
  cutPieces,
  digestTable,
  type FoldState,
  type GroupTable,
  isNothingWide,
  meets,
  mergeWindow,
  NO_WIDE_WINDOWS,
  UsedValues,
} from "#engine";
import { ComparisonRows } from "./comparison-rows.ts";
import type { Database } from "./database.ts";
import type { DictionaryStore } from "./dictionary-store.ts";
import { FrozenDay } from "./frozen-day.ts";
import type { Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { ComparedDay } from "./rpc.ts";
import { nextWindow, readTurn, sourcesOf, turnEnd, wideWindowsOf, widestStart } from "./view-reader.ts";
import type { Views } from "./views.ts";
import type { WindowsPage, WindowStore } from "./window-store.ts";

const DAY_MS = 86_400_000;
/** Both sides of it are compared in one turn. */
const COMPARED_PAGE: WindowsPage = {
  rowsMax: PARTITION_LIMITS.comparedWindowsMax,
  bytesMax: PARTITION_LIMITS.comparedBytesMax,
};

const NO_DAY: ComparedDay = { day: null, before: [], after: [], both: [], values: [] };
export const GONE: ComparedDay = { ...NO_DAY, isGone: true };

export class Comparisons {
  readonly #database: Database;
  readonly #views: Views;
  readonly #windows: WindowStore;
  readonly #dictionaries: DictionaryStore;
  readonly #rows: ComparisonRows;
  /** The day that is being frozen. */
  #day: FrozenDay | null = null;

  constructor(database: Database, views: Views, windows: WindowStore, dictionaries: DictionaryStore) {
    this.#database = database;
    this.#views = views;
    this.#windows = windows;
    this.#dictionaries = dictionaries;
    this.#rows = new ComparisonRows(database);
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
          if (other === generation || other.config.view !== config.view) continue;
          this.remove(other.id);
          if (other.record.comparedTo !== null) this.#views.settle(other, { comparedTo: null });
        }
        const origin = this.#views.originOf(generation);
        const comparedWide = wideWindowsOf(this.#views, origin === undefined ? [generation] : [origin, generation]);
        // Nothing on either side is a comparison too.
        const comparedTo = origin === undefined ? null : (generation.record.comparedTo ?? 0);
        this.#views.settle(generation, { phase: "caught-up", comparedWide, comparedTo });
      }
    });
  }

  // --- Verification ---

  /** Compares windows, digest by digest. Those that the log could not give again are skipped, and counted. */
  #verify(generation: Generation, origin: Generation, from: number, to: number): void {
    const [before, after] = this.#collect(origin, generation, from, to);
    let { compared, differing, skipped, windows = [] } = generation.record.verification;
    for (const start of new Set([...before.windows.keys(), ...after.windows.keys()])) {
      const end = Math.max(generation.endOf(start), origin.endOf(start));
      const isLost = [generation, origin].some(({ record }) => meets(record.excluded, start, end));
      if (isLost) {
        skipped += 1;
        continue;
      }
      compared += 1;
      if (digestOf(before, start) === digestOf(after, start)) continue;
      differing += 1;
      windows = [...windows, start].slice(0, PARTITION_LIMITS.differencesNamedMax);
    }
    this.#views.settle(generation, { comparedTo: to, verification: { compared, differing, skipped, windows } });
  }

  /** Both sides of the windows of [from, to), each window as wide as the wider side has it. */
  #collect(before: Generation, after: Generation, from: number, to: number): readonly [FoldState, FoldState] {
    const collect = (side: Generation): FoldState => {
      const state = createState(side.plan);
      for (const table of readTurn(this.#views, this.#windows, side, from, to, state)) {
        const start = widestStart(this.#views, [before, after], table.start);
        // What was read for this state may become its own; what is live goes on changing.
        const isOwn = table.interners === state.interners;
        if (isOwn && start === table.start && !state.windows.has(start)) {
          state.windows.set(start, table);
          state.groups += table.size;
        } else {
          mergeWindow(side.plan, state, table, start);
        }
      }
      return state;
    };
    return [collect(before), collect(after)];
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
    frozen.add(...this.#collect(origin, generation, from, to), this.#dictionaries.current);
    frozen.to = to;
    if (frozen.isFull) this.#database.transaction(() => this.#write(generation));
  }

  /** Writes what was frozen and is in memory only, with how far the comparison has come by that. */
  #write(generation: Generation): void {
    if (this.#day?.id !== generation.id) return;
    const { id, day, to } = this.#day;
    this.#rows.append(id, day, this.#day.take(this.#dictionaries.current));
    this.#views.settle(generation, { comparedTo: to });
  }

  #storedBytes(generation: Generation, day: number): number {
    const sources = sourcesOf(this.#views, generation, day, day + DAY_MS);
    return sources.reduce((sum, source) => sum + this.#windows.bytes(source.generation.id, source.from, source.to), 0);
  }

  /** The first frozen day at or after `day`: from a part on, as much as is read in one turn. */
  read(generation: Generation, day: number, part: number): ComparedDay {
    const { id, config, plan, record } = generation;
    const origin = config.against === null ? undefined : this.#views.find(config.view, config.against);
    if (origin === undefined || record.comparedTo === null) return GONE;
    const found = this.#rows.firstDay(id, day);
    if (found === null) return NO_DAY;
    const { rows, next } = this.#rows.read(id, found, part, PARTITION_LIMITS.comparisonReadBytesMax);
    const used = new UsedValues((of) => this.#dictionaries.of(of));
    const shapes = { before: origin.plan, after: plan, both: plan };
    for (const side of ["before", "after", "both"] as const) {
      for (const row of rows[side]) for (const piece of cutPieces(row)) used.add(shapes[side], piece);
    }
    const wide = clipWide(generation.record.comparedWide ?? NO_WIDE_WINDOWS, { from: found, to: found + DAY_MS });
    return {
      day: found,
      ...rows,
      ...(!isNothingWide(wide) && { wide }),
      values: used.sent(),
      ...(next !== null && { next }),
    };
  }

  remove(id: number): void {
    while (this.removeSome(id));
  }

  /** Takes away as much of a comparison as one turn should. @returns whether there was any */
  removeSome(id: number): boolean {
    if (this.#day?.id === id) this.#day = null;
    return this.#rows.removeSome(id);
  }
}

const digestOf = ({ windows }: FoldState, start: number): string | null => {
  const table: GroupTable | undefined = windows.get(start);
  return table === undefined ? null : digestTable(table);
};
