/**
 * Small codes for the values of one groupBy attribute, given in the order in which they first came. Groups are keyed by
 * these codes, because the codes of a partition's dictionary differ between partitions and between generations, and numbers
 * have none at all.
 *
 * A value that comes as a dictionary's code is looked up by its text once: a translation table for each dictionary leads
 * from its codes to ours, and is filled as codes appear.
 */
import { assert, type AttributeValue } from "#protocol";
import type { Value } from "./value.ts";

/** Values by code, of which code 0 is "absent": a dictionary, or an interner. */
export interface ValueTable {
  /** The number of codes, 0 included. */
  readonly size: number;
  valueOf(code: number): Value;
}

export class Interner implements ValueTable {
  readonly #values: Value[] = [null];
  readonly #codes = new Map<AttributeValue, number>();
  readonly #translations = new WeakMap<ValueTable, Int32Array>();

  get size(): number {
    return this.#values.length;
  }

  valueOf(code: number): Value {
    const value = this.#values[code];
    assert(value !== undefined, "a code of this interner");
    return value;
  }

  /** The code of a value, or undefined if it has none. */
  codeOf(value: Value): number | undefined {
    return value === null ? 0 : this.#codes.get(value);
  }

  /** The code of a value, given now if it is new. */
  intern(value: Value): number {
    if (value === null) return 0;
    const known = this.#codes.get(value);
    if (known !== undefined) return known;
    const code = this.#values.length;
    this.#values.push(value);
    this.#codes.set(value, code);
    return code;
  }

  /**
   * The table that leads from `source`'s codes to ours, long enough for all that it has now. An entry of 0 for another code
   * than 0 has not been asked for yet: {@link translate} fills it.
   */
  translationOf(source: ValueTable): Int32Array {
    let translation = this.#translations.get(source);
    if (translation === undefined || translation.length < source.size) {
      const longer = new Int32Array(Math.max(source.size, 2 * (translation?.length ?? 0)));
      if (translation !== undefined) longer.set(translation);
      translation = longer;
      this.#translations.set(source, translation);
    }
    return translation;
  }

  /** Our code for `source`'s, entered into its translation table. */
  translate(source: ValueTable, code: number, translation: Int32Array): number {
    const own = this.intern(source.valueOf(code));
    translation[code] = own;
    return own;
  }

  /** Our codes for `codes[rows[0..count)]` of `source`, to `out[0..count)`. */
  translateRows(
    source: ValueTable,
    codes: Uint8Array | Uint16Array | Uint32Array,
    rows: Uint32Array,
    count: number,
    out: Uint32Array,
  ): void {
    const translation = this.translationOf(source);
    for (let i = 0; i < count; i++) {
      const code = codes[rows[i] as number] as number;
      let own = translation[code] as number;
      if (own === 0 && code !== 0) own = this.translate(source, code, translation);
      out[i] = own;
    }
  }
}
