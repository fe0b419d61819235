/**
 * Digests: 128 bits that are equal for equal contents and, for practical purposes, only for those. They prove that a replay
 * gives what was live, bit for bit.
 *
 * Each group is hashed over its window, the text of its key and what its accumulators hold (sums rounded, so that how a sum
 * is split into partials does not matter). The digest is the sum of these hashes, so that the order of groups and windows
 * does not matter either, and digests of disjoint sets of windows add. Not meant to withstand an attacker.
 */
import type { DigestSink } from "./accumulator.ts";
import type { FoldState } from "./fold-state.ts";
import type { GroupTable } from "./group-table.ts";
import type { Interner } from "./interner.ts";
import { type HashSeed, hashText, siphash13 } from "./siphash.ts";
import { taggedText } from "./value.ts";

/** Two fixed seeds, one for each half of a digest: the first digits of pi and of e. */
const SEEDS: readonly [HashSeed, HashSeed] = [
  [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
  [0xb7e15162, 0x8aed2a6a, 0xbf715880, 0x9cf4f3c7],
];

/** The digest of one window, as 32 hexadecimal digits. */
export function digestTable(table: GroupTable): string {
  const sum = new DigestSum();
  addTable(
    sum,
    table,
    table.interners.map((interner) => new KeyHashes(interner)),
  );
  return sum.toString();
}

/** The digest of all windows of a state. */
export function digestState(state: Pick<FoldState, "windows" | "interners">): string {
  const sum = new DigestSum();
  const keyHashes = state.interners.map((interner) => new KeyHashes(interner));
  for (const table of state.windows.values()) addTable(sum, table, keyHashes);
  return sum.toString();
}

/** The digest of windows taken together, from the digests of each: they may lie in different places. */
export function addDigests(digests: Iterable<string>): string {
  const sum = new DigestSum();
  for (const digest of digests) sum.addDigest(digest);
  return sum.toString();
}

function addTable(sum: DigestSum, table: GroupTable, keyHashes: readonly KeyHashes[]): void {
  const row = new Row();
  for (let group = 0; group < table.size; group++) {
    row.clear();
    row.number(table.start);
    table.keys.forEach((codes, k) => keyHashes[k]?.give(codes[group] as number, row));
    row.number(table.records[group] as number);
    for (const accumulator of table.accumulators) accumulator.digest(group, row);
    sum.addRow(row);
  }
}

/** Hashes of the values of a key column, each made when it is first needed. */
class KeyHashes {
  readonly #interner: Interner;
  readonly #hashes = new Map<number, Uint32Array>();

  constructor(interner: Interner) {
    this.#interner = interner;
  }

  give(code: number, sink: DigestSink): void {
    let words = this.#hashes.get(code);
    if (words === undefined) {
      words = new Uint32Array(2);
      const value = this.#interner.valueOf(code);
      // (0, 0) is no value's hash: it stands for absent.
      if (value !== null) hashText(SEEDS[0], taggedText(value), words, 0);
      this.#hashes.set(code, words);
    }
    sink.words(words[0] as number, words[1] as number);
  }
}

/** The bytes of one group, eight for each thing in it. */
class Row implements DigestSink {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get bytes(): Uint8Array {
    return this.#bytes;
  }

  get length(): number {
    return this.#length;
  }

  clear(): void {
    this.#length = 0;
  }

  number(value: number): void {
    const at = this.#claim();
    // Adding zero turns -0 into 0.
    this.#view.setFloat64(at, value + 0, true);
  }

  words(low: number, high: number): void {
    const at = this.#claim();
    this.#view.setUint32(at, low, true);
    this.#view.setUint32(at + 4, high, true);
  }

  #claim(): number {
    const at = this.#length;
    this.#length += 8;
    if (this.#length > this.#bytes.length) {
      const longer = new Uint8Array(2 * this.#bytes.length);
      longer.set(this.#bytes);
      this.#bytes = longer;
      this.#view = new DataView(longer.buffer);
    }
    return at;
  }
}

/** A sum of hashes: two numbers modulo 2^64, as words from low to high. */
class DigestSum {
  readonly #words = new Uint32Array(4);
  readonly #hash = new Uint32Array(4);

  addRow(row: Row): void {
    siphash13(SEEDS[0], row.bytes, row.length, this.#hash, 0);
    siphash13(SEEDS[1], row.bytes, row.length, this.#hash, 2);
    this.#add(this.#hash);
  }

  addDigest(digest: string): void {
    // Written from the highest word to the lowest.
    for (let i = 0; i < 4; i++) this.#hash[3 - i] = Number.parseInt(digest.slice(8 * i, 8 * i + 8), 16);
    this.#add(this.#hash);
  }

  toString(): string {
    return Array.from(this.#words, (word) => word.toString(16).padStart(8, "0"))
      .reverse()
      .join("");
  }

  #add(hash: Uint32Array): void {
    for (const at of [0, 2]) {
      const low = (this.#words[at] as number) + (hash[at] as number);
      const carry = low > 0xffffffff ? 1 : 0;
      this.#words[at] = low;
      this.#words[at + 1] = (this.#words[at + 1] as number) + (hash[at + 1] as number) + carry;
    }
  }
}
