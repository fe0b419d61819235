/**
 * Builds a column batch from the events of one commit. Here strings become codes, identifiers become hashes, and what was
 * learned from outside (the append time) becomes part of the record: from here on nothing depends on when it is read.
 */
import { assert } from "#protocol";
import type { AttributeColumns, CodeArray, ColumnBatch, IntegerColumn } from "./column-batch.ts";
import { MINUTE_MS } from "./column-batch.ts";
import type { Dictionaries } from "./dictionary.ts";
import { type EventColumn, type EventColumns, eventValueAt } from "./event-columns.ts";
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
  const builders = new Map<string, AttributeBuilder>();
  let at = 0;
  for (const piece of pieces) {
    writeTimes(piece, appendTime, minutes, milliseconds, at);
    for (const column of piece.events.attributes) {
      let builder = builders.get(column.name);
      if (builder === undefined) {
        builder = new AttributeBuilder(dictionaries, column.name, identifiers.has(column.name), count);
        builders.set(column.name, builder);
      }
      builder.add(column, piece.rows, pieceCount(piece), at);
    }
    at += pieceCount(piece);
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
    fromPages: fromPagesColumn(pieces, count),
    attributes,
    minuteMin: minuteColumn.base,
    minuteMax: rangeOf(minutes).greatest,
    appendTimeMax: appendTime,
  };
}

/** The times of a piece's records, split into minutes and the rest, from place `at` on. */
function writeTimes(
  piece: AppendPiece,
  appendTime: number,
  minutes: Float64Array,
  milliseconds: Float64Array,
  at: number,
): void {
  const { rows, fromPage } = piece;
  const { times } = piece.events;
  const kept = pieceCount(piece);
  for (let i = 0; i < kept; i++) {
    const told = times[rows === null ? i : (rows[i] as number)] as number;
    const time = fromPage ? Math.min(told, appendTime) : told;
    const minute = Math.floor(time / MINUTE_MS);
    minutes[at + i] = minute;
    milliseconds[at + i] = time - minute * MINUTE_MS;
  }
}

/** Mostly all records of a commit come by one kind of key. */
function fromPagesColumn(pieces: readonly AppendPiece[], count: number): IntegerColumn {
  const first = pieces[0]?.fromPage === true;
  if (pieces.every(({ fromPage }) => fromPage === first)) return { base: first ? 1 : 0, deltas: null };
  const fromPages = new Float64Array(count);
  let at = 0;
  for (const piece of pieces) {
    const to = at + pieceCount(piece);
    if (piece.fromPage) fromPages.fill(1, at, to);
    at = to;
  }
  return integerColumn(fromPages);
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
  let beyond: Set<number> | undefined;
  let free: number | undefined;
  for (const column of events.attributes) {
    const { name } = column;
    if (always.has(name) || dictionaries.hasAttribute(name) || !isUsed(column, events.count)) continue;
    free ??= namesMax - dictionaries.names.filter((known) => !always.has(known)).length;
    if (free > 0) {
      free -= 1;
      continue;
    }
    beyond ??= new Set();
    for (let row = 0; row < events.count; row++) if (eventValueAt(column, row) !== null) beyond.add(row);
  }
  return beyond ?? NONE;
}

const NONE: ReadonlySet<number> = new Set();

function isUsed(column: EventColumn, count: number): boolean {
  for (let row = 0; row < count; row++) if (eventValueAt(column, row) !== null) return true;
  return false;
}

/**
 * Collects one attribute's values into the columns that they need. New values are given their codes in the order of their
 * records, whichever form they come in: a batch depends on what was sent, not on how it was carried.
 */
class AttributeBuilder {
  readonly #dictionaries: Dictionaries;
  readonly #name: string;
  readonly #identifier: boolean;
  readonly #count: number;
  /** The attribute's id, from its first value on: a name that only rejected events have is given none. */
  #id = -1;
  #codes: Uint32Array | undefined;
  #numbers: Float64Array | undefined;
  #words: Uint32Array | undefined;
  #values: Value[] | undefined;

  constructor(dictionaries: Dictionaries, name: string, identifier: boolean, count: number) {
    this.#dictionaries = dictionaries;
    this.#name = name;
    this.#identifier = identifier;
    this.#count = count;
  }

  get used(): boolean {
    return this.#id >= 0;
  }

  /** Takes `rows` (null: the first `kept`) of a column as the records from `at` on. */
  add(column: EventColumn, rows: Uint32Array | null, kept: number, at: number): void {
    if (column.codes !== undefined && !this.#identifier)
      return this.#addCodes(column.codes, column.values, rows, kept, at);
    if (column.numbers !== undefined && !this.#identifier) return this.#addNumbers(column.numbers, rows, kept, at);
    for (let i = 0; i < kept; i++) {
      const value = eventValueAt(column, rows === null ? i : (rows[i] as number));
      if (value !== null) this.#set(at + i, value);
    }
  }

  /** Each distinct value is looked up once. */
  #addCodes(
    codes: Uint8Array | Uint16Array,
    values: readonly Value[],
    rows: Uint32Array | null,
    kept: number,
    at: number,
  ): void {
    // The dictionary's code of each of the request's, 0 where it is not known yet or there is none.
    const translation = new Uint32Array(values.length);
    for (let i = 0; i < kept; i++) {
      const code = codes[rows === null ? i : (rows[i] as number)] as number;
      const known = translation[code] as number;
      if (known !== 0) {
        (this.#codes as Uint32Array)[at + i] = known;
        continue;
      }
      const value = values[code] as Value;
      if (value === null) continue;
      this.#set(at + i, value);
      translation[code] = this.#codes?.[at + i] ?? 0;
    }
  }

  #addNumbers(source: Float64Array, rows: Uint32Array | null, kept: number, at: number): void {
    const numbers = (this.#numbers ??= new Float64Array(this.#count).fill(NaN));
    for (let i = 0; i < kept; i++) {
      const number = source[rows === null ? i : (rows[i] as number)] as number;
      if (number !== number) continue;
      this.#takeId();
      numbers[at + i] = number;
    }
  }

  #set(index: number, value: NonNullable<Value>): void {
    const id = this.#takeId();
    if (this.#identifier) {
      this.#setHash(index, value);
    } else if (typeof value === "number") {
      this.#numbers ??= new Float64Array(this.#count).fill(NaN);
      this.#numbers[index] = value;
    } else {
      const code = this.#dictionaries.intern(id, value);
      if (code === undefined) return this.#setHash(index, value);
      this.#codes ??= new Uint32Array(this.#count);
      this.#codes[index] = code;
    }
  }

  #takeId(): number {
    if (this.#id < 0) this.#id = this.#dictionaries.attributeId(this.#name);
    return this.#id;
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
  for (let i = 0; i < codes.length; i++) greatest = Math.max(greatest, codes[i] as number);
  if (greatest < 0x100) return new Uint8Array(codes);
  return greatest < 0x10000 ? new Uint16Array(codes) : new Uint32Array(codes);
}

/** The narrowest column that holds the whole numbers. */
export function integerColumn(values: Float64Array): IntegerColumn {
  const { least: base, greatest } = rangeOf(values);
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

function rangeOf(values: Float64Array): { readonly least: number; readonly greatest: number } {
  let least = Infinity;
  let greatest = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return { least, greatest };
}
