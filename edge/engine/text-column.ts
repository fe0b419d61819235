/**
 * A column of texts: the values behind hashes, for whoever wants to read them. The tagged text of each record, one length
 * (u32) a record and then the UTF-8 of all of them; a length of 0 is absent, because a tag alone is one byte.
 */
import { taggedText, untaggedValue, type Value } from "./value.ts";

export function encodeTexts(values: readonly Value[]): Uint8Array {
  const utf8 = new TextEncoder();
  const texts = values.map((value) => (value === null ? null : utf8.encode(taggedText(value))));
  const total = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
  const bytes = new Uint8Array(4 * values.length + total);
  const lengths = new DataView(bytes.buffer);
  let at = 4 * values.length;
  texts.forEach((text, i) => {
    if (text === null) return;
    lengths.setUint32(4 * i, text.length, true);
    bytes.set(text, at);
    at += text.length;
  });
  return bytes;
}

export function decodeTexts(column: Uint8Array, count: number): readonly Value[] {
  const lengths = new DataView(column.buffer, column.byteOffset, column.byteLength);
  const utf8 = new TextDecoder();
  const values: Value[] = [];
  let at = 4 * count;
  for (let i = 0; i < count; i++) {
    const bytes = lengths.getUint32(4 * i, true);
    values.push(bytes === 0 ? null : untaggedValue(utf8.decode(column.subarray(at, at + bytes))));
    at += bytes;
  }
  return values;
}
