/**
 * The partition's dictionaries: the strings and booleans of each attribute, numbered in the order in which they first came.
 * Strings are resolved once, at append; a replay only ever indexes arrays by these codes.
 *
 * A set of dictionaries is one *generation*: segments name the generation that their codes belong to. A new one is opened
 * from time to time, so that values nobody uses any more go when the last segment that names them is trimmed.
 */
import { assert } from "#protocol";
import { ENGINE_LIMITS } from "./limits.ts";
import { hashString, hashText, type HashSeed } from "./siphash.ts";
import { type PackedTexts, type TextRoom, TextTable } from "./text-table.ts";
import { TextBuffer, textOf } from "./utf8.ts";
import { taggedText, type Value } from "./value.ts";

/** Booleans stand among the texts as single bytes that no UTF-8 has. They are stored: never change them. */
const FALSE_BYTE = 0xfe;
const TRUE_BYTE = 0xff;

/** The text that is being looked up. */
const needle = new TextBuffer(4096);

function putNeedle(value: string | boolean): number {
  if (typeof value === "string") return needle.put(value);
  needle.bytes[0] = value ? TRUE_BYTE : FALSE_BYTE;
  return 1;
}

/** Values in the form in which dictionaries hold and store them. */
export function packValues(values: readonly (string | boolean)[]): PackedTexts {
  const texts = values.map((value) => {
    const length = putNeedle(value);
    return needle.bytes.slice(0, length);
  });
  const lengths = Uint32Array.from(texts, ({ length }) => length);
  const text = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  let at = 0;
  for (const bytes of texts) {
    text.set(bytes, at);
    at += bytes.length;
  }
  return { lengths, text };
}

/** Two words of seeded hash a code. */
const HASH_BYTES = 8;

/** The values of one attribute. Code 0 is "absent". */
export class Dictionary {
  readonly #seed: HashSeed;
  readonly #texts: TextTable;
  /**
   * The strings of a dictionary of few (types, countries), which V8 finds three times as fast as the table does; null once
   * there are more, because it finds many at half the speed, and takes five times the memory.
   */
  #few: Map<string, number> | null = new Map();
  #hashes = new Uint32Array(0);
  #hashed = 1;

  constructor(seed: HashSeed) {
    this.#seed = seed;
    this.#texts = new TextTable(seed, HASH_BYTES);
  }

  /** The number of codes, 0 included: codes are below it. */
  get size(): number {
    return this.#texts.size;
  }

  /** Bytes of memory, with those of the hashes, which may be asked for at any time. */
  get bytes(): number {
    return this.#texts.bytes;
  }

  /** Decoded anew each time: for those who print a value, not for those who compare. */
  valueOf(code: number): Value {
    assert(code >= 0 && code < this.size, "a code of this dictionary");
    if (code === 0) return null;
    const texts = this.#texts;
    return this.#booleanAt(code) ?? textOf(texts.text, texts.startOf(code), texts.endOf(code));
  }

  /** The code of a value, or undefined if the dictionary does not have it. */
  codeOf(value: string | boolean): number | undefined {
    const code = this.#texts.find(needle, putNeedle(value));
    return code === 0 ? undefined : code;
  }

  /** The code here of another dictionary's code, or undefined if there is none: found without making a string of it. */
  codeOfEntry(source: Dictionary, code: number): number | undefined {
    const texts = source.#texts;
    const length = needle.copy(texts.text, texts.startOf(code), texts.endOf(code));
    const own = this.#texts.find(needle, length);
    return own === 0 ? undefined : own;
  }

  /** The code of a value, added if it is new; undefined if it is new and there is no room for it. */
  intern(value: string | boolean, room: TextRoom): number | undefined {
    if (typeof value === "string") {
      const known = this.#few?.get(value);
      if (known !== undefined) return known;
    }
    const code = this.#texts.intern(needle, putNeedle(value), room);
    if (code === 0) return undefined;
    if (typeof value === "string" && this.#few !== null) this.#remember(this.#few, value, code);
    return code;
  }

  #remember(few: Map<string, number>, value: string, code: number): void {
    if (this.size > ENGINE_LIMITS.fewEntriesMax) this.#few = null;
    else if (value.length <= ENGINE_LIMITS.fewUnitsMax) few.set(value, code);
  }

  /** Values from `code` on, as they are stored. */
  packedFrom(code: number): PackedTexts {
    return this.#texts.packedFrom(code);
  }

  /** Adds the packed values from the `first` on, which the dictionary does not have. */
  append(values: PackedTexts, first: number): void {
    this.#texts.append(values, first);
  }

