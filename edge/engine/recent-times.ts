/**
 * For each key the event times at which it was seen: what a rule that needs order remembers of the records before.
 *
 * The only question is whether a time lies less than `within` from one that is remembered. So times of a key that are so near
 * that no time between them is far from both are kept as one *stretch*, from the first to the last: a robot that clicks every
 * second for a day takes as much memory as one click. Stretches of a key are linked, the latest first, which is where a click
 * mostly belongs.
 *
 * Bounded: when there are too many stretches, the older half is forgotten, by event time. That happens at a certain record,
 * whatever the batches and slices, so that live and replay forget alike. What is forgotten is told: see `forgottenTo`.
 */
import { assert } from "#protocol";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import { middleOf } from "./middle.ts";

const NONE = -1;

/** Stretches that room is made for at first. */
const CAPACITY_MIN = 256;

/** Bytes of a stretch as it is stored, with its share of what surrounds it. */
const STORED_BYTES_MAX = 32;

export class RecentTimes {
  readonly #within: number;
  readonly #max: number;
  /** By stretch. */
  #lows = new Uint32Array(0);
  #highs = new Uint32Array(0);
  #firsts = new Float64Array(0);
  #lasts = new Float64Array(0);
  /** The stretch before it of the same key; of one that is free, the next free one. */
  #earlier = new Int32Array(0);
  #isChanged = new Uint8Array(0);
  /** Places that were ever taken, and the first of those that are free again. */
  #used = 0;
  #free = NONE;
  #size = 0;
  /** The latest stretch of each key, by open addressing. Keys do not leave it one by one. */
  #slots = new Int32Array(0);
  #keys = 0;
  #changed: number[] = [];
  #hasForgotten = false;
  #forgottenTo = -Infinity;

  /**
   * @param within in milliseconds, at least 1
   * @param max stretches that are kept at most
   */
  constructor(within: number, max: number) {
    assert(within >= 1 && max >= 2, "something is remembered");
    this.#within = within;
    this.#max = max;
  }

  /** Stretches that are remembered. */
  get size(): number {
    return this.#size;
  }

  /** Times up to it may have been forgotten, in milliseconds since the epoch; -Infinity: none was. */
  get forgottenTo(): number {
    return this.#forgottenTo;
  }

