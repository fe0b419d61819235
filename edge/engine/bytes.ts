/**
 * Typed columns in one buffer: how a group table is laid out as bytes, little-endian. Every column starts at a multiple of
 * 8, so that a reader looks at it through a typed array, and integers take the narrowest width that holds them.
 *
 * Lacks checks of content: who writes a header puts a checksum over all of this, and who reads verifies it first. Reading
 * past the end can then only be a mistake of ours, and is an assertion.
 */
import { assert } from "#protocol";

const utf8 = new TextEncoder();
/** `ignoreBOM` keeps a leading U+FEFF: it belongs to the value. */
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The platform's encoder takes its time for no text too. */
const NOTHING = new Uint8Array(0);

/** Widths of an integer column, as written before it: bytes of an element. */
const WIDTH_FLOAT64 = 8;

export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** What was written, in a buffer of its own of exactly that size. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#align();
    return this.#bytes.slice(0, this.#length);
  }

  uint32(value: number): void {
    const at = this.#claim(4);
    this.#view.setUint32(at, value, true);
  }

  float64(value: number): void {
    const at = this.#claim(8);
    this.#view.setFloat64(at, value, true);
  }

  /** Non-negative integers `values[from..to)`, in the narrowest width that holds the greatest of them. */
  integers(values: ArrayLike<number>, from: number, to: number): void {
    const width = widthOf(values, from, to);
    this.uint32(width);
    const at = this.#column((to - from) * width);
    if (isTyped(values) && values.BYTES_PER_ELEMENT === width) {
      // As wide already: the bytes are the same.
      const { buffer, byteOffset } = values;
      this.#bytes.set(new Uint8Array(buffer, byteOffset + from * width, (to - from) * width), at);
      return;
    }
    const column = arrayOfWidth(width, this.#bytes.buffer, at, to - from);
    for (let i = from; i < to; i++) column[i - from] = values[i] as number;
  }

  /** Numbers `values[from..to)` as they are, infinities included. */
  doubles(values: Float64Array, from: number, to: number): void {
    const at = this.#column((to - from) * 8);
    new Float64Array(this.#bytes.buffer, at, to - from).set(values.subarray(from, to));
  }

  bytes(values: Uint8Array): void {
    const at = this.#column(values.length);
    this.#bytes.set(values, at);
  }

  /** Strings: their lengths in UTF-16 units, then all of their UTF-8 in one piece, which decodes in one call. */
  texts(values: readonly string[]): void {
    this.uint32(values.length);
    this.integers(
      values.map((value) => value.length),
      0,
      values.length,
    );
    const text = values.length === 0 ? NOTHING : utf8.encode(values.join(""));
    this.uint32(text.length);
    this.bytes(text);
  }

  #align(): void {
    this.#claim((8 - (this.#length & 7)) & 7);
  }

  /** Room for a column, aligned. */
  #column(byteLength: number): number {
    this.#align();
    return this.#claim(byteLength);
  }

  /** Room for some bytes. The buffer may be another one afterwards: ask for it only then. */
  #claim(byteLength: number): number {
    const at = this.#length;
    this.#length += byteLength;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(2 * this.#bytes.length, (this.#length + 7) & ~7));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array<ArrayBufferLike>;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // A piece of a larger buffer may lie at an odd address, where no typed array can look at it.
    this.#bytes = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  uint32(): number {
    return this.#view.getUint32(this.#claim(4), true);
  }

  float64(): number {
    return this.#view.getFloat64(this.#claim(8), true);
  }

  integers(count: number): Uint8Array | Uint16Array | Uint32Array | Float64Array {
    const width = this.uint32();
    return arrayOfWidth(width, this.#bytes.buffer, this.#column(count * width), count);
  }

  doubles(count: number): Float64Array {
    return new Float64Array(this.#bytes.buffer, this.#column(count * 8), count);
  }

  bytes(count: number): Uint8Array {
    return new Uint8Array(this.#bytes.buffer, this.#column(count), count);
  }

  texts(): string[] {
    const lengths = this.integers(this.uint32());
    const text = fromUtf8.decode(this.bytes(this.uint32()));
    const values: string[] = [];
    let from = 0;
    for (const length of lengths) values.push(text.slice(from, (from += length)));
    return values;
  }

  /** Room of an aligned column, as a place in the underlying buffer. */
  #column(byteLength: number): number {
    this.#claim((8 - (this.#at & 7)) & 7);
    return this.#bytes.byteOffset + this.#claim(byteLength);
  }

  #claim(byteLength: number): number {
    const at = this.#at;
    this.#at += byteLength;
    assert(this.#at <= this.#bytes.length, "columns end where the bytes end");
    return at;
  }
}

type TypedIntegers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

const isTyped = (values: ArrayLike<number>): values is TypedIntegers => ArrayBuffer.isView(values);

/** The narrowest width for the integers `values[from..to)`. */
function widthOf(values: ArrayLike<number>, from: number, to: number): number {
  const widest = isTyped(values) ? values.BYTES_PER_ELEMENT : WIDTH_FLOAT64;
  let width = 1;
  let max = 0xff;
  // Once it is as wide as what the array can hold, the rest need not be looked at.
  for (let i = from; i < to && width < widest; i++) {
    while ((values[i] as number) > max) {
      width *= 2;
      max = width === WIDTH_FLOAT64 ? Infinity : 2 ** (8 * width) - 1;
    }
  }
  return width;
}

function arrayOfWidth(width: number, buffer: ArrayBufferLike, at: number, length: number) {
  switch (width) {
    case 1:
      return new Uint8Array(buffer, at, length);
    case 2:
      return new Uint16Array(buffer, at, length);
    case 4:
      return new Uint32Array(buffer, at, length);
    default:
      assert(width === WIDTH_FLOAT64, "the width of an integer column");
      return new Float64Array(buffer, at, length);
  }
}
