/**
 * The stored windows of view generations: a row each, or several if one row would be too long. What is stored is merged with
 * what changed since; both add up to the window. Its keys refer to the dictionary that is current when it is stored.
 *
 * Old windows may have been rolled up (window-rollup.ts). What changes is folded as ever, by windows as wide as the view says, and
 * merged here into the wide one that holds them.
 */
import { assert } from "#protocol";
import {
  createState,
  decodeTable,
  type Dictionaries,
  encodeTablePieces,
  ENGINE_LIMITS,
  type FoldState,
  type GroupTable,
  mergePiece,
  mergeWindow,
  type Shape,
} from "#engine";
import type { Database } from "./database.ts";
import type { DictionaryStore } from "./dictionary-store.ts";
import { checkWindowGroups, checkWindowRows, type Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { startOfKey, windowKey, windowKeyFrom } from "./row-keys.ts";
import { SoundWindows } from "./sound-windows.ts";

type StoredPart = { key: number; state: ArrayBuffer };

/** How much of the stored windows is read in one turn; a single window always is. */
export interface WindowsPage {
  readonly rowsMax: number;
  readonly bytesMax: number;
}

const READING_PAGE: WindowsPage = {
  rowsMax: PARTITION_LIMITS.windowsPageMax,
  bytesMax: PARTITION_LIMITS.windowsPageBytesMax,
};

/** A whole window, ready to be stored. */
export interface EncodedWindow {
  readonly start: number;
  readonly changedAt: number;
  /** A row each. */
  readonly pieces: readonly Uint8Array[];
  /** Rows that it took when it was stored last. */
  readonly rowsBefore: number;
}

export class WindowStore {
  readonly #database: Database;
  readonly #dictionaries: DictionaryStore;
  /** By generation: no window that starts later is stored. A build comes to new ones nearly in order, and need not look for them. */
  readonly #lastStarts = new Map<number, number>();
  readonly #sound = new SoundWindows();

  constructor(database: Database, dictionaries: DictionaryStore) {
    this.#database = database;
    this.#dictionaries = dictionaries;
  }

  /**
   * Adds what changed to the stored windows. To be called in a transaction; the generation's delta is still there after it,
   * for the case that the transaction fails. Throws if a window has too many groups.
   */
  store(generation: Generation): void {
    for (const changed of byStoredWindow(generation)) this.write(generation.id, this.encode(generation, changed));
  }

  /** Of the dictionaries with which windows are encoded now. */
  get dictionaryGeneration(): number {
    return this.#dictionaries.current.generation;
  }

  /** What is stored of a window together with what changed. Writes nothing. Throws if the window has too many groups. */
  encode({ id, plan }: Pick<Generation, "id" | "plan">, changed: GroupTable): EncodedWindow {
    const parts = changed.start > this.#lastStart(id) ? [] : this.#parts(id, changed.start, changed.start + 1);
    return this.#encodeWhole(plan, parts.length === 0 ? changed : this.#merge(plan, parts, changed), parts.length);
  }

  /** A window that takes the place of all that is stored of it. */
  encodeAnew({ plan }: Pick<Generation, "plan">, whole: GroupTable): EncodedWindow {
    return this.#encodeWhole(plan, whole, 0);
  }

  #encodeWhole(shape: Shape, whole: GroupTable, rowsBefore: number): EncodedWindow {
    checkWindowGroups(whole.start, whole.size);
    const pieces = [...encodeTablePieces(shape, whole, ENGINE_LIMITS.storedBytesMax, this.#dictionaries.current)];
    checkWindowRows(whole.start, pieces.length);
    return { start: whole.start, changedAt: whole.changedAt, pieces, rowsBefore };
  }

  /** Stores a window that was encoded, and not stored since then. To be called in a transaction. */
  write(id: number, { start, changedAt, pieces, rowsBefore }: EncodedWindow): void {
    // If the transaction fails, looking for a window that is not there does no harm.
    this.#lastStarts.set(id, Math.max(start, this.#lastStart(id)));
    pieces.forEach((bytes, part) => {
      const key = windowKey(id, start, part);
      this.#sound.forget(key);
      this.#database.run("INSERT OR REPLACE INTO window_rows VALUES (?, ?, ?)", key, changedAt, bytes);
    });
    // Exact sums that cancel out take less than they did.
    if (pieces.length < rowsBefore) {
      this.#removeKeys(windowKey(id, start, pieces.length), windowKeyFrom(id, start + 1));
    }
  }

  /**
   * The stored windows with from <= start < to, decoded under the interners of `into`; those of one start may come as several
   * tables. To be called for no more of them than {@link pageEnd} says.
   */
  read(id: number, shape: Shape, into: Pick<FoldState, "interners">, from: number, to: number): readonly GroupTable[] {
    return this.#parts(id, from, to).map((row) => this.#decode(shape, into, row));
  }

  /**
   * The start of the first window that does not fit a page which begins at `from`; null if all do. A page has at least one
   * window. The length of a BLOB stands at the head of its row: it costs no reading of the BLOB.
   */
  pageEnd(id: number, from: number, to: number, page: WindowsPage = READING_PAGE): number | null {
    const rows = this.#database.all<{ key: number; bytes: number }>(
      "SELECT key, length(state) AS bytes FROM window_rows WHERE key >= ? AND key < ? ORDER BY key LIMIT ?",
      windowKeyFrom(id, from),
      windowKeyFrom(id, to),
      page.rowsMax,
    );
    const [firstRow] = rows;
    const lastRow = rows.at(-1);
    if (firstRow === undefined || lastRow === undefined) return null;
    const first = startOfKey(firstRow.key);
    let bytes = 0;
    for (const row of rows) {
      bytes += row.bytes;
      if (bytes > page.bytesMax && startOfKey(row.key) !== first) return startOfKey(row.key);
    }
    if (rows.length < page.rowsMax) return null;
    // A full list may end within a window: that one begins the next page, unless it is the only one.
    const last = startOfKey(lastRow.key);
    return last === first ? last + 1 : last;
  }

  /** Bytes of the stored windows with from <= start < to. */
  bytes(id: number, from: number, to: number): number {
    return this.#database.only<{ bytes: number }>(
      "SELECT coalesce(sum(length(state)), 0) AS bytes FROM window_rows WHERE key >= ? AND key < ?",
      windowKeyFrom(id, from),
      windowKeyFrom(id, to),
    ).bytes;
  }

  isEmpty(id: number): boolean {
    return this.changes(id, 0, Infinity, 1).length === 0;
  }

  /** When windows last changed, for those that start at or after `from` and before `to`, in order. */
  changes(id: number, from: number, to: number, limit: number): readonly { start: number; changedAt: number }[] {
    return this.#database
      .all<{ key: number; changed_at: number }>(
        "SELECT key, changed_at FROM window_rows WHERE key >= ? AND key < ? AND key % ? = 0 ORDER BY key LIMIT ?",
        windowKeyFrom(id, from),
        windowKeyFrom(id, to),
        PARTITION_LIMITS.windowRowsMax,
        limit,
      )
      .map((row) => ({ start: startOfKey(row.key), changedAt: row.changed_at }));
  }

  /** Says that no window is left that was stored before `time`: what only they referred to can go. */
  releaseDictionaries(time: number): void {
    this.#dictionaries.releaseBefore(time);
  }

  /** Takes windows with from <= start < to away. */
  remove(id: number, from: number, to: number): void {
    this.#removeKeys(windowKeyFrom(id, from), windowKeyFrom(id, to));
  }

  #removeKeys(from: number, to: number): void {
    this.#sound.forgetAll();
    this.#database.run("DELETE FROM window_rows WHERE key >= ? AND key < ?", from, to);
  }

  #lastStart(id: number): number {
    let last = this.#lastStarts.get(id);
    if (last === undefined) {
      const row = this.#database.first<{ key: number }>(
        "SELECT key FROM window_rows WHERE key >= ? AND key < ? ORDER BY key DESC LIMIT 1",
        windowKeyFrom(id, 0),
        windowKeyFrom(id, Infinity),
      );
      last = row === undefined ? -Infinity : startOfKey(row.key);
      this.#lastStarts.set(id, last);
    }
    return last;
  }

  /** The rows of the windows with from <= start < to. */
  #parts(id: number, from: number, to: number): StoredPart[] {
    return this.#database.all<StoredPart>(
      "SELECT key, state FROM window_rows WHERE key >= ? AND key < ? ORDER BY key",
      windowKeyFrom(id, from),
      windowKeyFrom(id, to),
    );
  }

  #merge(shape: Shape, parts: readonly StoredPart[], changed: GroupTable): GroupTable {
    const state = createState(shape);
    for (const part of parts) {
      const merged = mergePiece(shape, state, new Uint8Array(part.state), this.#dictionariesOf);
      if (!merged.ok) throw new Error(`a stored window is damaged: ${merged.failure.reason}`);
    }
    mergeWindow(shape, state, changed);
    const whole = state.windows.get(changed.start);
    assert(whole !== undefined, "the window that was merged");
    return whole;
  }

  #decode(shape: Shape, into: Pick<FoldState, "interners">, { key, state }: StoredPart): GroupTable {
    const table = decodeTable(shape, into, new Uint8Array(state), this.#dictionariesOf, this.#sound.isSound(key));
    if (!table.ok) throw new Error(`a stored window is damaged: ${table.failure.reason}`);
    this.#sound.foundSound(key);
    return table.value;
  }

  readonly #dictionariesOf = (generation: number): Dictionaries => this.#dictionaries.of(generation);
}

/** What changed, each table all that changed of one stored window. */
function* byStoredWindow(generation: Generation): Generator<GroupTable> {
  const { plan, delta } = generation;
  const wide = createState(plan);
  for (const changed of delta.windows.values()) {
    const start = generation.wideWindowAt(changed.start)?.from;
    if (start === undefined) yield changed;
    else mergeWindow(plan, wide, changed, start);
  }
  yield* wide.windows.values();
}
