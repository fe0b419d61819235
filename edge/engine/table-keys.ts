/**
 * A key column of stored groups as bytes. A value is an entry of the partition's dictionary, where there is one at hand, or a
 * text of the column's own:
 *
 *   u32      base: codes below are the dictionary's; 0: there is none
 *   texts    the column's own values, tagged (see value.ts)
 *   codes    one a group: 0 is absent, below the base the dictionary's, from max(base, 1) on the own ones
 *
 * What is stored beside its dictionary takes two bytes a group that way, and no text is looked at to write or to read it.
 * What is sent away has texts only.
 */
import type { AttributeValue } from "#protocol";
import type { ByteReader, ByteWriter } from "./bytes.ts";
import type { CodeArray } from "./column-batch.ts";
import type { Dictionary } from "./dictionary.ts";
import type { HomeTable, Interner } from "./interner.ts";
import { taggedText, untaggedValue, type Value } from "./value.ts";

/** Writes the keys of groups [from, to). */
export function writeKeys(
  writer: ByteWriter,
  interner: Interner,
  codes: CodeArray,
  from: number,
  to: number,
  dictionary: Dictionary | null,
): void {
  const base = dictionary?.size ?? 0;
  // The interner's codes up to here are the dictionary's.
  const shared = dictionary === null ? 1 : interner.sharedWith(dictionary);
  if (interner.size <= shared) {
    writer.uint32(base);
    writer.texts([]);
    writer.integers(codes, from, to);
    return;
  }
  const own = new Map<number, number>();
  const texts: string[] = [];
  const column = new Uint32Array(to - from);
  for (let group = from; group < to; group++) {
    const code = codes[group] as number;
    let stored: number | undefined = code;
    if (code >= shared) {
      stored = own.get(code);
      if (stored === undefined) {
        const value = interner.valueOf(code) as AttributeValue;
        stored =
          (typeof value === "number" ? undefined : dictionary?.codeOf(value)) ?? Math.max(base, 1) + texts.length;
        if (stored >= Math.max(base, 1)) texts.push(taggedText(value));
        own.set(code, stored);
      }
    }
    column[group - from] = stored;
  }
  writer.uint32(base);
  writer.texts(texts);
  writer.integers(column, 0, column.length);
}

/** Reads the keys of `count` groups, in the numbering of the interner. @returns null if they need a dictionary that is not at hand */
export function readKeys(
  reader: ByteReader,
  interner: Interner,
  count: number,
  dictionary: () => HomeTable | null,
): CodeArray | null {
  const base = reader.uint32();
  const texts = reader.texts();
  const stored = reader.integers(count) as CodeArray;
  const source = base === 0 ? null : dictionary();
  if (base > 0 && source === null) return null;
  if (source !== null) interner.settle(source);
  const shared = source === null ? 1 : Math.min(base, interner.sharedWith(source));
  if (texts.length === 0 && shared === Math.max(base, 1)) return stored;
  const own = texts.map((text) => interner.intern(untaggedValue(text)));
  const known = new Map<number, number>();
  const codes = new Uint32Array(count);
  for (let group = 0; group < count; group++) {
    const code = stored[group] as number;
    if (code < shared) {
      codes[group] = code;
    } else if (code >= Math.max(base, 1)) {
      codes[group] = own[code - Math.max(base, 1)] as number;
    } else {
      let translated = known.get(code);
      if (translated === undefined)
        known.set(code, (translated = interner.intern((source as HomeTable).valueOf(code))));
      codes[group] = translated;
    }
  }
  return codes;
}

/** At most so many bytes does a key take: a code of 4, and, of an own value, a length of 4, a tag, and three bytes a UTF-16 unit. */
export function keyBytes(interner: Interner, code: number, dictionary: Dictionary | null): number {
  if (dictionary !== null && code < interner.sharedWith(dictionary)) return 4;
  const value: Value = interner.valueOf(code);
  return 8 + (value === null ? 0 : 3 * (1 + String(value).length));
}
