/**
 * Brings the storing of producers to an end when no commits come that would: an object that sleeps between its clicks
 * would begin anew at each waking, and never come to drop what admission decided.
 */
import type { Task } from "./alarms.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { runSlices } from "./slices.ts";

export class ProducerStoring implements Task {
  readonly #partition: Partition;

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  due(now: number): number | null {
    return this.#partition.isStoringProducers ? now : null;
  }

  async run(): Promise<void> {
    await runSlices({
      step: () => this.#partition.storeProducers(Date.now()),
      size: () => PARTITION_LIMITS.sliceBesideAppends,
      duty: () => 0.5,
      forMs: PARTITION_LIMITS.retentionAlarmMs,
      isStopped: () => this.#partition.isClosed,
    });
  }
}
