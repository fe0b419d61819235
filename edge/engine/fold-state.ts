/**
 * What a fold builds: windows of groups, and what it needs to build them. For a stored view it is what happened since the last
 * checkpoint; for a query, the answer so far. It is in memory only: table-codec.ts gives it bytes.
 */
import { GroupTable } from "./group-table.ts";
import { TableMemory } from "./table-memory.ts";
import { Interner } from "./interner.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import type { Shape } from "./plan.ts";
import type { KeyedStretches } from "./keyed-stretches.ts";
import { Scratch } from "./scratch.ts";
import type { HashSeed } from "./siphash.ts";

export interface FoldState {
  /** One for each groupBy attribute, shared by all windows. */
  readonly interners: readonly Interner[];
  /** By start, in milliseconds since the epoch. */
  readonly windows: Map<number, GroupTable>;
  /** The windows that are written to, the one written to last at the end. */
  readonly open: Set<GroupTable>;
  /** Groups of all windows together: what bounds the state. */
  groups: number;
  /** The stream's, under which values are hashed for distinct counts; null for a state that only merges. */
  readonly seed: HashSeed | null;
  /** What a rule that needs order remembers of all records that were folded before; null without such a rule. */
  readonly memory: KeyedStretches | null;
  readonly scratch: Scratch;
  readonly tableMemory: TableMemory;
}

/**
 * @param seed the stream's hash seed; a state that folds records needs it, one that only merges does not
 * @param memory of a plan with a rule that needs order: what the state before it remembered
 */
export const createState = (
  shape: Shape,
  seed: HashSeed | null = null,
  memory: KeyedStretches | null = null,
): FoldState => ({
  interners: shape.groupBy.map(() => new Interner()),
  windows: new Map(),
  open: new Set(),
  groups: 0,
  seed,
  memory,
  scratch: new Scratch(shape.groupBy.length),
  tableMemory: new TableMemory(),
});

/**
 * The table of a window that is going to be written to, made now if it is new. Those that were not written to for longest are
 * closed for it: event time comes nearly in order, and a window that it has left is seldom written to again.
 */
export function windowOf(shape: Shape, state: FoldState, start: number): GroupTable {
  const { windows, open } = state;
  let table = windows.get(start);
  if (table === undefined) {
    // Room at once for as many groups as windows have on average: a minute is much like the one before.
    const capacity = state.groups / Math.max(1, windows.size);
    table = new GroupTable(start, shape, state.interners, capacity, state.tableMemory);
    windows.set(start, table);
  }
  open.delete(table);
  open.add(table);
  for (const oldest of open) {
    if (oldest === table || !areTooMany(open)) break;
    oldest.close();
    open.delete(oldest);
  }
  return table;
}

function areTooMany(open: ReadonlySet<GroupTable>): boolean {
  let groups = 0;
  for (const table of open) groups += table.size;
  return open.size > ENGINE_LIMITS.openWindowsMax || groups > ENGINE_LIMITS.openGroupsMax;
}
