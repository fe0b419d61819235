/**
 * The archived form of a run of segments: one object that says all of what it holds. Unlike a stored segment it needs no
 * dictionary beside it, for it has its own, of the values that occur in it.
 *
 *   0  u32  magic "HWA1"        4  u32  CRC-32C from byte 8 to where the columns begin
 *   8  u32  bytes of the index  12  u32  bytes of the dictionary
 *  16       the index, JSON: `{"version": 1, "segments": [...]}`, see {@link PackedSegment}
 *           the dictionary: additions to an empty one (dictionary-additions.ts)
 *           the parts of each segment as in batch-format.ts, each at a multiple of 8
 *
 * Columns have checksums of their own, and are checked when they are read. Cold parts are compressed by the caller, whose
 * platform has a compressor.
 */
import { assert, ok, type Result } from "#protocol";
import { type ColumnChecks, type CorruptBatch, corrupt, type EncodedBatch } from "./batch-format.ts";
import { ByteLayout } from "./byte-layout.ts";
import { type ColumnBatch, integerAt } from "./column-batch.ts";
import { crc32c } from "./crc32c.ts";
import { decodeBatch } from "./decode-batch.ts";
import { decodeAdditions, encodeAdditions } from "./dictionary-additions.ts";
import { Dictionaries } from "./dictionary.ts";
import { encodeBatch } from "./encode-batch.ts";
import { Recoder } from "./recode.ts";
import type { HashSeed } from "./siphash.ts";

const MAGIC = 0x31415748;
const VERSION = 1;
const HEADER_BYTES = 16;
/** Each pack has its own dictionary, and no other. */
const GENERATION = 1;

/** Where a part lies, counted from where the columns begin, and how long it is. */
type Place = readonly [start: number, bytes: number];

/** A segment of a pack: its records' first offset and number, append times in ms and event times in whole minutes since the epoch. */
export interface PackedSegment {
  readonly baseOffset: number;
  readonly count: number;
  readonly appendMin: number;
  readonly appendMax: number;
  readonly minuteMin: number;
  readonly minuteMax: number;
  readonly hot: Place;
  readonly apart: readonly Place[];
  readonly cold: Place;
}

interface PackIndex {
  readonly version: number;
  readonly segments: readonly PackedSegment[];
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/** Puts consecutive segments, whose codes are of one generation of dictionaries, into a pack. */
export class PackBuilder {
  readonly #dictionaries: Dictionaries;
  readonly #recoder: Recoder;
  readonly #compress: (cold: Uint8Array) => Uint8Array;
  readonly #layout = new ByteLayout(0);
  readonly #segments: PackedSegment[] = [];
  readonly #parts: { readonly start: number; readonly bytes: Uint8Array }[] = [];

  constructor(seed: HashSeed, compress: (cold: Uint8Array) => Uint8Array) {
    this.#dictionaries = new Dictionaries(GENERATION, seed);
    this.#recoder = new Recoder(this.#dictionaries);
    this.#compress = compress;
  }

  /** Bytes of the columns so far. */
  get bytes(): number {
    return this.#layout.size;
  }

  get segments(): readonly PackedSegment[] {
    return this.#segments;
  }

  /** The next segment. */
  add(segment: ColumnBatch): void {
    const last = this.#segments.at(-1);
    assert(last === undefined || last.baseOffset + last.count === segment.baseOffset, "consecutive segments");
    const { hot, apart, cold } = this.#encode(segment);
    const { baseOffset, count, minuteMin, minuteMax, appendTimeMax: appendMax, appendTimes, grouping } = segment;
    this.#segments.push({
      baseOffset,
      count,
      minuteMin,
      minuteMax,
      appendMax,
      // Append times never fall in offset order, in which the rows of a grouped segment are not.
      appendMin: integerAt(appendTimes, grouping === null ? 0 : grouping.arrival.indexOf(0)),
      hot: this.#place(hot),
      apart: apart.map((part) => this.#place(part)),
      cold: this.#place(cold),
    });
  }

