/** Reads the columns of a stored batch out of its parts, each checked when it is read; see batch-format.ts. */
import { assert } from "#protocol";
import { type ColumnChecks, PART, type PartReader } from "./batch-format.ts";
import type { DirectoryEntry } from "./batch-directory.ts";
import type { CodeArray, IntegerColumn } from "./column-batch.ts";
import { crc32c } from "./crc32c.ts";

export class ColumnReader {
  readonly #reader: PartReader;
  readonly #checks: ColumnChecks | null;
  /** Checksum of the cold part as a whole, of a batch whose columns have none. */
  readonly #coldCrc: number | null;
  readonly #parts = new Map<number, Uint8Array>();

  constructor(hot: Uint8Array, reader: PartReader, coldCrc: number | null, checks: ColumnChecks | null) {
    this.#reader = reader;
    this.#checks = checks;
    this.#coldCrc = coldCrc;
    this.#parts.set(PART.hot, hot);
  }

  /** The bytes of a column. A wrong checksum throws: whoever reads columns one by one has no other way to be told. */
  bytes({ column, part, start, bytes, crc }: DirectoryEntry): Uint8Array {
    const whole = this.#part(part);
    const read = new Uint8Array(whole.buffer, whole.byteOffset + start, bytes);
    if (crc !== null && this.#checks?.isSound(column) !== true) {
      assert(crc === crc32c(read, 0, bytes), "a column's checksum");
      this.#checks?.foundSound(column);
    }
    return read;
  }

  codes(entry: DirectoryEntry): CodeArray {
    const { buffer, byteOffset } = this.bytes(entry);
    switch (entry.width) {
      case 1:
        return new Uint8Array(buffer, byteOffset, entry.count);
      case 2:
        return new Uint16Array(buffer, byteOffset, entry.count);
      default:
        assert(entry.width === 4, "the width of a column of codes");
        return new Uint32Array(buffer, byteOffset, entry.count);
    }
  }

  doubles(entry: DirectoryEntry): Float64Array {
    const { buffer, byteOffset } = this.bytes(entry);
    return new Float64Array(buffer, byteOffset, entry.count);
  }

  integers(entry: DirectoryEntry): IntegerColumn {
    const { base, width } = entry;
    return { base, deltas: width === 0 ? null : width === 8 ? this.doubles(entry) : this.codes(entry) };
  }

  #part(part: number): Uint8Array {
    let bytes = this.#parts.get(part);
    if (bytes === undefined) {
      bytes = aligned(part === PART.cold ? this.#reader.cold() : this.#reader.apart(part));
      if (part === PART.cold && this.#coldCrc !== null) {
        assert(crc32c(bytes, 0, bytes.length) === this.#coldCrc, "the cold part's checksum");
      }
      this.#parts.set(part, bytes);
    }
    return bytes;
  }
}

/** The same bytes where any typed array can look at them. */
export const aligned = (bytes: Uint8Array): Uint8Array => (bytes.byteOffset % 8 === 0 ? bytes : bytes.slice());
