/**
 * For each key, stretches of event time in which records of it lie: what a rule that needs order remembers of the records
 * before. Stretches of a key do not overlap; they are linked, the latest first, which is where a record mostly belongs.
 *
 * Bounded: when there are too many, the older half is forgotten, by event time. That happens at a certain record, whatever
 * the batches and slices, so that live and replay forget alike. What is forgotten is told: see `forgottenTo`.
 *
 * How a rule joins stretches is its own affair: it finds the neighbours of a time (`seek`), then makes, extends or joins.
 */
import { assert } from "#protocol";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import { middleOf } from "./middle.ts";

/** No stretch. */
export const NONE = -1;

/** Stretches that room is made for at first. */
const CAPACITY_MIN = 256;

/** Bytes of a stretch as it is stored, with its share of what surrounds it. */
const STORED_BYTES_MAX = 40;

export class KeyedStretches {
  readonly #max: number;
  /** By place. */
  #lows = new Uint32Array(0);
  #highs = new Uint32Array(0);
  #firsts = new Float64Array(0);
  #lasts = new Float64Array(0);
  #records = new Uint32Array(0);
  /** The stretch before it of the same key; of a place that is free, the next free one. */
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
  /** What {@link seek} has found: the neighbours, and where the key's list begins. */
  #soughtSlot = 0;
  before = NONE;
  after = NONE;

