/** Finds the groups of one table in another, by their keys. */
import type { GroupTable } from "./group-table.ts";
import type { Interner } from "./interner.ts";

/** No group has the code that stands for an unknown value. */
const UNKNOWN = 0xffffffff;

/** For each group of `table`, the group of `other` with the same key, or -1. */
export function findCounterparts(other: GroupTable, table: GroupTable): Int32Array {
  const found = new Int32Array(table.size);
  const keys = table.keys.map((codes, k) => {
    const from = table.interners[k] as Interner;
    const to = other.interners[k] as Interner;
    const shared = from === to ? from.size : to.sharedWith(from);
    if (shared === from.size) return codes;
    return Uint32Array.from(codes.subarray(0, table.size), (code) =>
      code < shared ? code : (to.codeOf(from.valueOf(code)) ?? UNKNOWN),
    );
  });
  for (let group = 0; group < table.size; group++) found[group] = other.find(keys, group);
  return found;
}