  #encode(segment: ColumnBatch): EncodedBatch {
    const encoded = encodeBatch(this.#recoder.recode(segment), this.#dictionaries, null);
    return { ...encoded, cold: this.#compress(encoded.cold) };
  }

  #place(bytes: Uint8Array): Place {
    const start = this.#layout.reserve(bytes.length);
    this.#parts.push({ start, bytes });
    return [start, bytes.length];
  }

  finish(): Uint8Array {
    const dictionary = encodeAdditions(this.#dictionaries.additionsSince([]));
    const index: PackIndex = { version: VERSION, segments: this.#segments };
    const json = utf8.encode(JSON.stringify(index));
    const columns = columnsStart(HEADER_BYTES + json.length + dictionary.length);
    const pack = new Uint8Array(columns + this.#layout.size);
    pack.set(json, HEADER_BYTES);
    pack.set(dictionary, HEADER_BYTES + json.length);
    for (const { start, bytes } of this.#parts) pack.set(bytes, columns + start);
    const view = new DataView(pack.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(8, json.length, true);
    view.setUint32(12, dictionary.length, true);
    view.setUint32(4, crc32c(pack, 8, columns), true);
    return pack;
  }
}

const columnsStart = (preludeBytes: number): number => Math.ceil(preludeBytes / 8) * 8;

/** A pack that was read back. */
export class Pack {
  readonly segments: readonly PackedSegment[];
  readonly #columns: Uint8Array;
  readonly #dictionaries: Dictionaries;
  readonly #inflate: (cold: Uint8Array) => Uint8Array;
  readonly #checks: ColumnChecks | null;

  constructor(
    segments: readonly PackedSegment[],
    columns: Uint8Array,
    dictionaries: Dictionaries,
    inflate: (cold: Uint8Array) => Uint8Array,
    checks: ColumnChecks | null,
  ) {
    this.segments = segments;
    this.#columns = columns;
    this.#dictionaries = dictionaries;
    this.#inflate = inflate;
    this.#checks = checks;
  }

  /** The first segment that ends after `offset` and has event times in [minuteFrom, minuteTo); null: there is none. */
  next(offset: number, minuteFrom = -Infinity, minuteTo = Infinity): Result<ColumnBatch | null, CorruptBatch> {
    const segment = this.segments.find(
      ({ baseOffset, count, minuteMin, minuteMax }) =>
        baseOffset + count > offset && minuteMax >= minuteFrom && minuteMin < minuteTo,
    );
    if (segment === undefined) return ok(null);
    const { hot, apart, cold } = segment;
    const parts = {
      apart: (part: number) => this.#part(apart[part - 1]),
      cold: () => this.#inflate(this.#part(cold)),
    };
    return decodeBatch(this.#part(hot), parts, this.#dictionaries, this.#checks);
  }

  #part(place: Place | undefined): Uint8Array {
    assert(place !== undefined, "a part that the segment has");
    const [start, bytes] = place;
    return this.#columns.subarray(start, start + bytes);
  }
}

/**
 * Reads a pack; its columns are views into `bytes`, which must not change any more.
 *
 * @param seed of the stream, for what is computed from values
 * @param checks what is known of all its columns; null: nothing
 */
export function decodePack(
  bytes: Uint8Array,
  seed: HashSeed,
  inflate: (cold: Uint8Array) => Uint8Array,
  checks: ColumnChecks | null = null,
): Result<Pack, CorruptBatch> {
  if (bytes.length < HEADER_BYTES) return corrupt("short");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== MAGIC) return corrupt("magic");
  const dictionaryStart = HEADER_BYTES + view.getUint32(8, true);
  const dictionaryEnd = dictionaryStart + view.getUint32(12, true);
  const columns = columnsStart(dictionaryEnd);
  if (columns > bytes.length) return corrupt("short");
  if (view.getUint32(4, true) !== crc32c(bytes, 8, columns)) return corrupt("checksum");
  const index = JSON.parse(fromUtf8.decode(bytes.subarray(HEADER_BYTES, dictionaryStart))) as PackIndex;
  if (index.version !== VERSION) return corrupt("version");
  const dictionaries = new Dictionaries(GENERATION, seed);
  dictionaries.apply(decodeAdditions(bytes.subarray(dictionaryStart, dictionaryEnd)));
  return ok(new Pack(index.segments, bytes.subarray(columns), dictionaries, inflate, checks));
}
