/**
 * Values that go along with pieces of tables whose keys are codes of a dictionary, so that who has no such dictionary can read
 * them. A value is sent, and made a string of, once for all the pieces that have it, and not once for each of them.
 */
import { assert } from "#protocol";
import type { CodeArray } from "./column-batch.ts";
import type { Dictionaries, Dictionary } from "./dictionary.ts";
import { type HomeTable, Interner } from "./interner.ts";
import type { Shape } from "./plan.ts";
import { decodeTable, type DictionariesOf, type KeyValues } from "./table-codec.ts";
import type { Value } from "./value.ts";

/** Of one dictionary, what was used. */
export interface SentValues {
  /** Of the dictionaries. */
  readonly generation: number;
  readonly attribute: string;
  /** Number of codes in the dictionary: those of the pieces are below. */
  readonly size: number;
  /** In rising order; without 0, which stands for absent. */
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
    const codes = Uint32Array.from(this.#codes).sort();
    return {
      generation: this.#generation,
      attribute: this.#attribute,
      size: this.#dictionary.size,
      codes,
      values: Array.from(codes, (code) => this.#dictionary.valueOf(code)),
    };
  }
}

/** The other end: what pieces are to be read with that came along with these values. */
export function readSentValues(sent: readonly SentValues[]): DictionariesOf {
  const byGeneration = new Map<number, Map<string, HomeTable>>();
  for (const values of sent) {
    const ofGeneration = byGeneration.get(values.generation) ?? new Map<string, HomeTable>();
    ofGeneration.set(values.attribute, new SentDictionary(values));
    byGeneration.set(values.generation, ofGeneration);
  }
  return (generation): KeyValues => ({ find: (attribute) => byGeneration.get(generation)?.get(attribute) ?? null });
}

/** Some values of a dictionary under its codes. */
class SentDictionary implements HomeTable {
  readonly size: number;
  readonly #sent: SentValues;
  /** Made when a value is looked for, which is seldom. */
  #codes: Map<Value, number> | null = null;

  constructor(sent: SentValues) {
    this.size = sent.size;
    this.#sent = sent;
  }

  valueOf(code: number): Value {
    const { codes, values } = this.#sent;
    let [low, high] = [0, codes.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((codes[middle] as number) < code) low = middle + 1;
      else high = middle;
    }
    assert(codes[low] === code, "a code whose value was sent");
    return values[low] as Value;
  }

  codeOf(value: string | boolean): number | undefined {
    this.#codes ??= new Map(this.#sent.values.map((known, i) => [known, this.#sent.codes[i] as number]));
    return this.#codes.get(value);
  }
}
