/**
 * A condition on one attribute: which values it lets through, and the same for a whole column at a time.
 *
 * Comparison is type-strict: 1 is not "1". Order exists within numbers and within strings (by UTF-8 bytes). An absent
 * attribute passes `exists: false` and `eq: null` only. Zero has no sign.
 */
import { assert, type AttributeValue } from "#protocol";
import type { CodeArray } from "./column-batch.ts";
import type { ValueTable } from "./interner.ts";
import { type HashSeed, hashText } from "./siphash.ts";
import type { Condition, Tests } from "./spec.ts";
import { compareUtf8, taggedText, type Value } from "./value.ts";

/** Columns of one attribute, as in a column batch: each record has its value in at most one of them. */
export interface ConditionColumns {
  readonly codes?: { readonly codes: CodeArray; readonly dictionary: ValueTable } | undefined;
  readonly numbers?: Float64Array | undefined;
  readonly hashes?: { readonly words: Uint32Array; readonly values: () => readonly Value[] } | undefined;
}

type Test = (value: Value) => boolean;

/** Bit 1 is what the mask takes. */
const PASSES = 2;
const FAILS = 1;

/** Codes of a dictionary that is small: judging all of them takes a tenth of a millisecond. */
const JUDGED_AHEAD_MAX = 1_024;

export class CompiledCondition {
  readonly #tests: readonly Test[];
  /** Every value that the condition compares for equality, or null if it has a test of order. */
  readonly #operands: readonly AttributeValue[] | null;
  /**
   * Verdicts on the codes of a dictionary, each given once: once a value, not once a record. Those of a small dictionary are given
   * ahead, those of a large one when a record asks: most of its values, none ever has.
   */
  readonly #verdicts = new WeakMap<ValueTable, Uint8Array>();
  #hashed: { seed: HashSeed; verdicts: HashVerdicts } | null = null;

  constructor(condition: Condition) {
    const tests = testsOf(condition);
    this.#tests = compileTests(tests);
    this.#operands = hasOrder(tests) ? null : operandsOf(tests);
  }

  test(value: Value): boolean {
    return this.#tests.every((test) => test(value));
  }

  /** Clears `mask[i]`, for i in [start, end), where the record's value does not pass. */
  narrow(columns: ConditionColumns | undefined, start: number, end: number, mask: Uint8Array, seed?: HashSeed): void {
    if (columns?.codes !== undefined && columns.numbers === undefined && columns.hashes === undefined) {
      const { codes, dictionary } = columns.codes;
      const verdicts = this.#verdictsOf(dictionary);
      if (dictionary.size <= JUDGED_AHEAD_MAX) {
        for (let i = start; i < end; i++)
          mask[i] = (mask[i] as number) & ((verdicts[codes[i] as number] as number) >> 1);
      } else {
        for (let i = start; i < end; i++) {
          const code = codes[i] as number;
          mask[i] = (mask[i] as number) & ((verdicts[code] || this.#judge(dictionary, code, verdicts)) >> 1);
        }
      }
      return;
    }
    const absent = this.test(null) ? 1 : 0;
    const verdicts = new Uint8Array(end - start).fill(absent);
    if (columns?.codes !== undefined) this.#judgeCodes(columns.codes, start, end, verdicts);
    if (columns?.numbers !== undefined) this.#judgeNumbers(columns.numbers, start, end, verdicts);
    if (columns?.hashes !== undefined) this.#judgeHashes(columns.hashes, start, end, verdicts, seed);
    for (let i = start; i < end; i++) mask[i] = (mask[i] as number) & (verdicts[i - start] as number);
  }

  /** The rows of [0, count) whose code passes, to `rows`. @returns how many: in one pass, where a mask takes three */
  select({ codes, dictionary }: NonNullable<ConditionColumns["codes"]>, count: number, rows: Uint32Array): number {
    const verdicts = this.#verdictsOf(dictionary);
    let selected = 0;
    if (dictionary.size <= JUDGED_AHEAD_MAX) {
      for (let i = 0; i < count; i++) {
        // No branch; see Scratch.selectMasked.
        rows[selected] = i;
        selected += (verdicts[codes[i] as number] as number) >> 1;
      }
    } else {
      for (let i = 0; i < count; i++) {
        const code = codes[i] as number;
        rows[selected] = i;
        selected += (verdicts[code] || this.#judge(dictionary, code, verdicts)) >> 1;
      }
    }
    return selected;
  }

  #judgeCodes(
    { codes, dictionary }: NonNullable<ConditionColumns["codes"]>,
    start: number,
    end: number,
    out: Uint8Array,
  ): void {
    const verdicts = this.#verdictsOf(dictionary);
    for (let i = start; i < end; i++) {
      const code = codes[i] as number;
      if (code !== 0) out[i - start] = (verdicts[code] || this.#judge(dictionary, code, verdicts)) >> 1;
    }
  }

  #judgeNumbers(numbers: Float64Array, start: number, end: number, out: Uint8Array): void {
    for (let i = start; i < end; i++) {
      const value = numbers[i] as number;
      if (value === value) out[i - start] = this.test(value) ? 1 : 0;
    }
  }

  #judgeHashes(
    { words, values }: NonNullable<ConditionColumns["hashes"]>,
    start: number,
    end: number,
    out: Uint8Array,
    seed: HashSeed | undefined,
  ): void {
    const hashed = seed === undefined ? null : this.#hashVerdictsOf(seed);
    const texts = hashed === null ? values() : [];
    for (let i = start; i < end; i++) {
      const low = words[2 * i] as number;
      const high = words[2 * i + 1] as number;
      if (low === 0 && high === 0) continue;
      const passes = hashed === null ? this.test(texts[i] as Value) : hashed.test(low, high);
      out[i - start] = passes ? 1 : 0;
    }
  }

  /** Verdicts by code: {@link PASSES}, {@link FAILS}, or 0 for one that has not been asked for. */
  #verdictsOf(table: ValueTable): Uint8Array {
    let verdicts = this.#verdicts.get(table);
    if (verdicts === undefined || verdicts.length < table.size) {
      const isSmall = table.size <= JUDGED_AHEAD_MAX;
      const known = verdicts ?? new Uint8Array(0);
      verdicts = new Uint8Array(isSmall ? table.size : Math.max(table.size, 2 * known.length));
      verdicts.set(known);
      if (isSmall) for (let code = known.length; code < table.size; code++) this.#judge(table, code, verdicts);
      this.#verdicts.set(table, verdicts);
    }
    return verdicts;
  }

