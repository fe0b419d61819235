/**
 * Replay: builds generations from the log, beside those that answer. Each step folds one segment; at the end of the segments
 * the tail is folded in one turn, and the generation is live from there. A crash costs what came after the last checkpoint
 * of the build.
 *
 * Builds that stand at the same offset share the reading of a segment.
 */
import { assert } from "#protocol";
import type { ColumnBatch } from "#engine";
import { type Generation, messageOf } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { runSlices } from "./slices.ts";

export class Replay {
  readonly #partition: Partition;

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  get isDue(): boolean {
    return this.#partition.views.all.some(({ phase }) => phase === "building" || phase === "comparing");
  }

  due(now: number): number | null {
    return this.isDue ? now : null;
  }

  /** Works for a bounded time. */
  async run(): Promise<void> {
    await runSlices({
      step: () => this.step(Date.now()),
      sliceMs: PARTITION_LIMITS.sliceMs,
      stepsMax: PARTITION_LIMITS.sliceSegmentsMax,
      duty: () => this.#duty(),
      forMs: PARTITION_LIMITS.replayAlarmMs,
      isStopped: () => this.#partition.isClosed,
    });
  }

  /**
   * One step: a segment folded, a generation caught up, or a day compared.
   *
   * @returns whether there is more to do
   */
  step(now: number): boolean {
    const { views, comparisons } = this.#partition;
    const [first, ...others] = views.building;
    if (first !== undefined) {
      const next = others.reduce((least, generation) => Math.min(least, generation.next), first.next);
      this.#build(
        views.building.filter((generation) => generation.next === next),
        next,
        now,
      );
    } else {
      const comparing = views.all.find(({ phase }) => phase === "comparing");
      if (comparing !== undefined) comparisons.step(comparing);
    }
    return this.isDue;
  }

  /** Goes on with builds that all stand at `next`. */
  #build(generations: readonly Generation[], next: number, now: number): void {
    const { log, views } = this.#partition;
    assert(next >= log.start, "retention waits for replays, or lets them fail");
    if (next >= log.sealedEnd) {
      for (const generation of generations) this.#catchUp(generation, now);
      return;
    }
    let segment: ColumnBatch | undefined;
    try {
      segment = log.segments.at(next);
    } catch (error) {
      for (const generation of generations) views.fail(generation, messageOf(error));
      return;
    }
    assert(segment !== undefined, "a segment below the tail");
    for (const generation of generations) {
      views.fold(generation, segment);
      if (generation.phase === "building" && isCheckpointDue(generation)) this.#partition.checkpointBuild(generation);
    }
  }

  /** Folds the tail; what was folded is stored, and from this turn on the generation is folded with each append. */
  #catchUp(generation: Generation, now: number): void {
    const { database, log, views } = this.#partition;
    database.transaction(() => {
      for (const batch of log.tail) views.fold(generation, batch);
      if (generation.phase === "building") this.#partition.checkpointBuild(generation);
      if (generation.phase === "building") views.catchUp(generation, log.end, now);
    });
  }

  #duty(): number {
    const duties = this.#partition.views.all
      .filter(({ phase }) => phase === "building" || phase === "comparing")
      .map(({ config }) => config.maxDuty);
    return Math.min(1, ...duties);
  }
}

/** A build is stored now and then: so that a crash costs little, and so that its changed windows fit the memory. */
const isCheckpointDue = ({ record, next, delta }: Generation): boolean =>
  next - record.next >= PARTITION_LIMITS.replayCheckpointRecordsMax ||
  delta.groups >= PARTITION_LIMITS.changedGroupsMax ||
  delta.windows.size >= PARTITION_LIMITS.changedWindowsMax;
