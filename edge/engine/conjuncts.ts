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
export const conjunctsOf = (where: Where): Conjunct[] =>
  partsOf(where).map(({ form, where }) => ({ text: JSON.stringify(form), where }));

/**
 * A test in a form that is equal for equal tests. Nested arrays, turned into text only as a whole: text within text would
 * double its escapes with every level.
 */
type Form = readonly unknown[];

interface Part {
  readonly form: Form;
  readonly where: Where;
}

function partsOf(where: Where): Part[] {
  return Object.entries(where).flatMap(([name, entry]): Part[] => {
    if (entry === undefined) return [];
    if (name === "or") {
      const or = entry as readonly Where[];
      return [{ form: ["or", sorted(or.map(formOf))], where: { or } }];
    }
    if (name === "not") return [{ form: ["not", formOf(entry as Where)], where: { not: entry as Where } }];
    return Object.entries(testsOf(entry as Condition) as Record<string, Tests[keyof Tests]>)
      .filter(([, operand]) => operand !== undefined)
      .map(([test, operand]) => ({
        form: [name, test, Array.isArray(operand) ? sorted(operand) : operand],
        where: { [name]: { [test]: operand } },
      }));
  });
}

const formOf = (where: Where): Form => sorted(partsOf(where).map(({ form }) => form));

/** In one order, each once. The type of a value is part of its JSON. */
function sorted(values: readonly unknown[]): unknown[] {
  const byText = new Map(values.map((value) => [JSON.stringify(value), value]));
  return [...byText.keys()].sort().map((text) => byText.get(text));
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
