/** A column batch over its stored bytes. Every column is read, and checked, when it is first asked for. */
import { assert } from "#protocol";
import { type BatchHeader, KIND, SYSTEM } from "./batch-format.ts";
import type { DirectoryEntry } from "./batch-directory.ts";
import type { AttributeColumns, CodeArray, ColumnBatch, Grouping, IntegerColumn } from "./column-batch.ts";
import { integerAt } from "./column-batch.ts";
import type { ColumnReader } from "./column-reader.ts";
import { fromDecimals } from "./decimals.ts";
import type { Dictionaries, Dictionary } from "./dictionary.ts";
import { spreadRuns } from "./spread-runs.ts";
import { decodeTexts } from "./text-column.ts";

export class StoredBatch implements ColumnBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly minuteMin: number;
  readonly minuteMax: number;
  readonly appendTimeMax: number;
  readonly attributes: ReadonlyMap<string, AttributeColumns>;
  readonly #reader: ColumnReader;
  readonly #system = new Map<number, DirectoryEntry>();
  readonly #runs: StoredRuns | null;
  #grouping: Grouping | undefined;
  #minutes: IntegerColumn | undefined;

  constructor(
    header: BatchHeader,
    directory: readonly DirectoryEntry[],
    reader: ColumnReader,
    dictionaries: Dictionaries,
  ) {
    this.baseOffset = header.baseOffset;
    this.count = header.count;
    this.minuteMin = header.minuteMin;
    this.minuteMax = header.minuteMax;
    this.appendTimeMax = header.appendTimeMax;
    this.#reader = reader;
    const attributes = new Map<string, StoredAttribute>();
    let runs: StoredRuns | null = null;
    for (const entry of directory) {
      if (entry.id >= SYSTEM.minutes) {
        this.#system.set(entry.id, entry);
        continue;
      }
      const name = dictionaries.nameOf(entry.id);
      let attribute = attributes.get(name);
      if (attribute === undefined) {
        attribute = new StoredAttribute(reader, dictionaries.dictionary(entry.id), () => this.grouping);
        attributes.set(name, attribute);
      }
      attribute.entries.set(entry.kind, entry);
      if (entry.kind === KIND.runCodes) {
        runs = { attribute: name, dictionary: dictionaries.dictionary(entry.id), codes: entry };
      }
    }
    this.attributes = attributes;
    this.#runs = runs;
  }

  get grouping(): Grouping | null {
    if (!this.#system.has(SYSTEM.stretchMinutes)) return null;
    return (this.#grouping ??= new StoredGrouping(this.#reader, this.#system, this.#runs));
  }

  get minutes(): IntegerColumn {
    const { grouping } = this;
    return (this.#minutes ??=
      grouping === null
        ? this.#integers(SYSTEM.minutes)
        : { base: this.minuteMin, deltas: minutesOf(grouping, this.minuteMin, this.count) });
  }

  get milliseconds(): IntegerColumn {
    return this.#integers(SYSTEM.milliseconds);
  }

  get appendTimes(): IntegerColumn {
    const { base, deltas } = this.#integers(SYSTEM.appendTimes);
    const { grouping } = this;
    if (deltas === null || grouping === null) return { base, deltas };
    const byRow = deltas.slice();
    grouping.arrival.forEach((place, row) => (byRow[row] = deltas[place] as number));
    return { base, deltas: byRow };
  }

  get fromPages(): IntegerColumn {
    return this.#integers(SYSTEM.fromPages);
  }

  #integers(id: number): IntegerColumn {
    return this.#reader.integers(systemEntry(this.#system, id));
  }
}

interface StoredRuns {
  readonly attribute: string;
  readonly dictionary: Dictionary;
  readonly codes: DirectoryEntry;
}

class StoredGrouping implements Grouping {
  readonly minutes: Float64Array;
  readonly rowStarts: Uint32Array;
  readonly runStarts: Uint32Array;
  readonly attribute: string | null;
  readonly dictionary: Dictionary | null;
  readonly #reader: ColumnReader;
  readonly #system: ReadonlyMap<number, DirectoryEntry>;
  readonly #runs: StoredRuns | null;
  #runCodes: CodeArray | undefined;
  #runLengths: IntegerColumn | undefined;
  #arrival: CodeArray | undefined;

  constructor(reader: ColumnReader, system: ReadonlyMap<number, DirectoryEntry>, runs: StoredRuns | null) {
    this.#reader = reader;
    this.#system = system;
    this.#runs = runs;
    this.attribute = runs?.attribute ?? null;
    this.dictionary = runs?.dictionary ?? null;
    const { count } = systemEntry(system, SYSTEM.stretchMinutes);
    const minutes = reader.integers(systemEntry(system, SYSTEM.stretchMinutes));
    this.minutes = new Float64Array(count);
    for (let i = 0; i < count; i++) this.minutes[i] = integerAt(minutes, i);
    this.rowStarts = startsOf(reader.integers(systemEntry(system, SYSTEM.stretchRows)), count);
    this.runStarts = startsOf(reader.integers(systemEntry(system, SYSTEM.stretchRuns)), count);
  }