  /** @param max stretches that are kept at most */
  constructor(max: number = ENGINE_LIMITS.rememberedTimesMax) {
    assert(max >= 2, "something is remembered");
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

  firstOf = (place: number): number => this.#firsts[place] as number;
  lastOf = (place: number): number => this.#lasts[place] as number;
  recordsOf = (place: number): number => this.#records[place] as number;

  // --- Changing it ---

  /** Finds the latest stretch of a key that does not begin after `time`, and the earliest that does: `before` and `after`. */
  seek(low: number, high: number, time: number): void {
    if (this.#size >= this.#max) this.#forgetOlderHalf();
    this.#seek(low, high, time);
  }

  #seek(low: number, high: number, time: number): void {
    if (2 * (this.#keys + 1) > this.#slots.length) this.#rehash();
    const slot = this.#slotOf(low, high);
    let after = NONE;
    let before = this.#slots[slot] as number;
    while (before !== NONE && (this.#firsts[before] as number) > time) {
      after = before;
      before = this.#earlier[before] as number;
    }
    this.#soughtSlot = slot;
    this.before = before;
    this.after = after;
  }

  /** Makes a stretch between the neighbours that were found for its first time. */
  make(low: number, high: number, first: number, last: number, records: number): void {
    const place = this.#claim(low, high, first, last, records);
    this.#earlier[place] = this.before;
    if (this.after !== NONE) this.#earlier[this.after] = place;
    else this.#slots[this.#soughtSlot] = place;
    if (this.after === NONE && this.before === NONE) this.#keys++;
    this.before = place;
    this.#change(place);
  }

  /** Adds a record to a stretch. */
  extend(place: number, time: number): void {
    this.#records[place] = (this.#records[place] as number) + 1;
    if (time < (this.#firsts[place] as number)) this.#firsts[place] = time;
    if (time > (this.#lasts[place] as number)) this.#lasts[place] = time;
    this.#change(place);
  }

  /** Makes one stretch of both neighbours: `after`. */
  join(): void {
    const { before, after } = this;
    this.#firsts[after] = this.#firsts[before] as number;
    this.#records[after] = (this.#records[after] as number) + (this.#records[before] as number);
    this.#earlier[after] = this.#earlier[before] as number;
    this.#change(after);
    this.#release(before);
  }

  #change(place: number): void {
    if (this.#isChanged[place] === 1) return;
    this.#isChanged[place] = 1;
    this.#changed.push(place);
  }

  // --- Storing it ---

  /**
   * What has changed since it was last taken, as bytes in pieces; `isWhole`: they stand for all that was taken before.
   *
   * @param asWhole everything is wanted, changed or not
   */
  take(asWhole = false): { readonly isWhole: boolean; readonly pieces: readonly Uint8Array[] } {
    const isWhole = asWhole || this.#hasForgotten;
    // One that has become part of another lies within it, and that one has changed.
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
    const records = reader.integers(count);
    for (let i = 0; i < count; i++) {
      const first = firsts[i] as number;
      this.#replace(lows[i] as number, highs[i] as number, first, first + (lengths[i] as number), records[i] as number);
    }
    this.#settle();
  }

  /** Puts a stretch in the place of all that lie in it. */
  #replace(low: number, high: number, first: number, last: number, records: number): void {
    this.#seek(low, high, last);
    while (this.before !== NONE && (this.#firsts[this.before] as number) >= first) {
      const within = this.before;
      this.before = this.#earlier[within] as number;
      if (this.after !== NONE) this.#earlier[this.after] = this.before;
      else this.#slots[this.#soughtSlot] = this.before;
      this.#release(within);
    }
    this.make(low, high, first, last, records);
  }

  /** All of it is stored. */
  #settle(): void {
    this.#isChanged.fill(0);
    this.#changed = [];
    this.#hasForgotten = false;
  }

  #encode(stretches: Int32Array): Uint8Array {
    const writer = new ByteWriter(64 + STORED_BYTES_MAX * stretches.length);
    const count = stretches.length;
    const column = (values: ArrayLike<number>) => Float64Array.from(stretches, (i) => values[i] as number);
    const firsts = column(this.#firsts);
    const lengths = column(this.#lasts).map((last, i) => last - (firsts[i] as number));
    writer.uint32(count);
    writer.float64(this.#forgottenTo);
    writer.integers(column(this.#lows), 0, count);
    writer.integers(column(this.#highs), 0, count);
    writer.doubles(firsts, 0, count);
    writer.integers(lengths, 0, count);
    writer.integers(column(this.#records), 0, count);
    return writer.finish();
  }

  // --- Places and slots ---

  /** Places of all stretches. */
  #all(): Int32Array {
    const all = new Int32Array(this.#size);
    let count = 0;
    for (const head of this.#slots) {
      for (let i = head; i !== NONE; i = this.#earlier[i] as number) all[count++] = i;
    }
    return all;
  }

  #claim(low: number, high: number, first: number, last: number, records: number): number {
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
    this.#records[place] = records;
    return place;
  }

  #release(place: number): void {
    this.#isChanged[place] = 0;
    this.#earlier[place] = this.#free;
    this.#free = place;
    this.#size--;
  }

  #grow(): void {
    const [lows, highs, firsts, lasts] = [this.#lows, this.#highs, this.#firsts, this.#lasts];
    const [records, earlier, isChanged] = [this.#records, this.#earlier, this.#isChanged];
    this.#allocate(Math.max(CAPACITY_MIN, 2 * lows.length));
    this.#lows.set(lows);
    this.#highs.set(highs);
    this.#firsts.set(firsts);
    this.#lasts.set(lasts);
    this.#records.set(records);
    this.#earlier.set(earlier);
    this.#isChanged.set(isChanged);
  }

  #allocate(capacity: number): void {
    this.#lows = new Uint32Array(capacity);
    this.#highs = new Uint32Array(capacity);
    this.#firsts = new Float64Array(capacity);
    this.#lasts = new Float64Array(capacity);
    this.#records = new Uint32Array(capacity);
    this.#earlier = new Int32Array(capacity);
    this.#isChanged = new Uint8Array(capacity);
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
    const all = this.#all();
    const cut = middleOf(Float64Array.from(all, (i) => this.#lasts[i] as number));
    const heads = this.#slots.filter((head) => head !== NONE);
    const [lows, highs, firsts, lasts] = [this.#lows, this.#highs, this.#firsts, this.#lasts];
    const [records, earlier] = [this.#records, this.#earlier];
    this.#allocate(lows.length);
    this.#slots.fill(NONE);
    this.#used = this.#size = this.#keys = 0;
    this.#free = NONE;
    for (const head of heads) {
      this.after = this.before = NONE;
      // The latest come first: what is kept of a key is the beginning of its list.
      for (let i = head; i !== NONE && (lasts[i] as number) > cut; i = earlier[i] as number) {
        const [low, high] = [lows[i] as number, highs[i] as number];
        if (this.after === NONE) this.#soughtSlot = this.#slotOf(low, high);
        this.before = NONE;
        this.make(low, high, firsts[i] as number, lasts[i] as number, records[i] as number);
        this.after = this.before;
      }
    }
    this.#forgottenTo = Math.max(this.#forgottenTo, cut);
    this.#hasForgotten = true;
  }
}
