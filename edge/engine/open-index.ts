/** Which form of index a table gets: the fastest that its keys fit; see group-index.ts. */
import { DENSE_BITS_MAX, DenseIndex } from "./dense-index.ts";
import type { TableMemory } from "./table-memory.ts";
import type { ValueTable } from "./interner.ts";
import type { KeyColumns } from "./key-columns.ts";
import { packingOf } from "./key-packing.ts";
import { SparseIndex } from "./sparse-index.ts";
import { WideIndex } from "./wide-index.ts";

export type AnyIndex = DenseIndex | SparseIndex | WideIndex;

/** An index of the groups that there are, for more of them. */
export function openIndex(columns: KeyColumns, interners: readonly ValueTable[], memory: TableMemory): AnyIndex {
  const packing = packingOf(interners);
  if (packing === null) return new WideIndex(columns);
  return packing.bits <= DENSE_BITS_MAX
    ? new DenseIndex(columns, packing, memory)
    : new SparseIndex(columns, packing, memory);
}
