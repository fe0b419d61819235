/**
 * Tells the distinct ones among a few hashes, again and again, without being cleared in between: a slot holds a number that
 * says whose turn wrote it. Open addressing, at most half full; only as much of the table is used as there are hashes.
 */
const FEW = 6;
const NUMBERS_MAX = 2 ** 30;

export class SmallSet {
  readonly #max: number;
  readonly #slots: Int32Array;
  /** Numbers up to here are of earlier turns. */
  #used = 0;

  /** @param max how many distinct hashes it can tell */
  constructor(max: number) {
    this.#max = max;
    let length = 4;
    while (length < 2 * (max + 1)) length *= 2;
    this.#slots = new Int32Array(length);
  }

  /**
   * Appends those of `words[from..to)` that are not among the `size` members from `members[first]` on, all in pairs of words.
   *
   * @returns how many members there are then; `max + 1` if there would be more than `max`, the rest of which were not looked at
   */
  addAll(members: Uint32Array, first: number, size: number, words: Uint32Array, from: number, to: number): number {
    const most = size + to - from;
    return most <= FEW
      ? addFew(members, first, size, words, from, to)
      : this.#addMany(members, first, size, words, from, to, Math.min(most, this.#max));
  }

  #addMany(
    members: Uint32Array,
    first: number,
    size: number,
    words: Uint32Array,
    from: number,
    to: number,
    most: number,
  ): number {
    const slots = this.#slots;
    const mask = 2 ** (32 - Math.clz32(2 * most)) - 1;
    if (this.#used > NUMBERS_MAX) {
      slots.fill(0);
      this.#used = 0;
    }
    const used = this.#used + 1;
    this.#used = used + this.#max;
    for (let i = 0; i < size; i++) {
      let slot = (members[2 * (first + i)] as number) & mask;
      while ((slots[slot] as number) >= used) slot = (slot + 1) & mask;
      slots[slot] = used + i;
    }
    let count = size;
    for (let i = from; i < to; i++) {
      const low = words[2 * i] as number;
      const high = words[2 * i + 1] as number;
      let slot = low & mask;
      let number = slots[slot] as number;
      while (number >= used) {
        const at = 2 * (first + number - used);
        if (members[at] === low && members[at + 1] === high) break;
        slot = (slot + 1) & mask;
        number = slots[slot] as number;
      }
      if (number >= used) continue;
      if (count === this.#max) return count + 1;
      members[2 * (first + count)] = low;
      members[2 * (first + count) + 1] = high;
      slots[slot] = used + count++;
    }
    return count;
  }
}

/** By comparison with each: the fastest way where there are a handful, as in most minutes of most ads. */
function addFew(
  members: Uint32Array,
  first: number,
  size: number,
  words: Uint32Array,
  from: number,
  to: number,
): number {
  let end = 2 * (first + size);
  for (let i = 2 * from; i < 2 * to; i += 2) {
    const low = words[i] as number;
    const high = words[i + 1] as number;
    let at = 2 * first;
    while (at < end && (members[at] !== low || members[at + 1] !== high)) at += 2;
    if (at < end) continue;
    members[end] = low;
    members[end + 1] = high;
    end += 2;
  }
  return end / 2 - first;
}
