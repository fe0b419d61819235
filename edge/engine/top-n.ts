/**
 * The first `n` of many candidates, without sorting them all: a heap of `n` whose root is the last of those kept, so that most
 * candidates are turned away by one comparison. Exact, and deterministic if the order is total.
 */
import type { CodeArray } from "./column-batch.ts";

/** What most candidates can be told apart by: a number for each. */
export interface Ranking {
  /** By candidate. None is NaN; there may be more numbers than candidates. */
  readonly values: CodeArray | Float64Array;
  /** -1: the greatest comes first. */
  readonly sign: 1 | -1;
}

export function compareRanks({ values, sign }: Ranking, a: number, b: number): number {
  const x = values[a] as number;
  const y = values[b] as number;
  return x < y ? -sign : x > y ? sign : 0;
}

/**
 * The first `n` of the candidates 0 … count-1, in order.
 *
 * @param compare a total order; negative if `a` comes first
 * @param ranking what the order goes by first: candidates whose number alone turns them away are not compared
 */
export function topN(
  count: number,
  n: number,
  compare: (a: number, b: number) => number,
  ranking: Ranking | null = null,
): Uint32Array {
  const heap = Uint32Array.from({ length: Math.min(n, count) }, (_, candidate) => candidate);
  if (n < count && n > 0) {
    for (let at = (heap.length >> 1) - 1; at >= 0; at--) siftDown(heap, at, compare);
    for (let candidate = n; candidate < count; candidate++) {
      if (ranking !== null) candidate = nextRanked(ranking, heap[0] as number, candidate, count);
      if (candidate === count || compare(candidate, heap[0] as number) >= 0) continue;
      heap[0] = candidate;
      siftDown(heap, 0, compare);
    }
  }
  return heap.sort(compare);
}

/** The next candidate from `from` on that is ranked no later than `last`, or `count`. */
function nextRanked({ values, sign }: Ranking, last: number, from: number, count: number): number {
  const bound = values[last] as number;
  let candidate = from;
  if (sign > 0) while (candidate < count && (values[candidate] as number) > bound) candidate++;
  else while (candidate < count && (values[candidate] as number) < bound) candidate++;
  return candidate;
}

/** Restores the heap below `at`: no candidate comes after its parent. */
function siftDown(heap: Uint32Array, at: number, compare: (a: number, b: number) => number): void {
  const candidate = heap[at] as number;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && compare(heap[child + 1] as number, heap[child] as number) > 0) child++;
    if (compare(heap[child] as number, candidate) <= 0) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = candidate;
}
