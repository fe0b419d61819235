/**
 * The stored form of dictionary additions, in the batch that brought them or in a row of their own.
 *
 *   u8       1, the form
 *   then for each attribute that grew:
 *   varint   id            varint   bytes of the name     its UTF-8
 *   varint   code of the first value
 *   varint   number of values          varint   bytes of all of them
 *   varint   bytes of each value, then the bytes themselves: UTF-8, or one byte for a boolean (dictionary.ts)
 *
 * A varint holds seven bits a byte, the lowest first, and the highest bit says that another byte follows (LEB128). Nothing at
 * all stands for no additions. There once was another form, JSON, which begins with "[": it is still read.
 */
import { assert } from "#protocol";
import { type AttributeAdditions, type DictionaryAdditions, packValues } from "./dictionary.ts";

const FORM = 1;
const JSON_FORM = "[".charCodeAt(0);

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeAdditions({ attributes }: DictionaryAdditions): Uint8Array {
  if (attributes.length === 0) return new Uint8Array(0);
  const names = attributes.map(({ name }) => utf8.encode(name));
  let size = 1;
  attributes.forEach(({ values: { lengths, text } }, i) => {
    size += 5 * VARINT_BYTES_MAX + (names[i] as Uint8Array).length + text.length;
    for (let j = 0; j < lengths.length; j++) size += varintBytes(lengths[j] as number);
  });
  const bytes = new Uint8Array(size);
  bytes[0] = FORM;
  let at = 1;
  attributes.forEach(({ id, from, values: { lengths, text } }, i) => {
    const name = names[i] as Uint8Array;
    at = putVarint(bytes, at, id);
    at = putVarint(bytes, at, name.length);
    bytes.set(name, at);
    at = putVarint(bytes, at + name.length, from);
    at = putVarint(bytes, at, lengths.length);
    at = putVarint(bytes, at, text.length);
    for (let j = 0; j < lengths.length; j++) at = putVarint(bytes, at, lengths[j] as number);
    bytes.set(text, at);
    at += text.length;
  });
  return bytes.slice(0, at);
}

/** The texts are views into `bytes`, which must not change before they are applied. */
export function decodeAdditions(bytes: Uint8Array): DictionaryAdditions {
  if (bytes.length === 0) return { attributes: [] };
  if (bytes[0] === JSON_FORM) return decodeJson(bytes);
  assert(bytes[0] === FORM, "a known form of dictionary additions");
  const attributes: AttributeAdditions[] = [];
  const reader = new VarintReader(bytes, 1);
  while (reader.at < bytes.length) {
    const id = reader.next();
    const name = fromUtf8.decode(reader.take(reader.next()));
    const from = reader.next();
    const lengths = new Uint32Array(reader.next());
    const textBytes = reader.next();
    for (let i = 0; i < lengths.length; i++) lengths[i] = reader.next();
    attributes.push({ id, name, from, values: { lengths, text: reader.take(textBytes) } });
  }
  return { attributes };
}

function decodeJson(bytes: Uint8Array): DictionaryAdditions {
  const entries = JSON.parse(fromUtf8.decode(bytes)) as [number, string, number, (string | boolean)[]][];
  return { attributes: entries.map(([id, name, from, values]) => ({ id, name, from, values: packValues(values) })) };
}

/** Cuts additions into runs whose stored forms have about `bytesMax` bytes at most; a single value is never cut. */
export function splitAdditions(additions: DictionaryAdditions, bytesMax: number): readonly DictionaryAdditions[] {
  const runs: AttributeAdditions[][] = [];
  let room = 0;
  for (const { id, name, from, values } of additions.attributes) {
    const { lengths, text } = values;
    let start = 0;
    let textStart = 0;
    do {
      if (room <= 0) {
        runs.push([]);
        room = bytesMax;
      }
      let end = start;
      let textEnd = textStart;
      room -= 3 * name.length + 5 * VARINT_BYTES_MAX;
      // At least one value a run, so that a run always gets on.
      while (end < lengths.length && (room > 0 || end === start)) {
        const length = lengths[end++] as number;
        textEnd += length;
        room -= length + varintBytes(length);
      }
      const part = { lengths: lengths.subarray(start, end), text: text.subarray(textStart, textEnd) };
      runs.at(-1)?.push({ id, name, from: from + start, values: part });
      assert(end > start || lengths.length === 0, "each run takes something");
      start = end;
      textStart = textEnd;
    } while (start < lengths.length);
  }
  return runs.map((attributes) => ({ attributes }));
}

/** Of a whole number of 32 bits. */
const VARINT_BYTES_MAX = 5;

const varintBytes = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : VARINT_BYTES_MAX;

/** @returns where the next one goes */
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes[at++] = rest | 0x80;
  bytes[at++] = rest;
  return at;
}

class VarintReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  next(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.at++];
      assert(byte !== undefined && shift < 7 * VARINT_BYTES_MAX, "a whole varint");
      value |= (byte & 0x7f) << shift;
      if (byte <= 0x7f) return value >>> 0;
    }
  }

  take(length: number): Uint8Array {
    assert(this.at + length <= this.#bytes.length, "additions are as long as they say");
    return this.#bytes.subarray(this.at, (this.at += length));
  }
}
