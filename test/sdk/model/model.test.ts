/** Leadership and sequences, in every order of what can happen to two tabs, a disk, a network and an edge. */
import { expect, test } from "vitest";
import { explore } from "./explore.ts";
import { REAL_RULES } from "./model.ts";

const { bounds } = REAL_RULES;
const none = { powerCuts: 0, copies: 0, crashes: 0, tails: 0 };

// The more may happen, the less far down everything can be tried: each world of few things is tried to its end.
test.each([
  ["some of everything", bounds, 7],
  ["two leaders, and answers that are lost", { ...bounds, ...none, events: 2 }, 12],
  ["tails and crashes", { ...bounds, ...none, events: 2, terms: 1, requests: 1, tails: 1, crashes: 1 }, 12],
  ["a copied profile", { ...bounds, ...none, events: 2, terms: 2, copies: 1 }, 12],
  ["a power cut", { ...bounds, ...none, events: 2, terms: 2, powerCuts: 1 }, 12],
])("nothing is counted twice, lost or stuck, in whatever order: %s", (_, within, depth) => {
  const { states, counterexample } = explore({ ...REAL_RULES, bounds: within }, depth);
  console.log(`${states} states`);
  expect(states).toBeGreaterThan(1_000);
  expect(counterexample).toBeNull();
});

test.each([
  ["commits are not named", { ...REAL_RULES, nameCommits: false }],
  ["a byte leaves before the disk knows", { ...REAL_RULES, strictBeforeSending: false }],
])("finds what goes wrong where %s", (_, rules) => {
  const { counterexample } = explore(rules, 7);
  console.log(counterexample?.wrong, counterexample?.steps.join(" · "));
  expect(counterexample).not.toBeNull();
});
