/**
 * Builds a column batch from the events of one commit. Here strings become codes, identifiers become hashes, and what was
 * learned from outside (the append time) becomes part of the record: from here on nothing depends on when it is read.
 */
import { assert } from "#protocol";
import type { AttributeColumns, CodeArray, ColumnBatch, IntegerColumn } from "./column-batch.ts";
import { MINUTE_MS } from "./column-batch.ts";
import type { Dictionaries } from "./dictionary.ts";
import type { EventColumns } from "./event-columns.ts";
import { hashText } from "./siphash.ts";
import { taggedText, type Value } from "./value.ts";

/** The admitted part of one append request. */
export interface AppendPiece {
  readonly events: EventColumns;
  /** Positions in `events` that are kept, rising; null: all. */
  readonly rows: Uint32Array | null;
  /** Sent with a write key: its times are not believed beyond the append time, and it can be late. */
  readonly fromPage: boolean;
}

/** @param appendTime milliseconds since the epoch, the same for the whole commit */
export function buildBatch(
  dictionaries: Dictionaries,
  identifiers: ReadonlySet<string>,
  baseOffset: number,
  appendTime: number,
  pieces: readonly AppendPiece[],
): ColumnBatch {
  const count = pieces.reduce((sum, piece) => sum + pieceCount(piece), 0);
  assert(count > 0, "a batch has records");
  const minutes = new Float64Array(count);
  const milliseconds = new Float64Array(count);
  const fromPages = new Float64Array(count);
  const builders = new Map<string, AttributeBuilder>();
  let at = 0;
  for (const piece of pieces) {
    const { events, rows, fromPage } = piece;
    const kept = pieceCount(piece);
    for (let i = 0; i < kept; i++) {
      const told = events.times[rows === null ? i : (rows[i] as number)] as number;
      const time = fromPage ? Math.min(told, appendTime) : told;
      minutes[at + i] = Math.floor(time / MINUTE_MS);
      milliseconds[at + i] = time - (minutes[at + i] as number) * MINUTE_MS;
      fromPages[at + i] = fromPage ? 1 : 0;
    }
    for (const { name, values } of events.attributes) {
      let builder = builders.get(name);
      if (builder === undefined) {
        builder = new AttributeBuilder(dictionaries, name, identifiers.has(name), count);
        builders.set(name, builder);
      }
      for (let i = 0; i < kept; i++) {
        const value = values[rows === null ? i : (rows[i] as number)] as Value;
        if (value !== null) builder.set(at + i, value);
      }
    }
    at += kept;
  }
  const attributes = new Map<string, AttributeColumns>();
  for (const [name, builder] of builders) if (builder.used) attributes.set(name, builder.finish());
  const minuteColumn = integerColumn(minutes);
  return {
    baseOffset,
    count,
    grouping: null,
    minutes: minuteColumn,
    milliseconds: integerColumn(milliseconds),
    appendTimes: { base: appendTime, deltas: null },
    fromPages: integerColumn(fromPages),
    attributes,
    minuteMin: minuteColumn.base,
    minuteMax: minutes.reduce((a, b) => Math.max(a, b)),
    appendTimeMax: appendTime,
  };
}

const pieceCount = (piece: AppendPiece): number => (piece.rows === null ? piece.events.count : piece.rows.length);

/**
 * The rows of `events` that would bring an attribute name beyond the bound of names. They are to be rejected before a batch
 * is built; names are given ids in the order in which they come.
 *
 * @param always names that have room in any case, and are not counted
 */
export function rowsBeyondNames(
  dictionaries: Dictionaries,
  events: EventColumns,
  namesMax: number,
  always: ReadonlySet<string> = new Set(),
): ReadonlySet<number> {
  const beyond = new Set<number>();
  let free = namesMax - dictionaries.names.filter((name) => !always.has(name)).length;
  for (const { name, values } of events.attributes) {
    if (always.has(name) || dictionaries.hasAttribute(name) || values.every((value) => value === null)) continue;
    if (free > 0) free -= 1;
    else values.forEach((value, row) => value !== null && beyond.add(row));
  }
  return beyond;
}

/** Collects one attribute's values into the columns that they need. */
class AttributeBuilder {
  readonly #dictionaries: Dictionaries;
  readonly #id: number;
  readonly #identifier: boolean;
  readonly #count: number;
  #codes: Uint32Array | undefined;
  #numbers: Float64Array | undefined;
  #words: Uint32Array | undefined;
  #values: Value[] | undefined;

  constructor(dictionaries: Dictionaries, name: string, identifier: boolean, count: number) {
    this.#dictionaries = dictionaries;
    this.#id = dictionaries.attributeId(name);
    this.#identifier = identifier;
    this.#count = count;
  }

  get used(): boolean {
    return this.#codes !== undefined || this.#numbers !== undefined || this.#words !== undefined;
  }

  set(index: number, value: NonNullable<Value>): void {
    if (this.#identifier) {
      this.#setHash(index, value);
    } else if (typeof value === "number") {
      this.#numbers ??= new Float64Array(this.#count).fill(NaN);
      this.#numbers[index] = value;
    } else {
      const code = this.#dictionaries.intern(this.#id, value);
      if (code === undefined) return this.#setHash(index, value);
      this.#codes ??= new Uint32Array(this.#count);
      this.#codes[index] = code;
    }
  }

  #setHash(index: number, value: NonNullable<Value>): void {
    this.#words ??= new Uint32Array(2 * this.#count);
    this.#values ??= new Array<Value>(this.#count).fill(null);
    hashText(this.#dictionaries.seed, taggedText(value), this.#words, 2 * index);
    this.#values[index] = value;
  }

  finish(): AttributeColumns {
    const values = this.#values;
    return {
      ...(this.#codes && {
        codes: { codes: narrowCodes(this.#codes), dictionary: this.#dictionaries.dictionary(this.#id) },
      }),
      ...(this.#numbers && { numbers: this.#numbers }),
      ...(this.#words && values && { hashes: { words: this.#words, values: () => values } }),
    };
  }
}

/** The narrowest array that holds the codes. */
export function narrowCodes(codes: CodeArray): CodeArray {
  let greatest = 0;
  for (const code of codes) greatest = code > greatest ? code : greatest;
  if (greatest < 0x100) return Uint8Array.from(codes);
  return greatest < 0x10000 ? Uint16Array.from(codes) : Uint32Array.from(codes);
}

/** The narrowest column that holds the whole numbers. */
export function integerColumn(values: Float64Array): IntegerColumn {
  let base = Infinity;
  let greatest = -Infinity;
  for (const value of values) {
    if (value < base) base = value;
    if (value > greatest) greatest = value;
  }
  const range = greatest - base;
  if (range === 0) return { base, deltas: null };
  const deltas =
    range < 0x100
      ? new Uint8Array(values.length)
      : range < 0x10000
        ? new Uint16Array(values.length)
        : range < 0x100000000
          ? new Uint32Array(values.length)
          : new Float64Array(values.length);
  for (let i = 0; i < values.length; i++) deltas[i] = (values[i] as number) - base;
  return { base, deltas };
}
