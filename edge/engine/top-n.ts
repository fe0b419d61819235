/**
 * The first `n` of many candidates, without sorting them all: a heap of `n` whose root is the last of those kept, so that most
 * candidates are turned away by one comparison. Exact, and deterministic if the order is total.
 */

/**
 * The first `n` of the candidates 0 … count-1, in order.
 *
 * @param compare a total order; negative if `a` comes first
 */
export function topN(count: number, n: number, compare: (a: number, b: number) => number): Uint32Array {
  const heap = Uint32Array.from({ length: Math.min(n, count) }, (_, candidate) => candidate);
  if (n < count && n > 0) {
    for (let at = (heap.length >> 1) - 1; at >= 0; at--) siftDown(heap, at, compare);
    for (let candidate = n; candidate < count; candidate++) {
      if (compare(candidate, heap[0] as number) >= 0) continue;
      heap[0] = candidate;
      siftDown(heap, 0, compare);
    }
  }
  return heap.sort(compare);
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
