/**
 * A `where` as the list of what must all hold, one test of one attribute (or one `or`, or one `not`) each, with a text
 * that is equal for equal tests. So it can be told whether a view's `where` is part of a query's, and what is then left.
 */
import { testsOf } from "./condition.ts";
import type { Condition, Tests, Where } from "./spec.ts";
import { attributesOf } from "./where.ts";

export interface Conjunct {
  readonly text: string;
  readonly where: Where;
}

/** What must all hold for `where` to hold. */
export function conjunctsOf(where: Where): Conjunct[] {
  return Object.entries(where).flatMap(([name, entry]): Conjunct[] => {
    if (entry === undefined) return [];
    if (name === "or") {
      const parts = (entry as readonly Where[]).map(textOf).sort();
      return [{ text: JSON.stringify(["or", parts]), where: { or: entry as readonly Where[] } }];
    }
    if (name === "not")
      return [{ text: JSON.stringify(["not", textOf(entry as Where)]), where: { not: entry as Where } }];
    return Object.entries(testsOf(entry as Condition) as Record<string, Tests[keyof Tests]>)
      .filter(([, operand]) => operand !== undefined)
      .map(([test, operand]) => ({
        text: JSON.stringify([name, test, Array.isArray(operand) ? canonicalList(operand) : operand]),
        where: { [name]: { [test]: operand } },
      }));
  });
}

/** The conjuncts of `where` that are not among `known`. */
export function conjunctsBeyond(where: Where, known: Where): Conjunct[] {
  const texts = new Set(conjunctsOf(known).map(({ text }) => text));
  return conjunctsOf(where).filter(({ text }) => !texts.has(text));
}

/** One `where` that holds where all of some conjuncts of one `where` hold. */
export function joinConjuncts(conjuncts: readonly Conjunct[]): Where {
  const joined: Record<string, Where[string]> = {};
  for (const { where } of conjuncts) {
    for (const [name, entry] of Object.entries(where)) {
      joined[name] = name === "or" || name === "not" ? entry : { ...(joined[name] as Tests), ...(entry as Tests) };
    }
  }
  return joined;
}

/** The attributes that conjuncts name. */
export const attributesOfConjuncts = (conjuncts: readonly Conjunct[]): Set<string> =>
  new Set(conjuncts.flatMap(({ where }) => [...attributesOf(where)]));

const textOf = (where: Where): string =>
  JSON.stringify(
    conjunctsOf(where)
      .map(({ text }) => text)
      .sort(),
  );

/** The members of `in` and `notIn`, in one order and each once. The type is part of a member's JSON. */
const canonicalList = (values: readonly unknown[]): string[] => [
  ...new Set(values.map((value) => JSON.stringify(value)).sort()),
];
