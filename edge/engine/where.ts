/**
 * `where`, compiled: a tree of conditions that judges a whole batch at once, and a single row of values by the same rules.
 *
 * A batch is judged through a mask of bytes, one a record, from which each condition clears what it does not let through. So
 * all entries of a `where` narrow one mask after the other; `or` narrows copies and joins them, `not` narrows one and turns
 * it round.
 */
import { CompiledCondition, type ConditionColumns } from "./condition.ts";
import type { HashSeed } from "./siphash.ts";
import type { Condition, Where } from "./spec.ts";
import type { Value } from "./value.ts";

/** The columns of an attribute of what is to be judged; undefined where no record has it. */
export type ColumnLookup = (attribute: string) => ConditionColumns | undefined;

export interface SingleCondition {
  readonly attribute: string;
  readonly condition: CompiledCondition;
}

export interface CompiledWhere {
  /** True if every record passes: there is nothing to judge. */
  readonly isEmpty: boolean;
  /** Its condition, if it is nothing but one. */
  readonly single: SingleCondition | null;
  /** Whether a row with these values passes. */
  matches(valueOf: (attribute: string) => Value): boolean;
  /**
   * Clears `mask[i]`, for i in [start, end), where record i does not pass.
   *
   * @param seed the stream's, under which `hashes` columns were made; without it their text is compared
   */
  narrow(columnsOf: ColumnLookup, start: number, end: number, mask: Uint8Array, seed?: HashSeed): void;
}

export function compileWhere(where: Where): CompiledWhere {
  const parts: CompiledWhere[] = [];
  for (const [name, entry] of Object.entries(where)) {
    if (entry === undefined) continue;
    if (name === "or") parts.push(new Any((entry as readonly Where[]).map(compileWhere)));
    else if (name === "not") parts.push(new Not(compileWhere(entry as Where)));
    else parts.push(new On(name, new CompiledCondition(entry as Condition)));
  }
  return new All(parts);
}

/** Whether a row of values passes. For many rows, compile once. */
export const matches = (where: Where, valueOf: (attribute: string) => Value): boolean =>
  compileWhere(where).matches(valueOf);

/** The attributes that a condition names, `or` and `not` included. */
export function attributesOf(where: Where): Set<string> {
  const names = new Set<string>();
  for (const [name, entry] of Object.entries(where)) {
    if (entry === undefined) continue;
    if (name === "or") for (const part of entry as readonly Where[]) for (const n of attributesOf(part)) names.add(n);
    else if (name === "not") for (const n of attributesOf(entry as Where)) names.add(n);
    else names.add(name);
  }
  return names;
}

class On implements CompiledWhere {
  readonly isEmpty = false;
  readonly single: SingleCondition;

  constructor(attribute: string, condition: CompiledCondition) {
    this.single = { attribute, condition };
  }

  matches(valueOf: (attribute: string) => Value): boolean {
    return this.single.condition.test(valueOf(this.single.attribute));
  }

  narrow(columnsOf: ColumnLookup, start: number, end: number, mask: Uint8Array, seed?: HashSeed): void {
    const { attribute, condition } = this.single;
    condition.narrow(columnsOf(attribute), start, end, mask, seed);
  }
}

class All implements CompiledWhere {
  readonly isEmpty: boolean;
  readonly single: SingleCondition | null;
  readonly #parts: readonly CompiledWhere[];

  constructor(parts: readonly CompiledWhere[]) {
    this.#parts = parts;
    this.isEmpty = parts.length === 0;
    this.single = parts.length === 1 ? (parts[0] as CompiledWhere).single : null;
  }

  matches(valueOf: (attribute: string) => Value): boolean {
    return this.#parts.every((part) => part.matches(valueOf));
  }

  narrow(columnsOf: ColumnLookup, start: number, end: number, mask: Uint8Array, seed?: HashSeed): void {
    for (const part of this.#parts) part.narrow(columnsOf, start, end, mask, seed);
  }
}

class Any implements CompiledWhere {
  readonly isEmpty = false;
  readonly single = null;
  readonly #parts: readonly CompiledWhere[];

  constructor(parts: readonly CompiledWhere[]) {
    this.#parts = parts;
  }

  matches(valueOf: (attribute: string) => Value): boolean {
    return this.#parts.some((part) => part.matches(valueOf));
  }

  narrow(columnsOf: ColumnLookup, start: number, end: number, mask: Uint8Array, seed?: HashSeed): void {
    const union = new Uint8Array(end);
    for (const part of this.#parts) {
      const narrowed = mask.slice(0, end);
      part.narrow(columnsOf, start, end, narrowed, seed);
      for (let i = start; i < end; i++) union[i] = (union[i] as number) | (narrowed[i] as number);
    }
    mask.set(union.subarray(start, end), start);
  }
}

class Not implements CompiledWhere {
  readonly isEmpty = false;
  readonly single = null;
  readonly #part: CompiledWhere;

  constructor(part: CompiledWhere) {
    this.#part = part;
  }

  matches(valueOf: (attribute: string) => Value): boolean {
    return !this.#part.matches(valueOf);
  }

  narrow(columnsOf: ColumnLookup, start: number, end: number, mask: Uint8Array, seed?: HashSeed): void {
    const narrowed = mask.slice(0, end);
    this.#part.narrow(columnsOf, start, end, narrowed, seed);
    for (let i = start; i < end; i++) mask[i] = (mask[i] as number) & ((narrowed[i] as number) ^ 1);
  }
}
