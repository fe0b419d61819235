/**
 * Texts numbered from 1 in the order in which they were added, in as little memory as finding them again takes. Lacks values:
 * what the bytes mean is the dictionary's business, and so is how many there may be.
 *
 *   text     the bytes of all of them, one after the other
 *   starts   where each begins; it ends where the next one begins
 *   slots    an open-addressing hash table with linear probing, at most three quarters full: 20 bits of a number, 0 if the
 *            slot is free, under 12 bits of its text's hash. All but one in 4,096 of other texts are told apart by the latter,
 *            so that a lookup compares bytes about once
 *
 * That is 9 to 16 bytes an entry besides its text, where a string in an array and a Map takes about 80. No hash is stored: a
 * table that grows hashes its texts again, which costs a lookup about as much as it would save in cache misses.
 *
 * A table that is only read from (an old generation, a partition that wakes to answer a query) never needs its slots: they
 * are made when something is first looked up.
 */
import { assert } from "#protocol";
import { halfSiphash13 } from "./half-siphash.ts";
import type { HashSeed } from "./siphash.ts";
import { TextBuffer } from "./utf8.ts";

/** Numbers are below this: what a slot has room for. */
export const TEXT_NUMBERS_MAX = 2 ** 20;

const NUMBER_MASK = TEXT_NUMBERS_MAX - 1;
const HASH_MASK = ~NUMBER_MASK;
const SLOTS_MIN = 16;

/** How many texts a table may hold, and whether it may take so many bytes more. */
export interface TextRoom {
  readonly numbersMax: number;
  mayGrow(bytes: number): boolean;
}

/** Texts, one after the other. */
export interface PackedTexts {
  /** Bytes of each. */
  readonly lengths: Uint32Array;
  readonly text: Uint8Array;
}

/** Where a text of the table is hashed again; one that is looked up lies in a buffer of the caller's meanwhile. */
const rehashed = new TextBuffer(4096);

export class TextTable {
  readonly #seed: HashSeed;
  readonly #entryBytes: number;
  #text = new Uint8Array(0);
  /** `#starts[#size]` is where the next text will begin. */
  #starts = new Uint32Array(2);
  #size = 1;
  #slots = new Uint32Array(SLOTS_MIN);
  /** Numbers below this are in the slots. */
  #indexed = 1;

  /** @param besideBytes what the owner may hold beside each text, up to the capacity: it is counted with the table's */
  constructor(seed: HashSeed, besideBytes: number) {
    this.#seed = seed;
    this.#entryBytes = 4 + besideBytes;
  }

  /** Numbers are below this; 0 is none. */
  get size(): number {
    return this.#size;
  }

  /** Numbers below this can come without growing. */
  get capacity(): number {
    return this.#starts.length;
  }

