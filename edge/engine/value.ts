/**
 * Values: what an attribute of a record holds, their order, and the text under which they are hashed. Null is "absent".
 */
import type { AttributeValue } from "#protocol";

export type Value = AttributeValue | null;

/** The text that is hashed for a value. The tag keeps 1, "1" and true apart. */
export function taggedText(value: AttributeValue): string {
  switch (typeof value) {
    case "string":
      return `s${value}`;
    case "number":
      return `n${value}`;
    case "boolean":
      return `b${value}`;
  }
}

/** The inverse of {@link taggedText}. */
export function untaggedValue(text: string): AttributeValue {
  const rest = text.slice(1);
  return text[0] === "s" ? rest : text[0] === "n" ? Number(rest) : rest === "true";
}

const rank = (value: Value): number =>
  value === null ? 0 : typeof value === "boolean" ? 1 : typeof value === "number" ? 2 : 3;

/** Total order over values: null, booleans, numbers, then strings by their UTF-8 bytes. */
export function compareValues(a: Value, b: Value): number {
  const byType = rank(a) - rank(b);
  if (byType !== 0) return byType;
  if (typeof a === "string") return compareUtf8(a, b as string);
  return Number(a) - Number(b);
}

/**
 * Compares two well-formed strings by their UTF-8 bytes without encoding them. UTF-16 code units sort the same way, except
 * that surrogates (code points from U+10000) must come after U+E000–U+FFFF: the two ranges are swapped before comparing.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return utf8Rank(x) - utf8Rank(y);
  }
  return a.length - b.length;
}

const utf8Rank = (unit: number): number => (unit < 0xd800 ? unit : unit < 0xe000 ? unit + 0x2000 : unit - 0x800);
