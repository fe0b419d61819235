/** Some groups of a table as bytes, with or without what they hold; and finding them again in another table. */
import { assert } from "#protocol";
import { createState, type FoldState, windowOf } from "./fold-state.ts";
import type { GroupTable } from "./group-table.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import { absorbGroups } from "./merge.ts";
import { type Shape, shapeOf } from "./plan.ts";
import { encodeState, mergePiece } from "./table-codec.ts";

/** Groups `rows` of a table, as pieces for `mergePiece`. A few thousand are copied at a time, as the pieces are asked for. */
export function* encodeGroups(
  shape: Shape,
  table: GroupTable,
  rows: Uint32Array,
): Generator<Uint8Array<ArrayBuffer>, void> {
  const columns = shape.groupBy.map((_, k) => k);
  const sources = shape.accumulators.map((_, i) => i);
  const { copiedGroupsMax, sentBytesMax } = ENGINE_LIMITS;
  for (let from = 0; from < rows.length; from += copiedGroupsMax) {
    const some = rows.subarray(from, from + copiedGroupsMax);
    // Under the same numbers: nothing has to be translated.
    const copy: FoldState = { ...createState(shape), interners: table.interners };
    absorbGroups(windowOf(shape, copy, table.start), table, columns, sources, some, some.length);
    yield* encodeState(shape, copy, sentBytesMax);
  }
}

/** The keys of groups `rows`, without what the groups hold. */
export const encodeKeys = (groupBy: readonly string[], table: GroupTable, rows: Uint32Array): Uint8Array[] => [
  ...encodeGroups(shapeOf(groupBy, {}), table, rows),
];

/** Groups of a table by keys that {@link encodeKeys} made of another one; those that it does not have are left out. */
export function findGroups(groupBy: readonly string[], table: GroupTable, keys: readonly Uint8Array[]): Uint32Array {
  const shape = shapeOf(groupBy, {});
  const asked = createState(shape);
  for (const piece of keys) assert(mergePiece(shape, asked, piece).ok, "keys come as they were encoded");
  const [named] = asked.windows.values();
  const groups = new Uint32Array(named?.size ?? 0);
  let found = 0;
  const key = groupBy.map(() => new Uint32Array(1));
  for (let i = 0; i < groups.length; i++) {
    const isKnown = key.every((code, k) => {
      const value = named?.interners[k]?.valueOf(named.keys[k]?.[i] ?? 0) ?? null;
      code[0] = table.interners[k]?.codeOf(value) ?? NOT_THERE;
      return code[0] !== NOT_THERE;
    });
    const group = isKnown ? table.find(key, 0) : -1;
    if (group >= 0) groups[found++] = group;
  }
  return groups.subarray(0, found);
}

/** No code: interners give theirs in order. */
const NOT_THERE = 0xffffffff;