  /** Remembers a time of a key. @returns whether it lies less than `within` from one that was remembered */
  add(low: number, high: number, time: number): boolean {
    if (this.#size >= this.#max) this.#forgetOlderHalf();
    return this.#insert(low, high, time, time);
  }

  /**
   * What has changed since it was last taken, as bytes in pieces; `isWhole`: they stand for all that was taken before.
   *
   * @param asWhole everything is wanted, changed or not
   */
  take(asWhole = false): { readonly isWhole: boolean; readonly pieces: readonly Uint8Array[] } {
    const isWhole = asWhole || this.#hasForgotten;
    // A stretch that has become part of another lies within it, and that one has changed.
    const taken = isWhole ? this.#all() : Int32Array.from(this.#changed).filter((i) => this.#isChanged[i] === 1);
    this.#settle();
    const pieces: Uint8Array[] = [];
    const atOnce = Math.floor(ENGINE_LIMITS.storedBytesMax / STORED_BYTES_MAX);
    for (let at = 0; at < taken.length; at += atOnce) pieces.push(this.#encode(taken.slice(at, at + atOnce)));
    return { isWhole, pieces };
  }

  /** Takes in pieces that {@link take} gave, in the order in which they were taken. */
  absorb(bytes: Uint8Array): void {
    const reader = new ByteReader(bytes);
    const count = reader.uint32();
    this.#forgottenTo = Math.max(this.#forgottenTo, reader.float64());
    const lows = reader.integers(count);
    const highs = reader.integers(count);
    const firsts = reader.doubles(count);
    const lengths = reader.integers(count);
    for (let i = 0; i < count; i++) {
      const first = firsts[i] as number;
      this.#insert(lows[i] as number, highs[i] as number, first, first + (lengths[i] as number));
    }
    this.#settle();
  }

  /** All of it is stored. */
  #settle(): void {
    this.#isChanged.fill(0);
    this.#changed = [];
    this.#hasForgotten = false;
  }

  #encode(stretches: Int32Array): Uint8Array {
    const writer = new ByteWriter(64 + STORED_BYTES_MAX * stretches.length);
    const column = (values: ArrayLike<number>) => Float64Array.from(stretches, (i) => values[i] as number);
    const firsts = column(this.#firsts);
    const lasts = column(this.#lasts);
    writer.uint32(stretches.length);
    writer.float64(this.#forgottenTo);
    writer.integers(column(this.#lows), 0, stretches.length);
    writer.integers(column(this.#highs), 0, stretches.length);
    writer.doubles(firsts, 0, stretches.length);
    writer.integers(
      lasts.map((last, i) => last - (firsts[i] as number)),
      0,
      stretches.length,
    );
    return writer.finish();
  }

  /** Places of all stretches. */
  #all(): Int32Array {
    const all = new Int32Array(this.#size);
    let count = 0;
    for (const head of this.#slots) {
      for (let i = head; i !== NONE; i = this.#earlier[i] as number) all[count++] = i;
    }
    return all;
  }

  #insert(low: number, high: number, first: number, last: number): boolean {
    if (2 * (this.#keys + 1) > this.#slots.length) this.#rehash();
    const slot = this.#slotOf(low, high);
    // The neighbours: the earliest stretch that begins after this time, and the latest that does not.
    let later = NONE;
    let earlier = this.#slots[slot] as number;
    if (earlier === NONE) this.#keys++;
    while (earlier !== NONE && (this.#firsts[earlier] as number) > last) {
      later = earlier;
      earlier = this.#earlier[earlier] as number;
    }
    const within = this.#within;
    const isNear =
      (earlier !== NONE && first - (this.#lasts[earlier] as number) < within) ||
      (later !== NONE && (this.#firsts[later] as number) - last < within);
    // Any time between two that are less than twice `within` apart is near one of them.
    const joins = (from: number, to: number) => to - from < 2 * within;
    let place: number;
    if (earlier !== NONE && joins(this.#lasts[earlier] as number, first)) {
      place = earlier;
      if (first >= (this.#firsts[place] as number) && last <= (this.#lasts[place] as number)) return isNear;
      this.#firsts[place] = Math.min(this.#firsts[place] as number, first);
      this.#lasts[place] = Math.max(this.#lasts[place] as number, last);
    } else {
      place = this.#claim(low, high, first, last);
      this.#earlier[place] = earlier;
      if (later === NONE) this.#slots[slot] = place;
      else this.#earlier[later] = place;
    }
    this.#change(place);
    // More than one only if what comes is a stretch itself.
    for (let i = this.#earlier[place] as number; i !== NONE; i = this.#earlier[place] as number) {
      if (!joins(this.#lasts[i] as number, this.#firsts[place] as number)) break;
      this.#join(place, i);
    }
    if (later !== NONE && joins(this.#lasts[place] as number, this.#firsts[later] as number)) this.#join(later, place);
    return isNear;
  }

  /** Makes `earlier`, which comes right before it, a part of `later`. */
  #join(later: number, earlier: number): void {
    this.#firsts[later] = Math.min(this.#firsts[later] as number, this.#firsts[earlier] as number);
    this.#lasts[later] = Math.max(this.#lasts[later] as number, this.#lasts[earlier] as number);
    this.#earlier[later] = this.#earlier[earlier] as number;
    this.#change(later);
    this.#isChanged[earlier] = 0;
    this.#earlier[earlier] = this.#free;
    this.#free = earlier;
    this.#size--;
  }

  #change(place: number): void {
    if (this.#isChanged[place] === 1) return;
    this.#isChanged[place] = 1;
    this.#changed.push(place);
  }

  #claim(low: number, high: number, first: number, last: number): number {
    let place = this.#free;
    if (place === NONE) {
      if (this.#used === this.#lows.length) this.#grow();
      place = this.#used++;
    } else {
      this.#free = this.#earlier[place] as number;
    }
    this.#size++;
    this.#lows[place] = low;
    this.#highs[place] = high;
    this.#firsts[place] = first;
    this.#lasts[place] = last;
    return place;
  }

  #grow(): void {
    const capacity = Math.max(CAPACITY_MIN, 2 * this.#lows.length);
    const [lows, highs, firsts, lasts] = [this.#lows, this.#highs, this.#firsts, this.#lasts];
    const [earlier, isChanged] = [this.#earlier, this.#isChanged];
    this.#allocate(capacity);
    this.#lows.set(lows);
    this.#highs.set(highs);
    this.#firsts.set(firsts);
    this.#lasts.set(lasts);
    this.#earlier.set(earlier);
    this.#isChanged.set(isChanged);
  }

  /** The slot of a key: the one that has it, or the free one where it belongs. */
  #slotOf(low: number, high: number): number {
    const mask = this.#slots.length - 1;
    let slot = (low ^ high) & mask;
    for (;;) {
      const head = this.#slots[slot] as number;
      if (head === NONE || (this.#lows[head] === low && this.#highs[head] === high)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #rehash(): void {
    const heads = this.#slots.filter((head) => head !== NONE);
    this.#slots = new Int32Array(Math.max(2 * CAPACITY_MIN, 2 * this.#slots.length)).fill(NONE);
    for (const head of heads) this.#slots[this.#slotOf(this.#lows[head] as number, this.#highs[head] as number)] = head;
  }

  #forgetOlderHalf(): void {
    const lasts = new Float64Array(this.#size);
    this.#all().forEach((i, at) => (lasts[at] = this.#lasts[i] as number));
    const cut = middleOf(lasts);
    const heads = this.#slots.filter((head) => head !== NONE);
    const [lows, highs, firsts, ends, earlier] = [this.#lows, this.#highs, this.#firsts, this.#lasts, this.#earlier];
    this.#allocate(lows.length);
    this.#slots.fill(NONE);
    this.#used = this.#size = this.#keys = 0;
    this.#free = NONE;
    for (const head of heads) {
      let later = NONE;
      // The latest come first: what is kept of a key is the beginning of its list.
      for (let i = head; i !== NONE && (ends[i] as number) > cut; i = earlier[i] as number) {
        const low = lows[i] as number;
        const high = highs[i] as number;
        const place = this.#claim(low, high, firsts[i] as number, ends[i] as number);
        this.#earlier[place] = NONE;
        if (later !== NONE) this.#earlier[later] = place;
        else this.#slots[this.#slotOf(low, high)] = place;
        if (later === NONE) this.#keys++;
        later = place;
      }
    }
    this.#changed = [];
    this.#forgottenTo = Math.max(this.#forgottenTo, cut);
    this.#hasForgotten = true;
  }

  #allocate(capacity: number): void {
    this.#lows = new Uint32Array(capacity);
    this.#highs = new Uint32Array(capacity);
    this.#firsts = new Float64Array(capacity);
    this.#lasts = new Float64Array(capacity);
    this.#earlier = new Int32Array(capacity);
    this.#isChanged = new Uint8Array(capacity);
  }
}
