/**
 * The keys of a table's groups, and how many records each has: columns by group. While the table is written to they are open:
 * wide, with room for more. Closed, they are as short and as narrow as can be. Lacks any way of finding a group.
 */
import { assert } from "#protocol";
import type { CodeArray } from "./column-batch.ts";
import type { ValueTable } from "./interner.ts";
import type { TableMemory } from "./table-memory.ts";

const CAPACITY_MIN = 8;

interface OpenColumns {
  readonly columns: readonly Uint32Array[];
  readonly counts: Float64Array;
}

export class KeyColumns {
  readonly #memory: TableMemory;
  #size = 0;
  #open: OpenColumns | null = null;
  #closed: readonly CodeArray[];
  #closedCounts: CodeArray | Float64Array = new Uint8Array(0);

  constructor(columnCount: number, memory: TableMemory) {
    this.#memory = memory;
    this.#closed = Array.from({ length: columnCount }, () => new Uint8Array(0));
  }

  /** The number of groups. */
  get size(): number {
    return this.#size;
  }

  /** Codes of each key column, by group; there may be more room than groups. */
  get columns(): readonly CodeArray[] {
    return this.#open?.columns ?? this.#closed;
  }

  /** Records of each group: exact integers up to 2^53. */
  get counts(): CodeArray | Float64Array {
    return this.#open?.counts ?? this.#closedCounts;
  }

  /** The counts, to be added to. */
  get openCounts(): Float64Array {
    assert(this.#open !== null, "an open table");
    return this.#open.counts;
  }

  /** Groups that there is room for while it is open: a power of two. */
  get capacity(): number {
    return this.#open?.counts.length ?? 0;
  }

  /** Makes room for `capacity` groups in all, and for at least one. */
  open(capacity: number): void {
    let length = CAPACITY_MIN;
    while (length < capacity) length *= 2;
    if (length <= this.capacity) return;
    const before = this.#open;
    const columns = this.columns.map((codes) => {
      const longer = this.#memory.takeCodes(length);
      longer.set(before === null ? codes : codes.subarray(0, this.#size));
      return longer;
    });
    const counts = this.#memory.takeCounts(length);
    counts.set(this.counts.subarray(0, this.#size));
    this.#giveBack();
    this.#open = { columns, counts };
    this.#closed = [];
    this.#closedCounts = new Uint8Array(0);
  }

  /** @param interners of the columns: how wide their codes may be */
  close(interners: readonly ValueTable[]): void {
    if (this.#open === null) return;
    const { columns, counts } = this.#open;
    this.#closed = columns.map((codes, k) => copyOfCodes(codes, this.#size, (interners[k] as ValueTable).size - 1));
    this.#closedCounts = copyOfCounts(counts, this.#size);
    this.#giveBack();
    this.#open = null;
  }

  /** Takes over the keys and counts of `count` groups; there must be none yet. */
  restore(columns: readonly CodeArray[], counts: CodeArray | Float64Array, count: number): void {
    assert(this.#size === 0 && this.#open === null, "a table that has no groups yet");
    this.#closed = columns;
    this.#closedCounts = counts;
    this.#size = count;
  }

  /** Appends the key `keys[…][i]`, and returns its group. */
  append(keys: readonly Uint32Array[], i: number): number {
    this.open(this.#size + 1);
    this.columns.forEach((column, k) => (column[this.#size] = (keys[k] as Uint32Array)[i] as number));
    return this.#size++;
  }

  /** Appends the keys `keys[…][places[j]]` for j below `count`. */
  appendAll(keys: readonly Uint32Array[], places: Uint32Array, count: number): void {
    this.open(this.#size + count);
    const { columns } = this.#open as OpenColumns;
    for (let k = 0; k < columns.length; k++) {
      const column = columns[k] as Uint32Array;
      const codes = keys[k] as Uint32Array;
      for (let j = 0; j < count; j++) column[this.#size + j] = codes[places[j] as number] as number;
    }
    this.#size += count;
  }

  /** Says that `count` groups were appended by who has the open columns. */
  appended(count: number): void {
    this.#size += count;
    assert(this.#size <= this.capacity, "room that was made before");
  }

  #giveBack(): void {
    if (this.#open === null) return;
    for (const codes of this.#open.columns) this.#memory.giveCodes(codes);
    this.#memory.giveCounts(this.#open.counts, this.#size);
  }
}

/**
 * The first `count` of some codes, of which `greatest` is the greatest, as narrow as can be. Element by element: what typed arrays
 * do by themselves takes ten times as long from one width to another.
 */
function copyOfCodes(codes: Uint32Array, count: number, greatest: number): CodeArray {
  if (greatest >= 2 ** 16) return codes.slice(0, count);
  const copy = greatest < 2 ** 8 ? new Uint8Array(count) : new Uint16Array(count);
  for (let i = 0; i < count; i++) copy[i] = codes[i] as number;
  return copy;
}

function copyOfCounts(counts: Float64Array, count: number): CodeArray | Float64Array {
  let greatest = 0;
  for (let i = 0; i < count; i++) {
    if ((counts[i] as number) > greatest) greatest = counts[i] as number;
  }
  if (greatest >= 2 ** 32) return counts.slice(0, count);
  const copy = countsUpTo(greatest, count);
  for (let i = 0; i < count; i++) copy[i] = counts[i] as number;
  return copy;
}

/** Room for `count` counts of at most `greatest` each, as narrow as can be. */
export function countsUpTo(greatest: number, count: number): CodeArray | Float64Array {
  if (greatest >= 2 ** 32) return new Float64Array(count);
  if (greatest >= 2 ** 16) return new Uint32Array(count);
  return greatest < 2 ** 8 ? new Uint8Array(count) : new Uint16Array(count);
}
