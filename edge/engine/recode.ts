/**
 * Gives a batch the codes of other dictionaries: what leaves a partition must not depend on how the partition has numbered its
 * values. Only codes change; every other column is the same one.
 */
import { assert } from "#protocol";
import { narrowCodes } from "./batch-builder.ts";
import type { AttributeColumns, CodeArray, ColumnBatch, Grouping } from "./column-batch.ts";
import type { Dictionaries, Dictionary } from "./dictionary.ts";

/** From the codes of one generation of dictionaries to those of a smaller set, which takes up the values that it is shown. */
export class Recoder {
  readonly #target: Dictionaries;
  /** By dictionary: the target's code of each of its codes; 0: not asked for yet. */
  readonly #codes = new Map<Dictionary, Uint32Array>();

  /** @param target empty, with room for all values of the generation */
  constructor(target: Dictionaries) {
    this.#target = target;
  }

  recode(batch: ColumnBatch): ColumnBatch {
    const attributes = new Map<string, AttributeColumns>();
    for (const [name, columns] of batch.attributes) attributes.set(name, this.#attribute(name, columns));
    return {
      baseOffset: batch.baseOffset,
      count: batch.count,
      grouping: batch.grouping && this.#grouping(batch.grouping),
      minutes: batch.minutes,
      milliseconds: batch.milliseconds,
      appendTimes: batch.appendTimes,
      fromPages: batch.fromPages,
      attributes,
      minuteMin: batch.minuteMin,
      minuteMax: batch.minuteMax,
      appendTimeMax: batch.appendTimeMax,
    };
  }

  #attribute(name: string, { codes, numbers, hashes }: AttributeColumns): AttributeColumns {
    const id = this.#target.attributeId(name);
    return {
      ...(codes && {
        codes: {
          codes: this.#translate(id, codes.codes, codes.dictionary),
          dictionary: this.#target.dictionary(id),
        },
      }),
      ...(numbers && { numbers }),
      ...(hashes && { hashes }),
    };
  }

  #grouping(grouping: Grouping): Grouping {
    const { minutes, rowStarts, runStarts, attribute, dictionary, runCodes, runLengths, arrival } = grouping;
    const same = { minutes, rowStarts, runStarts, attribute, runLengths, arrival };
    if (attribute === null || dictionary === null) return { ...same, dictionary, runCodes };
    const id = this.#target.attributeId(attribute);
    return {
      ...same,
      dictionary: this.#target.dictionary(id),
      runCodes: this.#translate(id, runCodes, dictionary),
    };
  }

  #translate(id: number, codes: CodeArray, source: Dictionary): CodeArray {
    const known = this.#codesOf(source);
    const translated = new Uint32Array(codes.length);
    for (let i = 0; i < codes.length; i++) {
      const code = codes[i] as number;
      let own = known[code] as number;
      if (own === 0 && code !== 0) own = known[code] = this.#intern(id, source, code);
      translated[i] = own;
    }
    return narrowCodes(translated);
  }

  #intern(id: number, source: Dictionary, code: number): number {
    const value = source.valueOf(code);
    assert(value !== null && typeof value !== "number", "a code stands for a text or a boolean");
    const own = this.#target.intern(id, value);
    assert(own !== undefined, "values of one generation fit into another");
    return own;
  }

  #codesOf(source: Dictionary): Uint32Array {
    let known = this.#codes.get(source);
    if (known === undefined) this.#codes.set(source, (known = new Uint32Array(source.size)));
    return known;
  }
}