  get runCodes(): CodeArray {
    return (this.#runCodes ??=
      this.#runs === null ? new Uint8Array(this.minutes.length) : this.#reader.codes(this.#runs.codes));
  }

  get runLengths(): IntegerColumn {
    return (this.#runLengths ??= this.#reader.integers(systemEntry(this.#system, SYSTEM.runLengths)));
  }

  get arrival(): CodeArray {
    return (this.#arrival ??= this.#reader.codes(systemEntry(this.#system, SYSTEM.arrival)));
  }
}

class StoredAttribute implements AttributeColumns {
  /** By kind of column. */
  readonly entries = new Map<number, DirectoryEntry>();
  readonly #reader: ColumnReader;
  readonly #dictionary: Dictionary;
  readonly #grouping: () => Grouping | null;
  #codes: AttributeColumns["codes"];
  #numbers: Float64Array | undefined;
  #hashes: AttributeColumns["hashes"];

  constructor(reader: ColumnReader, dictionary: Dictionary, grouping: () => Grouping | null) {
    this.#reader = reader;
    this.#dictionary = dictionary;
    this.#grouping = grouping;
  }

  get codes(): AttributeColumns["codes"] {
    return (this.#codes ??= this.#readCodes());
  }

  get numbers(): Float64Array | undefined {
    return (this.#numbers ??= this.#readNumbers());
  }

  get hashes(): AttributeColumns["hashes"] {
    return (this.#hashes ??= this.#readHashes());
  }

  #readCodes(): AttributeColumns["codes"] {
    const dictionary = this.#dictionary;
    const entry = this.entries.get(KIND.codes);
    if (entry?.width === 0) return { codes: new Uint32Array(entry.count).fill(entry.base), dictionary };
    if (entry !== undefined) return { codes: this.#reader.codes(entry), dictionary };
    const grouping = this.entries.has(KIND.runCodes) ? this.#grouping() : null;
    return grouping === null ? undefined : { codes: rowCodesOf(grouping), dictionary };
  }

  #readNumbers(): Float64Array | undefined {
    const entry = this.entries.get(KIND.numbers);
    if (entry !== undefined) return this.#reader.doubles(entry);
    const narrow = this.entries.get(KIND.decimals);
    if (narrow === undefined) return undefined;
    return fromDecimals({ integers: this.#reader.codes(narrow), base: narrow.base, decimals: narrow.decimals });
  }

  #readHashes(): AttributeColumns["hashes"] {
    const entry = this.entries.get(KIND.hashes);
    if (entry === undefined) return undefined;
    const texts = this.entries.get(KIND.texts);
    assert(texts !== undefined, "hashes have their texts in the cold part");
    const { buffer, byteOffset } = this.#reader.bytes(entry);
    let values: ReturnType<typeof decodeTexts> | undefined;
    return {
      words: new Uint32Array(buffer, byteOffset, 2 * entry.count),
      values: () => (values ??= decodeTexts(this.#reader.bytes(texts), texts.count)),
    };
  }
}

/** The code of each row, from the codes of the runs. */
function rowCodesOf({ runCodes, runLengths, rowStarts }: Grouping): CodeArray {
  const count = rowStarts.at(-1) as number;
  if (runCodes.length === count) return runCodes;
  const codes =
    runCodes.BYTES_PER_ELEMENT === 1
      ? new Uint8Array(count)
      : runCodes.BYTES_PER_ELEMENT === 2
        ? new Uint16Array(count)
        : new Uint32Array(count);
  spreadRuns(runLengths, 0, runCodes.length, 0, runCodes, codes);
  return codes;
}

/** The minute of each row, less the least. */
function minutesOf({ minutes, rowStarts }: Grouping, minuteMin: number, count: number): Uint32Array {
  const deltas = new Uint32Array(count);
  minutes.forEach((minute, s) => deltas.fill(minute - minuteMin, rowStarts[s], rowStarts[s + 1]));
  return deltas;
}

/** Where each of `count` neighbours begins, from their lengths; at the end where the last one ends. */
function startsOf(lengths: IntegerColumn, count: number): Uint32Array {
  const starts = new Uint32Array(count + 1);
  for (let i = 0; i < count; i++) starts[i + 1] = (starts[i] as number) + integerAt(lengths, i);
  return starts;
}

function systemEntry(system: ReadonlyMap<number, DirectoryEntry>, id: number): DirectoryEntry {
  const entry = system.get(id);
  assert(entry !== undefined, "a batch has its system columns");
  return entry;
}
