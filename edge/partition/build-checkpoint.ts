/**
 * The checkpoint of a build. To encode all windows that changed takes far longer than an append should have to wait; to write
 * the bytes down does not. So windows are encoded a few a step, while the build stands still, and the last step writes all of
 * them in one transaction, together with the offset that they cover. A crash in between costs what came after the checkpoint
 * before.
 */
import type { GroupTable } from "#engine";
import { type Generation, messageOf } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import type { EncodedWindow } from "./window-store.ts";

export class BuildCheckpoint {
  readonly #partition: Partition;
  readonly #generation: Generation;
  #changed: Iterator<GroupTable>;
  #encoded: EncodedWindow[] = [];
  /** Of the dictionaries with which they were encoded. */
  #dictionary: number;

  constructor(partition: Partition, generation: Generation) {
    this.#partition = partition;
    this.#generation = generation;
    this.#changed = generation.delta.windows.values();
    this.#dictionary = partition.windows.dictionaryGeneration;
  }

  /** @returns whether there is more to do */
  step(): boolean {
    // It may have been dropped since the step before, or have failed.
    if (this.#generation.phase !== "building") return false;
    this.#encodeAnewIfRenewed();
    try {
      if (this.#encodeSome()) return true;
    } catch (error) {
      this.#partition.views.fail(this.#generation, messageOf(error));
      return false;
    }
    this.#write();
    return false;
  }

  /** No row names older dictionaries on behalf of what is only encoded: they may be gone by the time that it is written. */
  #encodeAnewIfRenewed(): void {
    const { dictionaryGeneration } = this.#partition.windows;
    if (this.#dictionary === dictionaryGeneration) return;
    this.#dictionary = dictionaryGeneration;
    this.#encoded = [];
    this.#changed = this.#generation.delta.windows.values();
  }

  /** @returns whether there are more windows to encode */
  #encodeSome(): boolean {
    for (let groups = 0; groups < PARTITION_LIMITS.checkpointStepGroups;) {
      const { done, value } = this.#changed.next();
      if (done === true) return false;
      this.#encoded.push(this.#partition.windows.encode(this.#generation, value));
      groups += PARTITION_LIMITS.windowCostInGroups + value.size;
    }
    return true;
  }

  #write(): void {
    const { database, views, windows } = this.#partition;
    const generation = this.#generation;
    database.transaction(() => {
      for (const window of this.#encoded) windows.write(generation.id, window);
      views.storeMemory(generation);
      views.settle(generation, { next: generation.next });
    });
    generation.clearDelta();
  }
}