  #judge(table: ValueTable, code: number, verdicts: Uint8Array): number {
    return (verdicts[code] = this.test(table.valueOf(code)) ? PASSES : FAILS);
  }

  /** Verdicts by hash; null if the condition has a test of order, for which hashes do not do. */
  #hashVerdictsOf(seed: HashSeed): HashVerdicts | null {
    if (this.#operands === null) return null;
    if (this.#hashed?.seed !== seed) {
      this.#hashed = { seed, verdicts: new HashVerdicts(seed, this.#operands, (value) => this.test(value)) };
    }
    return this.#hashed.verdicts;
  }
}

/** What a condition without order says of values of which only the hash is at hand. */
class HashVerdicts {
  /** By low word: pairs of a high word and what the condition says of the operand with that hash. */
  readonly #byLow = new Map<number, { readonly high: number; readonly passes: boolean }[]>();
  /** What it says of every value that is none of its operands. */
  readonly #others: boolean;

  constructor(seed: HashSeed, operands: readonly AttributeValue[], test: Test) {
    const words = new Uint32Array(2);
    for (const operand of operands) {
      hashText(seed, taggedText(operand), words, 0);
      const [low, high] = words as unknown as [number, number];
      const sameLow = this.#byLow.get(low) ?? [];
      sameLow.push({ high, passes: test(operand) });
      this.#byLow.set(low, sameLow);
    }
    let other = "other";
    while (operands.includes(other)) other += "'";
    this.#others = test(other);
  }

  test(low: number, high: number): boolean {
    const operand = this.#byLow.get(low)?.find((candidate) => candidate.high === high);
    return operand === undefined ? this.#others : operand.passes;
  }
}

/** A condition in its long form: a plain value is a test of equality. */
export const testsOf = (condition: Condition): Tests =>
  typeof condition === "object" && condition !== null ? condition : { eq: condition };

const hasOrder = ({ gt, gte, lt, lte }: Tests): boolean => [gt, gte, lt, lte].some((bound) => bound !== undefined);

const operandsOf = (tests: Tests): AttributeValue[] =>
  [tests.eq ?? null, tests.ne ?? null, ...(tests.in ?? []), ...(tests.notIn ?? [])].filter((value) => value !== null);

function compileTests(tests: Tests): Test[] {
  const compiled: Test[] = [];
  const { eq, ne, exists, gt, gte, lt, lte } = tests;
  if (eq !== undefined) compiled.push((value) => value === eq);
  if (ne !== undefined) compiled.push((value) => value !== null && value !== ne);
  if (tests.in !== undefined) {
    const members: ReadonlySet<Value> = new Set(tests.in);
    compiled.push((value) => value !== null && members.has(value));
  }
  if (tests.notIn !== undefined) {
    const members: ReadonlySet<Value> = new Set(tests.notIn);
    compiled.push((value) => value !== null && !members.has(value));
  }
  if (exists !== undefined) compiled.push((value) => (value !== null) === exists);
  if (gt !== undefined) compiled.push((value) => isComparable(value, gt) && order(value, gt) > 0);
  if (gte !== undefined) compiled.push((value) => isComparable(value, gte) && order(value, gte) >= 0);
  if (lt !== undefined) compiled.push((value) => isComparable(value, lt) && order(value, lt) < 0);
  if (lte !== undefined) compiled.push((value) => isComparable(value, lte) && order(value, lte) <= 0);
  return compiled;
}

const isComparable = (value: Value, bound: string | number): value is string | number => typeof value === typeof bound;

/** The order of two values of one type. */
function order(value: string | number, bound: string | number): number {
  if (typeof value === "string") return compareUtf8(value, String(bound));
  assert(typeof bound === "number", "values of one type");
  return value - bound;
}
