/** The key of each record under a rule that needs order: several attributes as one 64-bit hash. */
import { assert } from "#protocol";
import type { AttributeColumns, ColumnBatch } from "./column-batch.ts";
import { type HashSeed, hashText, siphash13 } from "./siphash.ts";
import { taggedText } from "./value.ts";

/**
 * The key of each row, two words; (0, 0) where an attribute is absent.
 *
 * @param wanted by row of [start, end): 1 where the key is asked for
 */
export function keysOfRows(
  by: readonly string[],
  batch: ColumnBatch,
  seed: HashSeed,
  start: number,
  end: number,
  wanted: Uint8Array,
): Uint32Array {
  const columns = by.map((name) => hashesOf(batch.attributes.get(name), batch.count, seed));
  const [first] = columns;
  assert(first !== undefined, "a rule has a key");
  if (columns.length === 1) return first;
  const keys = new Uint32Array(2 * batch.count);
  const words = new Uint32Array(2 * columns.length);
  const bytes = new Uint8Array(words.buffer);
  for (let row = start; row < end; row++) {
    if (wanted[row] !== 1) continue;
    let isWhole = true;
    for (let k = 0; k < columns.length; k++) {
      const column = columns[k] as Uint32Array;
      const low = column[2 * row] as number;
      const high = column[2 * row + 1] as number;
      if (low === 0 && high === 0) isWhole = false;
      words[2 * k] = low;
      words[2 * k + 1] = high;
    }
    if (!isWhole) continue;
    siphash13(seed, bytes, bytes.length, keys, 2 * row);
    if (keys[2 * row] === 0 && keys[2 * row + 1] === 0) keys[2 * row] = 1;
  }
  return keys;
}

/** The hash of an attribute's value in each row, two words, whichever column has it; (0, 0) where it is absent. */
function hashesOf(columns: AttributeColumns | undefined, count: number, seed: HashSeed): Uint32Array {
  const words = new Uint32Array(2 * count);
  if (columns?.hashes !== undefined) words.set(columns.hashes.words.subarray(0, 2 * count));
  if (columns?.codes !== undefined) {
    const { codes, dictionary } = columns.codes;
    const hashes = dictionary.hashes();
    for (let row = 0; row < count; row++) {
      const code = codes[row] as number;
      if (code === 0) continue;
      words[2 * row] = hashes[2 * code] as number;
      words[2 * row + 1] = hashes[2 * code + 1] as number;
    }
  }
  if (columns?.numbers !== undefined) {
    const { numbers } = columns;
    for (let row = 0; row < count; row++) {
      const value = numbers[row] as number;
      if (value === value) hashText(seed, taggedText(value), words, 2 * row);
    }
  }
  return words;
}
