/**
 * The partition's dictionaries: the strings and booleans of each attribute, numbered in the order in which they first came.
 * Strings are resolved once, at append; a replay only ever indexes arrays by these codes.
 *
 * A set of dictionaries is one *generation*: segments name the generation that their codes belong to. A new one is opened
 * from time to time, so that values nobody uses any more go when the last segment that names them is trimmed.
 */
import { assert } from "#protocol";
import { ENGINE_LIMITS } from "./limits.ts";
import { hashText, type HashSeed } from "./siphash.ts";
import { taggedText, type Value } from "./value.ts";

/** The values of one attribute. Code 0 is "absent". */
export class Dictionary {
  readonly #seed: HashSeed;
  readonly #values: (string | boolean | null)[] = [null];
  readonly #codes = new Map<string | boolean, number>();
  #hashes = new Uint32Array(0);
  #hashed = 1;

  constructor(seed: HashSeed) {
    this.#seed = seed;
  }

  /** The number of codes, 0 included: codes are below it. */
  get size(): number {
    return this.#values.length;
  }

  valueOf(code: number): Value {
    const value = this.#values[code];
    assert(value !== undefined, "a code of this dictionary");
    return value;
  }

  /** The code of a value, or undefined if the dictionary does not have it. */
  codeOf(value: string | boolean): number | undefined {
    return this.#codes.get(value);
  }

  add(value: string | boolean): number {
    const code = this.#values.length;
    this.#values.push(value);
    this.#codes.set(value, code);
    return code;
  }

  /** The seeded hash of every value, two words a code, for distinct counts. Hashed once, when first asked for. */
  hashes(): Uint32Array {
    if (this.#hashed < this.size) {
      if (this.#hashes.length < 2 * this.size) {
        const grown = new Uint32Array(4 * this.size);
        grown.set(this.#hashes);
        this.#hashes = grown;
      }
      for (; this.#hashed < this.size; this.#hashed++) {
        hashText(
          this.#seed,
          taggedText(this.#values[this.#hashed] as string | boolean),
          this.#hashes,
          2 * this.#hashed,
        );
      }
    }
    return this.#hashes;
  }
}

/** Where a set of dictionaries ended at some moment: the number of names, and of codes of each. */
export type DictionaryMark = readonly number[];

/** Values that came after a mark, as they are stored: one entry an attribute that grew. */
export interface DictionaryAdditions {
  /** Attribute ids rise by one from 0; a name that is new comes with the additions that first use it. */
  readonly attributes: readonly {
    readonly id: number;
    readonly name: string;
    /** Code of the first value. */
    readonly from: number;
    readonly values: readonly (string | boolean)[];
  }[];
}

/** One generation of a partition's dictionaries, and its numbering of attribute names. */
export class Dictionaries {
  readonly generation: number;
  readonly seed: HashSeed;
  readonly #names: string[] = [];
  readonly #ids = new Map<string, number>();
  readonly #dictionaries: Dictionary[] = [];
  #bytes = 0;

  constructor(generation: number, seed: HashSeed) {
    this.generation = generation;
    this.seed = seed;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Rough heap that the text takes, for bounds. */
  get bytes(): number {
    return this.#bytes;
  }

  hasAttribute(name: string): boolean {
    return this.#ids.has(name);
  }

  /** The id of an attribute, given now if it is new. */
  attributeId(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#names.length;
    this.#names.push(name);
    this.#ids.set(name, id);
    this.#dictionaries.push(new Dictionary(this.seed));
    return id;
  }

  nameOf(id: number): string {
    const name = this.#names[id];
    assert(name !== undefined, "an attribute id of these dictionaries");
    return name;
  }

  dictionary(id: number): Dictionary {
    const dictionary = this.#dictionaries[id];
    assert(dictionary !== undefined, "an attribute id of these dictionaries");
    return dictionary;
  }

  /** The code of a value, added if it is new; undefined if it is new and the dictionary is full: the column turns wide. */
  intern(id: number, value: string | boolean): number | undefined {
    const dictionary = this.dictionary(id);
    const known = dictionary.codeOf(value);
    if (known !== undefined) return known;
    if (dictionary.size >= ENGINE_LIMITS.dictionaryEntriesMax) return undefined;
    const bytes = entryBytes(value);
    if (this.#bytes + bytes > ENGINE_LIMITS.dictionariesBytesMax) return undefined;
    this.#bytes += bytes;
    return dictionary.add(value);
  }

  mark(): DictionaryMark {
    return this.#dictionaries.map((dictionary) => dictionary.size);
  }

  /** What was added since `mark`, to be stored with the batch that brought it. */
  additionsSince(mark: DictionaryMark): DictionaryAdditions {
    const attributes: DictionaryAdditions["attributes"][number][] = [];
    this.#dictionaries.forEach((dictionary, id) => {
      const from = mark[id] ?? 1;
      if (id < mark.length && from === dictionary.size) return;
      const values: (string | boolean)[] = [];
      for (let code = from; code < dictionary.size; code++) values.push(dictionary.valueOf(code) as string | boolean);
      attributes.push({ id, name: this.nameOf(id), from, values });
    });
    return { attributes };
  }

  /** Applies stored additions, in the order in which they were made. Ones that are already there change nothing. */
  apply(additions: DictionaryAdditions): void {
    for (const { id, name, from, values } of additions.attributes) {
      assert(this.attributeId(name) === id, "attribute ids come back as they were given");
      const dictionary = this.dictionary(id);
      assert(from <= dictionary.size, "dictionary additions without a gap");
      for (const value of values.slice(dictionary.size - from)) {
        this.#bytes += entryBytes(value);
        dictionary.add(value);
      }
    }
  }
}

/** A string's text, its slot in the array and in the map: measured at about 60 bytes beside the text in V8. */
const entryBytes = (value: string | boolean): number => 60 + (typeof value === "string" ? value.length : 0);
