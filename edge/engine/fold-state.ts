/**
 * What a fold builds: windows of groups, and what it needs to build them. For a stored view it is what happened since the last
 * checkpoint; for a query, the answer so far. It is in memory only: table-codec.ts gives it bytes.
 */
import { GroupTable } from "./group-table.ts";
import { Interner } from "./interner.ts";
import type { Shape } from "./plan.ts";
import type { HashSeed } from "./siphash.ts";

export interface FoldState {
  /** One for each groupBy attribute, shared by all windows. */
  readonly interners: readonly Interner[];
  /** By start, in milliseconds since the epoch. */
  readonly windows: Map<number, GroupTable>;
  /** Groups of all windows together: what bounds the state. */
  groups: number;
  /** The stream's, under which values are hashed for distinct counts; null for a state that only merges. */
  readonly seed: HashSeed | null;
  readonly scratch: Scratch;
}

/** @param seed the stream's hash seed; a state that folds records needs it, one that only merges does not */
export const createState = (shape: Shape, seed: HashSeed | null = null): FoldState => ({
  interners: shape.groupBy.map(() => new Interner()),
  windows: new Map(),
  groups: 0,
  seed,
  scratch: new Scratch(shape.groupBy.length),
});

/** The table of a window, made now if it is new. */
export function windowOf(shape: Shape, state: FoldState, start: number): GroupTable {
  const known = state.windows.get(start);
  if (known !== undefined) return known;
  // Room at once for as many groups as windows have on average: a minute is much like the one before.
  const capacity = state.groups / Math.max(1, state.windows.size);
  const table = new GroupTable(start, shape, state.interners, capacity);
  state.windows.set(start, table);
  return table;
}

/** Working arrays of one batch or table, kept to be used again. Entries are by place among the selected rows. */
export class Scratch {
  /** By row of the batch: 1 if it is selected. */
  mask = new Uint8Array(0);
  /** The rows that are selected. */
  rows = new Uint32Array(0);
  /** The same rows, brought into the order of their windows. */
  sorted = new Uint32Array(0);
  /** Codes of each key column. */
  readonly keys: Uint32Array<ArrayBuffer>[];
  /** Groups. */
  ids = new Int32Array(0);

  constructor(keyCount: number) {
    this.keys = Array.from({ length: keyCount }, () => new Uint32Array(0));
  }

  reserve(rows: number): void {
    if (rows <= this.rows.length) return;
    const length = 2 ** Math.ceil(Math.log2(rows));
    this.mask = new Uint8Array(length);
    this.rows = new Uint32Array(length);
    this.sorted = new Uint32Array(length);
    this.ids = new Int32Array(length);
    this.keys.forEach((_, k) => (this.keys[k] = new Uint32Array(length)));
  }

  /** Selects every row of [0, count). */
  selectAll(count: number): void {
    this.reserve(count);
    for (let i = 0; i < count; i++) this.rows[i] = i;
  }

  /** Selects the rows of [start, end) that the mask leaves, and returns how many there are. */
  selectMasked(start: number, end: number): number {
    const { mask, rows } = this;
    let count = 0;
    for (let i = start; i < end; i++) {
      // No branch: the mask is as good as random.
      rows[count] = i;
      count += mask[i] as number;
    }
    return count;
  }
}
