/**
 * Whether two tables hold the same: the same groups with the same content, in whatever order. Exactly: a table that holds the
 * same as another can stand for it in any merge. So sums are compared as they are, not as they are rounded for an answer.
 */
import type { DigestSink } from "./accumulator.ts";
import { ExactSums } from "./exact-sum.ts";
import { findCounterparts } from "./find-counterparts.ts";
import type { AnyAccumulator, GroupTable } from "./group-table.ts";
import type { Shape } from "./plan.ts";

/** Whether tables of two shapes can hold the same. The names of measures are no part of it. */
export const isSameShape = (a: Shape, b: Shape): boolean =>
  JSON.stringify([a.groupBy, a.accumulators]) === JSON.stringify([b.groupBy, b.accumulators]);

/** Whether two tables of the same shape hold the same. */
export function holdsTheSame(a: GroupTable, b: GroupTable): boolean {
  if (a.size !== b.size || a.start !== b.start) return false;
  // As many groups here as there, and each of them there: none is there only.
  const counterparts = findCounterparts(a, b);
  for (let group = 0; group < b.size; group++) {
    const counterpart = counterparts[group] as number;
    if (counterpart < 0 || a.records[counterpart] !== b.records[group]) return false;
  }
  return b.accumulators.every((accumulator, i) => {
    const other = a.accumulators[i] as AnyAccumulator;
    for (let group = 0; group < b.size; group++) {
      if (!isSameContent(accumulator, group, other, counterparts[group] as number)) return false;
    }
    return true;
  });
}

function isSameContent(a: AnyAccumulator, group: number, b: AnyAccumulator, counterpart: number): boolean {
  if (a instanceof ExactSums) return b instanceof ExactSums && a.isSameSum(group, b, counterpart);
  const [words, others] = [new Words(), new Words()];
  a.digest(group, words);
  b.digest(counterpart, others);
  return words.list.length === others.list.length && words.list.every((word, i) => word === others.list[i]);
}

/** What an accumulator gives to a digest, all of it. */
class Words implements DigestSink {
  readonly list: number[] = [];

  number(value: number): void {
    this.list.push(value);
  }

  words(low: number, high: number): void {
    this.list.push(low, high);
  }
}