  /** The seeded hash of every value, two words a code, for distinct counts. Hashed once, when first asked for. */
  hashes(): Uint32Array {
    if (this.#hashed < this.size) {
      if (this.#hashes.length < 2 * this.size) {
        const grown = new Uint32Array(2 * this.#texts.capacity);
        grown.set(this.#hashes);
        this.#hashes = grown;
      }
      for (; this.#hashed < this.size; this.#hashed++) this.#hash(this.#hashed);
    }
    return this.#hashes;
  }

  #hash(code: number): void {
    const boolean = this.#booleanAt(code);
    if (boolean !== null) return hashText(this.#seed, taggedText(boolean), this.#hashes, 2 * code);
    const texts = this.#texts;
    hashString(this.#seed, texts.text, texts.startOf(code), texts.endOf(code), this.#hashes, 2 * code);
  }

  #booleanAt(code: number): boolean | null {
    const start = this.#texts.startOf(code);
    if (this.#texts.endOf(code) !== start + 1) return null;
    const byte = this.#texts.text[start];
    return byte === TRUE_BYTE ? true : byte === FALSE_BYTE ? false : null;
  }
}

/** Where a set of dictionaries ended at some moment: the number of names, and of codes of each. */
export type DictionaryMark = readonly number[];

/** Values that came after a mark, as they are stored: one entry an attribute that grew. */
export interface DictionaryAdditions {
  /** Attribute ids rise by one from 0; a name that is new comes with the additions that first use it. */
  readonly attributes: readonly AttributeAdditions[];
}

export interface AttributeAdditions {
  readonly id: number;
  readonly name: string;
  /** Code of the first value. */
  readonly from: number;
  readonly values: PackedTexts;
}

/** How much one generation may hold. */
export interface DictionaryBounds {
  /** Codes of one dictionary, 0 included. */
  readonly dictionaryEntriesMax: number;
  /** Bytes of memory of all of them. */
  readonly dictionariesBytesMax: number;
}

/** One generation of a partition's dictionaries, and its numbering of attribute names. */
export class Dictionaries {
  readonly generation: number;
  readonly seed: HashSeed;
  readonly #room: TextRoom;
  readonly #names: string[] = [];
  readonly #ids = new Map<string, number>();
  readonly #dictionaries: Dictionary[] = [];
  #hasRefused = false;

  constructor(generation: number, seed: HashSeed, bounds: DictionaryBounds = ENGINE_LIMITS) {
    this.generation = generation;
    this.seed = seed;
    this.#room = {
      numbersMax: bounds.dictionaryEntriesMax,
      mayGrow: (bytes) => this.bytes + bytes <= bounds.dictionariesBytesMax,
    };
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Bytes of memory that the values take. */
  get bytes(): number {
    let bytes = 0;
    for (const dictionary of this.#dictionaries) bytes += dictionary.bytes;
    return bytes;
  }

  /**
   * Whether a value found no room: new ones are stored as hashes and text from there on, which is slower. Not before: a column whose
   * values just fit is best left alone, because each generation brings the same values under other codes.
   */
  get isFull(): boolean {
    return this.#hasRefused;
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

  /** An attribute's dictionary; null if there is none, because no record has had the attribute. */
  find(name: string): Dictionary | null {
    const id = this.#ids.get(name);
    return id === undefined ? null : this.dictionary(id);
  }

  /** The code of a value, added if it is new; undefined if it is new and the dictionary is full: the column turns wide. */
  intern(id: number, value: string | boolean): number | undefined {
    const code = this.dictionary(id).intern(value, this.#room);
    if (code === undefined) this.#hasRefused = true;
    return code;
  }

  mark(): DictionaryMark {
    return this.#dictionaries.map((dictionary) => dictionary.size);
  }

  /** What was added since `mark`, to be stored with the batch that brought it. */
  additionsSince(mark: DictionaryMark): DictionaryAdditions {
    const attributes: AttributeAdditions[] = [];
    this.#dictionaries.forEach((dictionary, id) => {
      const from = mark[id] ?? 1;
      if (id < mark.length && from === dictionary.size) return;
      attributes.push({ id, name: this.nameOf(id), from, values: dictionary.packedFrom(from) });
    });
    return { attributes };
  }

  /** Applies stored additions, in the order in which they were made. Ones that are already there change nothing. */
  apply(additions: DictionaryAdditions): void {
    for (const { id, name, from, values } of additions.attributes) {
      assert(this.attributeId(name) === id, "attribute ids come back as they were given");
      const dictionary = this.dictionary(id);
      assert(from <= dictionary.size, "dictionary additions without a gap");
      const first = dictionary.size - from;
      if (first < values.lengths.length) dictionary.append(values, first);
    }
  }
}