  /** Bytes of memory, with those of slots that are yet to be made and of what the owner may hold beside. */
  get bytes(): number {
    const slots = Math.max(this.#slots.length, slotsFor(this.#size - 1));
    return this.#text.length + this.#entryBytes * this.#starts.length + 4 * slots;
  }

  /** The bytes of all texts; not to be kept, because they move when the table grows. */
  get text(): Uint8Array {
    return this.#text;
  }

  startOf(number: number): number {
    return this.#starts[number] as number;
  }

  endOf(number: number): number {
    return this.#starts[number + 1] as number;
  }

  /** The number of the text in the first `length` bytes of `needle`; 0 if the table does not have it. */
  find(needle: TextBuffer, length: number): number {
    this.#index();
    const at = this.#probe(needle, length, halfSiphash13(this.#seed, needle, length));
    return (this.#slots[at] as number) & NUMBER_MASK;
  }

  /** The same, but a text that is new is added; 0 if there is no room for it. */
  intern(needle: TextBuffer, length: number, room: TextRoom): number {
    this.#index();
    const hash = halfSiphash13(this.#seed, needle, length);
    let at = this.#probe(needle, length, hash);
    const known = (this.#slots[at] as number) & NUMBER_MASK;
    if (known !== 0) return known;
    if (this.#size >= Math.min(room.numbersMax, TEXT_NUMBERS_MAX)) return 0;
    const growth = this.#growthFor(1, length);
    if (growth > 0) {
      if (!room.mayGrow(growth)) return 0;
      this.#reserve(1, length);
      this.#reserveSlots(this.#size);
      this.#index();
      at = this.#probe(needle, length, hash);
    }
    const number = this.#size;
    const start = this.#starts[number] as number;
    copyBytes(needle.bytes, length, this.#text, start);
    this.#starts[number + 1] = start + length;
    this.#slots[at] = (hash & HASH_MASK) | number;
    this.#size = this.#indexed = number + 1;
    return number;
  }

  /** Adds texts from `first` on, which the table does not have. */
  append({ lengths, text }: PackedTexts, first: number): void {
    let from = 0;
    for (let i = 0; i < first; i++) from += lengths[i] as number;
    const added = text.subarray(from);
    this.#reserve(lengths.length - first, added.length);
    assert(this.#size + lengths.length - first <= TEXT_NUMBERS_MAX, "no more texts than numbers");
    let end = this.#starts[this.#size] as number;
    this.#text.set(added, end);
    for (let i = first; i < lengths.length; i++) {
      end += lengths[i] as number;
      this.#starts[++this.#size] = end;
    }
    assert(end <= this.#text.length, "texts are as long as their lengths say");
  }

  /** A copy of the texts from `number` on. */
  packedFrom(number: number): PackedTexts {
    const starts = this.#starts;
    const lengths = new Uint32Array(this.#size - number);
    for (let i = 0; i < lengths.length; i++)
      lengths[i] = (starts[number + i + 1] as number) - (starts[number + i] as number);
    return { lengths, text: this.#text.slice(starts[number], starts[this.#size]) };
  }

  /** The slot of a text, or the free one where it belongs. */
  #probe(needle: TextBuffer, length: number, hash: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const slot = slots[at] as number;
      if (slot === 0) return at;
      if (((slot ^ hash) & HASH_MASK) === 0 && this.#isAt(slot & NUMBER_MASK, needle.bytes, length)) return at;
    }
  }

  #isAt(number: number, bytes: Uint8Array, length: number): boolean {
    const start = this.#starts[number] as number;
    if ((this.#starts[number + 1] as number) - start !== length) return false;
    const text = this.#text;
    for (let i = 0; i < length; i++) if (text[start + i] !== bytes[i]) return false;
    return true;
  }

  /** Gives slots to the texts that have none yet. */
  #index(): void {
    if (this.#indexed === this.#size) return;
    this.#reserveSlots(this.#size - 1);
    const slots = this.#slots;
    const mask = slots.length - 1;
    for (; this.#indexed < this.#size; this.#indexed++) {
      const length = rehashed.copy(this.#text, this.startOf(this.#indexed), this.endOf(this.#indexed));
      const hash = halfSiphash13(this.#seed, rehashed, length);
      let at = hash & mask;
      while (slots[at] !== 0) at = (at + 1) & mask;
      slots[at] = (hash & HASH_MASK) | this.#indexed;
    }
  }

  /** Bytes of memory that so many texts more would take beyond what is held. */
  #growthFor(texts: number, bytes: number): number {
    const text = capacityFor(this.#text.length, (this.#starts[this.#size] as number) + bytes);
    const starts = capacityFor(this.#starts.length, this.#size + texts + 1);
    const slots = Math.max(this.#slots.length, slotsFor(this.#size - 1 + texts));
    return (
      text - this.#text.length + this.#entryBytes * (starts - this.#starts.length) + 4 * (slots - this.#slots.length)
    );
  }

  #reserve(texts: number, bytes: number): void {
    const text = capacityFor(this.#text.length, (this.#starts[this.#size] as number) + bytes);
    if (text > this.#text.length) this.#text = new Uint8Array(this.#text.buffer.transfer(text));
    const starts = capacityFor(this.#starts.length, this.#size + texts + 1);
    if (starts > this.#starts.length) this.#starts = new Uint32Array(this.#starts.buffer.transfer(4 * starts));
  }

  /** Makes slots for so many texts: all of them are then to be given anew. */
  #reserveSlots(texts: number): void {
    const slots = slotsFor(texts);
    if (slots <= this.#slots.length) return;
    this.#slots = new Uint32Array(this.#slots.buffer.transfer(4 * slots)).fill(0);
    this.#indexed = 1;
  }
}

/** The least power of two of which so many texts fill at most three quarters. */
function slotsFor(texts: number): number {
  let slots = SLOTS_MIN;
  while (4 * texts > 3 * slots) slots *= 2;
  return slots;
}

/**
 * A quarter more than there was, so that growing costs little; not twice, because memory is what there is least of. Arrays
 * grow by `transfer`, which gives the old one's memory back at once and not with the next collection of garbage.
 */
const capacityFor = (capacity: number, needed: number): number =>
  needed <= capacity ? capacity : Math.max(needed, capacity + (capacity >>> 2), 16);

function copyBytes(from: Uint8Array, length: number, to: Uint8Array, at: number): void {
  for (let i = 0; i < length; i++) to[at + i] = from[i] as number;
}
