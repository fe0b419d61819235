/**
 * Values that go along with pieces of tables whose keys are codes of a dictionary, so that who has no such dictionary can read
 * them. A value is sent, and made a string of, once for all the pieces that have it, and not once for each of them.
 */
import { assert } from "#protocol";
import type { CodeArray } from "./column-batch.ts";
import type { Dictionaries, Dictionary } from "./dictionary.ts";
import { type HomeTable, Interner } from "./interner.ts";
import type { Shape } from "./plan.ts";
import { decodeTable, type KeyValues } from "./table-codec.ts";
import type { Value } from "./value.ts";

/** Of one dictionary, what was used. */
export interface SentValues {
  /** Of the dictionaries. */
  readonly generation: number;
  readonly attribute: string;
  /** Number of codes in the dictionary: those of the pieces are below. */
  readonly size: number;
  /** Without 0, which stands for absent. */
  readonly codes: Uint32Array;
  readonly values: readonly Value[];
}

/** What some pieces use of their dictionaries, which do not grow meanwhile. */
export class UsedValues {
  readonly #dictionariesOf: (generation: number) => Dictionaries;
  readonly #used = new Map<string, UsedCodes>();

  constructor(dictionariesOf: (generation: number) => Dictionaries) {
    this.#dictionariesOf = dictionariesOf;
  }

  /** A piece that cannot be read uses nothing: whoever it is sent to cannot read it either, and says so. */
  add(shape: Shape, piece: Uint8Array): void {
    const named: Dictionaries[] = [];
    const interners = shape.groupBy.map(() => new Interner());
    const decoded = decodeTable(shape, { interners }, piece, (generation) => {
      const dictionaries = this.#dictionariesOf(generation);
      named.push(dictionaries);
      return dictionaries;
    });
    if (!decoded.ok) return;
    const { keys, size } = decoded.value;
    for (const dictionaries of named) {
      shape.groupBy.forEach((attribute, k) => {
        const dictionary = dictionaries.find(attribute);
        if (dictionary === null) return;
        const shared = (interners[k] as Interner).sharedWith(dictionary);
        this.#usedOf(dictionaries.generation, attribute, dictionary).add(keys[k] as CodeArray, size, shared);
      });
    }
  }

  sent(): SentValues[] {
    return [...this.#used.values()].map((used) => used.sent());
  }

  #usedOf(generation: number, attribute: string, dictionary: Dictionary): UsedCodes {
    const id = `${generation} ${attribute}`;
    let used = this.#used.get(id);
    if (used === undefined) this.#used.set(id, (used = new UsedCodes(generation, attribute, dictionary)));
    return used;
  }
}

class UsedCodes {
  readonly #generation: number;
  readonly #attribute: string;
  readonly #dictionary: Dictionary;
  readonly #isUsed: Uint8Array;
  readonly #codes: number[] = [];

  constructor(generation: number, attribute: string, dictionary: Dictionary) {
    this.#generation = generation;
    this.#attribute = attribute;
    this.#dictionary = dictionary;
    this.#isUsed = new Uint8Array(dictionary.size);
  }

  /** The first `count` codes, as far as they are below `shared`: others are not the dictionary's. */
  add(codes: CodeArray, count: number, shared: number): void {
    for (let group = 0; group < count; group++) {
      const code = codes[group] as number;
      if (code === 0 || code >= shared || this.#isUsed[code] === 1) continue;
      this.#isUsed[code] = 1;
      this.#codes.push(code);
    }
  }

  sent(): SentValues {
    const codes = Uint32Array.from(this.#codes);
    return {
      generation: this.#generation,
      attribute: this.#attribute,
      size: this.#dictionary.size,
      codes,
      values: Array.from(codes, (code) => this.#dictionary.valueOf(code)),
    };
  }
}

/**
 * The other end: what pieces are to be read with that came along with these values. More may come, of the same dictionaries, for
 * pieces that come later. So no interner that has values from elsewhere as well may make one of these its home (see `Interner`).
 */
export class SentDictionaries {
  readonly #byName = new Map<string, SentDictionary>();

  add(sent: readonly SentValues[]): void {
    for (const values of sent) {
      const id = `${values.generation} ${values.attribute}`;
      const known = this.#byName.get(id) ?? new SentDictionary();
      this.#byName.set(id, known);
      known.add(values);
    }
  }

  /** @param generation of the dictionaries that a piece refers to */
  of(generation: number): KeyValues {
    return { find: (attribute) => this.#byName.get(`${generation} ${attribute}`) ?? null };
  }
}

/** Some values of a dictionary under its codes. */
class SentDictionary implements HomeTable {
  #size = 0;
  readonly #values = new Map<number, Value>();
  readonly #codes = new Map<Value, number>();

  get size(): number {
    return this.#size;
  }

  add({ size, codes, values }: SentValues): void {
    this.#size = Math.max(this.#size, size);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] as number;
      if (this.#values.has(code)) continue;
      const value = values[i] as Value;
      this.#values.set(code, value);
      this.#codes.set(value, code);
    }
  }

  valueOf(code: number): Value {
    const value = this.#values.get(code);
    assert(value !== undefined, "a code whose value was sent");
    return value;
  }

  codeOf(value: string | boolean): number | undefined {
    return this.#codes.get(value);
  }
}
