/**
 * What the log no longer has: the event times, on whole minutes, of records that were trimmed. A question about them cannot
 * be answered from the log, and a window that meets them cannot be computed again.
 */
import { addInterval, clip, coarsen, type Intervals } from "#engine";
import type { FactStore } from "./facts.ts";
import { PARTITION_LIMITS } from "./limits.ts";

export class Trimmed {
  readonly #facts: FactStore;
  #intervals: Intervals;

  constructor(facts: FactStore) {
    this.#facts = facts;
    this.#intervals = facts.get("trimmed") ?? [];
  }

  get intervals(): Intervals {
    return this.#intervals;
  }

  /** The parts of [from, to) that are no longer whole. */
  within(from: number, to: number): Intervals {
    return clip(this.#intervals, from, to);
  }

  /** Notes what goes. To be called in the transaction in which it goes. */
  add(added: Intervals): void {
    if (added.length === 0) return;
    const union = added.reduce(addInterval, this.#intervals);
    this.#intervals = coarsen(union, PARTITION_LIMITS.trimmedIntervalsMax);
    this.#facts.put("trimmed", this.#intervals);
  }
}
