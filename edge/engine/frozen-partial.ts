/**
 * A partition's partial answer that is sent in parts: its first groups at once, of the others those that are asked for later
 * (see early-stop.ts). Frozen: it answers for the moment at which it was folded, however much is appended in between.
 *
 * Asking changes nothing, so that a request can be repeated: which groups have gone already follows from what was asked.
 */
import { firstGroups } from "./answer.ts";
import { areAddends, orderingMeasure, orderingValues } from "./early-stop.ts";
import type { GroupTable } from "./group-table.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import type { Shape } from "./plan.ts";
import { encodeGroups, findGroups } from "./some-groups.ts";
import type { Query } from "./spec.ts";
import type { Value } from "./value.ts";

/** Which of the groups beyond the first ones are asked for: those whose value v is from <= v < below. */
export interface GroupSelection {
  readonly from: number;
  readonly below: number;
  /** If not null, only these, as `encodeKeys` made it. */
  readonly keys: readonly Uint8Array[] | null;
}

export class FrozenPartial {
  readonly #shape: Shape;
  readonly #table: GroupTable;
  readonly #values: Float64Array | null;
  readonly #first: Uint32Array;
  readonly #isFirst: Uint8Array;

  /** @param table the only window of a state that was folded for the query */
  constructor(query: Query, shape: Shape, table: GroupTable) {
    const ordering = orderingMeasure(query);
    this.#shape = shape;
    this.#table = table;
    this.#values = ordering === null ? null : orderingValues(ordering, table);
    this.#first = firstGroups(query, table, query.limit);
    this.#isFirst = new Uint8Array(table.size);
    for (const group of this.#first) this.#isFirst[group] = 1;
  }

  get groups(): number {
    return this.#table.size;
  }

  /** Whether thresholds hold for it: no group's total is less than what this partition has of it. */
  get isAdditive(): boolean {
    return this.#values !== null && areAddends(this.#values);
  }

  /** The first groups, as pieces. */
  first(): Generator<Uint8Array<ArrayBuffer>, void> {
    return encodeGroups(this.#shape, this.#table, this.#first);
  }

  /** What is asked for, as pieces. */
  select(selection: GroupSelection): Generator<Uint8Array<ArrayBuffer>, void> {
    return encodeGroups(this.#shape, this.#table, this.#rowsOf(selection));
  }

  #rowsOf({ from, below, keys }: GroupSelection): Uint32Array {
    const table = this.#table;
    const candidates = keys === null ? null : findGroups(this.#shape.groupBy, table, keys);
    const count = candidates?.length ?? table.size;
    const rows = new Uint32Array(count);
    let selected = 0;
    for (let i = 0; i < count; i++) {
      const group = candidates === null ? i : (candidates[i] as number);
      const value = this.#values?.[group] ?? NaN;
      if (this.#isFirst[group] === 0 && value >= from && value < below) rows[selected++] = group;
    }
    return rows.subarray(0, selected);
  }

  /** Bytes that it takes in memory, about. */
  get bytes(): number {
    const { interners, keys, accumulators } = this.#table;
    let bytes = this.groups * ENGINE_LIMITS.groupOverheadBytes;
    for (let group = 0; group < this.groups; group++) {
      for (const accumulator of accumulators) bytes += accumulator.bytesOf(group);
    }
    interners.forEach((interner, k) => {
      const isCounted = new Uint8Array(interner.size);
      for (let group = 0; group < this.groups; group++) {
        const code = (keys[k] as Uint32Array)[group] as number;
        if (isCounted[code] === 0) bytes += textBytes(interner.valueOf(code));
        isCounted[code] = 1;
      }
    });
    return bytes;
  }
}

/** A string and its places in a list and a map. */
const textBytes = (value: Value): number => 64 + (typeof value === "string" ? 2 * value.length : 0);
