/**
 * Keys of several columns as one number: each column's codes take as many bits as its interner needs. A key so packed is found
 * like a single code, at the speed of one. Where 32 bits are not enough, columns are compared one by one.
 */
import type { CodeArray } from "./column-batch.ts";
import type { ValueTable } from "./interner.ts";
import type { KeyColumns } from "./key-columns.ts";

export interface KeyPacking {
  /** By how many bits each column is moved. */
  readonly shifts: readonly number[];
  /** How many codes of each column there is room for. */
  readonly sizesMax: readonly number[];
  /** Bits of a packed key. */
  readonly bits: number;
}

/** How keys are packed while the columns' interners have the sizes that they have; null if 32 bits are not enough. */
export function packingOf(columns: readonly ValueTable[]): KeyPacking | null {
  const shifts: number[] = [];
  const sizesMax: number[] = [];
  let bits = 0;
  for (const { size } of columns) {
    const width = 32 - Math.clz32(size - 1);
    shifts.push(bits);
    sizesMax.push(2 ** width);
    bits += width;
  }
  return bits <= 32 ? { shifts, sizesMax, bits } : null;
}

/** Whether the columns' codes still have room. */
export const hasRoom = ({ sizesMax }: KeyPacking, columns: readonly ValueTable[]): boolean =>
  columns.every(({ size }, k) => size <= (sizesMax[k] as number));

/** The packed keys `keys[…][i]`, for i in [from, to), to `out[i]`. */
export function packKeys(
  keys: readonly CodeArray[],
  { shifts }: KeyPacking,
  from: number,
  to: number,
  out: Int32Array,
): void {
  if (keys.length === 0) out.fill(0, from, to);
  keys.forEach((codes, k) => {
    const shift = shifts[k] as number;
    if (k === 0) for (let i = from; i < to; i++) out[i] = codes[i] as number;
    else for (let i = from; i < to; i++) out[i] = (out[i] as number) | ((codes[i] as number) << shift);
  });
}

/** One key, packed; null if there is no room for one of its codes, so that no group has it. */
export function packedKey(keys: readonly CodeArray[], { shifts, sizesMax }: KeyPacking, i: number): number | null {
  let packed = 0;
  for (let k = 0; k < keys.length; k++) {
    const code = (keys[k] as CodeArray)[i] as number;
    if (code >= (sizesMax[k] as number)) return null;
    packed |= code << (shifts[k] as number);
  }
  return packed;
}

/** The packed key of every group. */
export function packedKeys({ columns, size }: KeyColumns, packing: KeyPacking): Int32Array {
  const packed = new Int32Array(size);
  packKeys(columns, packing, 0, size, packed);
  return packed;
}
