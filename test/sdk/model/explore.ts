/** Breadth first through every state that a model can reach, so that what is found wrong is found by the shortest way. */
import { createHash } from "node:crypto";
import { inPeace, type Rules, START, steps, violation, type World } from "./model.ts";

export interface Explored {
  readonly states: number;
  /** What went wrong, and the steps that led there; null if nothing did. */
  readonly counterexample: { readonly wrong: string; readonly steps: readonly string[] } | null;
}

interface Visited {
  readonly world: World;
  readonly from: Visited | null;
  readonly step: string;
}

/** @param depth how many steps at most */
export function explore(rules: Rules, depth: number): Explored {
  const seen = new Set([keyOf(START)]);
  let frontier: Visited[] = [{ world: START, from: null, step: "start" }];
  for (let level = 0; level < depth; level++) {
    const next: Visited[] = [];
    for (const visited of frontier) {
      for (const [step, world] of steps(visited.world, rules)) {
        const key = keyOf(world);
        if (seen.has(key)) continue;
        seen.add(key);
        const reached = { world, from: visited, step };
        const wrong = violation(world) ?? unfinished(world, rules);
        if (wrong !== null) return { states: seen.size, counterexample: { wrong, steps: pathTo(reached) } };
        next.push(reached);
      }
    }
    frontier = next;
  }
  return { states: seen.size, counterexample: null };
}

/** 128 bits of what a state is: millions of them have to fit in memory. */
const keyOf = (world: World): string => createHash("md5").update(JSON.stringify(world)).digest("base64");

function unfinished(world: World, rules: Rules): string | null {
  const end = inPeace(world, rules);
  const wrong = violation(end);
  if (wrong !== null) return `in peace, ${wrong}`;
  const missing = Object.keys(end.durable).find((event) => end.counted[event] !== 1);
  return missing === undefined ? null : `${missing} does not arrive, even in peace`;
}

function pathTo(reached: Visited): readonly string[] {
  const path: string[] = [];
  for (let at: Visited | null = reached; at !== null; at = at.from) path.unshift(at.step);
  return path;
}
