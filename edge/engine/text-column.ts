/**
 * A column of texts: the values behind hashes, for whoever wants to read them. The tagged text of each record, one length
 * (u32) a record and then the UTF-8 of all of them; a length of 0 is absent, because a tag alone is one byte.
 *
 * All texts go through the encoder in one piece, because a call costs more than a user id does. Ids are mostly ASCII, where
 * the UTF-8 is as long as the text: then lengths need no second look, and reading is one call too.
 */
import { taggedText, untaggedValue, type Value } from "./value.ts";

const toUtf8 = new TextEncoder();
/** Every piece begins with a tag, so that it never begins with a byte order mark. */
const fromUtf8 = new TextDecoder();

export function encodeTexts(values: readonly Value[]): Uint8Array {
  const count = values.length;
  const texts = new Array<string>(count);
  for (let i = 0; i < count; i++) {
    const value = values[i] as Value;
    texts[i] = value === null ? "" : taggedText(value);
  }
  const joined = texts.join("");
  const text = toUtf8.encode(joined);
  const isAscii = text.length === joined.length;
  const bytes = new Uint8Array(4 * count + text.length);
  const lengths = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) {
    const one = texts[i] as string;
    lengths.setUint32(4 * i, isAscii ? one.length : utf8Length(one), true);
  }
  bytes.set(text, 4 * count);
  return bytes;
}

export function decodeTexts(column: Uint8Array, count: number): readonly Value[] {
  const lengths = new DataView(column.buffer, column.byteOffset, column.byteLength);
  const bytes = column.subarray(4 * count);
  const joined = fromUtf8.decode(bytes);
  const isAscii = joined.length === bytes.length;
  const values = new Array<Value>(count);
  let from = 0;
  for (let i = 0; i < count; i++) {
    const to = from + lengths.getUint32(4 * i, true);
    if (from === to) values[i] = null;
    else values[i] = untaggedValue(isAscii ? joined.slice(from, to) : fromUtf8.decode(bytes.subarray(from, to)));
    from = to;
  }
  return values;
}

/** Bytes of a text in UTF-8; a lone surrogate, which no value has, would become U+FFFD and take three. */
function utf8Length(text: string): number {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if ((text.codePointAt(i) as number) > 0xffff) {
      length += 4;
      i++;
    } else length += 3;
  }
  return length;
}
