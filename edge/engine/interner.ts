/**
 * Small codes for the values of one groupBy attribute: what groups are keyed by. The codes of a partition's dictionary alone would
 * not do, because they differ between partitions and between generations, and numbers have none at all.
 *
 * An interner may make one dictionary its *home*: the codes that it had at that moment are the interner's own, so that the
 * columns of most batches are keys as they are, and no text is looked at. Every other value is given a code above those, in
 * the order in which they come; one that comes as another dictionary's code is looked up by its text once: a translation table
 * for each dictionary leads from its codes to ours, and is filled as codes appear.
 */
import { assert, type AttributeValue } from "#protocol";
import type { CodeArray } from "./column-batch.ts";
import { Dictionary } from "./dictionary.ts";
import type { Value } from "./value.ts";

/** Values by code, of which code 0 is "absent": a dictionary, or an interner. */
export interface ValueTable {
  /** The number of codes, 0 included. */
  readonly size: number;
  valueOf(code: number): Value;
}

/** A table that only grows, and finds values: a dictionary. */
export interface HomeTable extends ValueTable {
  codeOf(value: string | boolean): number | undefined;
}

export class Interner implements ValueTable {
  #home: HomeTable | null = null;
  /** Codes below are the home's; 1, for "absent", without one. */
  #base = 1;
  readonly #values: AttributeValue[] = [];
  readonly #codes = new Map<AttributeValue, number>();
  readonly #translations = new WeakMap<ValueTable, Int32Array>();
  readonly #mayHaveHome: boolean;

  /** @param mayHaveHome false: for values of dictionaries that are not complete, and would give a value a second code later */
  constructor(mayHaveHome = true) {
    this.#mayHaveHome = mayHaveHome;
  }

  get size(): number {
    return this.#base + this.#values.length;
  }

  get home(): HomeTable | null {
    return this.#home;
  }

  /** How many codes are the home's. */
  get homeSize(): number {
    return this.#base;
  }

  /** Makes a dictionary the home, unless there is one, or values have codes already. What it takes up later is not part of it. */
  settle(home: HomeTable): void {
    if (this.size > 1 || !this.#mayHaveHome) return;
    this.#home = home;
    this.#base = home.size;
  }

  valueOf(code: number): Value {
    if (code === 0) return null;
    if (code < this.#base) return (this.#home as HomeTable).valueOf(code);
    const value = this.#values[code - this.#base];
    assert(value !== undefined, "a code of this interner");
    return value;
  }

  /** The code of a value, or undefined if it has none. */
  codeOf(value: Value): number | undefined {
    if (value === null) return 0;
    if (this.#home !== null && typeof value !== "number") {
      const code = this.#home.codeOf(value);
      if (code !== undefined && code < this.#base) return code;
    }
    return this.#codes.get(value);
  }

  /** The code of a value, given now if it is new. */
  intern(value: Value): number {
    const known = this.codeOf(value);
    if (known !== undefined) return known;
    const code = this.size;
    this.#values.push(value as AttributeValue);
    this.#codes.set(value as AttributeValue, code);
    return code;
  }

  /** Codes below are the same value here and there: those of a home that both have. */
  sharedWith(source: ValueTable): number {
    if (source === this.#home) return Math.min(this.#base, source.size);
    const isNeighbour = source instanceof Interner && source.#home !== null && source.#home === this.#home;
    return isNeighbour ? Math.min(this.#base, source.#base) : 1;
  }

  /** Our codes for `codes[rows[0..count)]` of `source`, to `out[0..count)`. */
  translateRows(source: ValueTable, codes: CodeArray, rows: Uint32Array, count: number, out: Uint32Array): void {
    if (this.sharedWith(source) === source.size) {
      for (let i = 0; i < count; i++) out[i] = codes[rows[i] as number] as number;
      return;
    }
    const translation = this.#translationOf(source);
    for (let i = 0; i < count; i++) {
      const code = codes[rows[i] as number] as number;
      let own = translation[code] as number;
      if (own === 0 && code !== 0) own = this.#translate(source, code, translation);
      out[i] = own;
    }
  }

  /** Our codes for `codes` of `source`, to `out`. */
  translateAll(source: ValueTable, codes: CodeArray, out: Uint32Array): void {
    if (this.sharedWith(source) === source.size) {
      out.set(codes);
      return;
    }
    const translation = this.#translationOf(source);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] as number;
      let own = translation[code] as number;
      if (own === 0 && code !== 0) own = this.#translate(source, code, translation);
      out[i] = own;
    }
  }

  /**
   * The table that leads from `source`'s codes to ours, long enough for all that it has now. An entry of 0 for another code
   * than 0 has not been asked for yet.
   */
  #translationOf(source: ValueTable): Int32Array {
    let translation = this.#translations.get(source);
    if (translation === undefined || translation.length < source.size) {
      const longer = new Int32Array(Math.max(source.size, 2 * (translation?.length ?? 0)));
      if (translation !== undefined) longer.set(translation);
      translation = longer;
      this.#translations.set(source, translation);
    }
    return translation;
  }

  /** The home's code for what another dictionary has as `code`: most values of one are in the other too. */
  #homeCode(source: ValueTable, code: number): number | undefined {
    if (!(source instanceof Dictionary && this.#home instanceof Dictionary)) return undefined;
    const own = this.#home.codeOfEntry(source, code);
    return own !== undefined && own < this.#base ? own : undefined;
  }

  #translate(source: ValueTable, code: number, translation: Int32Array): number {
    const own =
      code < this.sharedWith(source) ? code : (this.#homeCode(source, code) ?? this.intern(source.valueOf(code)));
    translation[code] = own;
    return own;
  }
}
