/**
 * Replay: builds generations from the log, beside those that answer. Each step folds one segment, or does a part of a
 * checkpoint; once all segments are folded and stored, the tail is folded in one turn, and the generation is live from there.
 * A crash costs what came after the last checkpoint of the build.
 *
 * Builds that stand at the same offset share the reading of a segment. What the log has no more is read from the archive, a pack
 * at a time, which is fetched between slices while the pack before it is folded.
 */
import { assert } from "#protocol";
import type { ColumnBatch } from "#engine";
import { BuildCheckpoint } from "./build-checkpoint.ts";
import { ArchiveReading } from "./archive-reading.ts";
import { type Generation, messageOf } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { endOf } from "./segment-zones.ts";
import { isAppendedTo, runSlices, sliceSize } from "./slices.ts";

export class Replay {
  readonly #partition: Partition;
  /** Under way: until it is written, builds stand still. */
  #checkpoint: BuildCheckpoint | null = null;
  readonly #archive: ArchiveReading;

  constructor(partition: Partition) {
    this.#partition = partition;
    this.#archive = new ArchiveReading(partition.history);
  }

  due(now: number): number | null {
    if (this.#partition.views.comparing.length > 0) return now;
    return this.#atWork.length > 0 ? Math.max(now, this.#archive.retryAt) : null;
  }

  /** Builds that do not stand still. */
  get #atWork(): readonly Generation[] {
    return this.#partition.views.building.filter(({ config }) => config.paused !== true);
  }

  /** Works for a bounded time: first on builds, then on what has caught up and is to be compared. */
  async run(): Promise<void> {
    const slices = {
      size: () => sliceSize(this.#partition.lastAppendTime),
      forMs: PARTITION_LIMITS.replayAlarmMs,
      isStopped: () => this.#partition.isClosed,
    };
    const { views } = this.#partition;
    // Each kind of work in slices of its own: a step of one says nothing about how long a step of the other takes.
    await runSlices({
      ...slices,
      step: () => this.buildStep(Date.now()),
      refill: () => this.#fetch(),
      duty: () => this.#dutyOf(this.#atWork),
    });
    // A checkpoint under way goes on with the next alarm, however little work that has time for: nothing else touches the
    // stored windows of a generation that is being built.
    await runSlices({ ...slices, step: () => this.#compareStep(), duty: () => this.#dutyOf(views.comparing) });
  }

  /** Fetches what the builds need next of the archive. @returns whether that was all that they lacked */
  async #fetch(): Promise<boolean> {
    const { next, behind } = this.#lastOnes();
    const fetched = await this.#archive.fetch(next, Date.now());
    if (fetched.kind === "failed") {
      for (const generation of behind) {
        if (generation.phase === "building") this.#partition.views.fail(generation, fetched.detail);
      }
    }
    return fetched.kind === "fetched" && !this.#partition.isClosed;
  }

  /** The builds that have come least far, and how far that is. */
  #lastOnes(): { readonly next: number; readonly behind: readonly Generation[] } {
    const building = this.#atWork;
    const next = Math.min(...building.map((generation) => generation.next));
    return { next, behind: building.filter((generation) => generation.next === next) };
  }

  /** The least share that one of them may take, and no more than appends leave while there are any. */
  #dutyOf(generations: readonly Generation[]): number {
    return Math.min(
      isAppendedTo(this.#partition.lastAppendTime) ? PARTITION_LIMITS.dutyBesideAppends : 1,
      ...generations.map(({ config }) => config.maxDuty),
    );
  }

  /** Folds a segment, does a part of a checkpoint, or lets generations catch up. @returns whether there is more to do now */
  buildStep(now: number): boolean {
    if (this.#checkpoint?.step() === true) return true;
    this.#checkpoint = null;
    const { next, behind } = this.#lastOnes();
    return behind.length > 0 && this.#build(behind, next, now) && this.#atWork.length > 0;
  }

  #compareStep(): boolean {
    const { views, comparisons } = this.#partition;
    const [generation] = views.comparing;
    if (generation === undefined) return false;
    try {
      comparisons.step(generation);
    } catch (error) {
      // A stored window that cannot be read stops this comparison, not the partition.
      views.fail(generation, messageOf(error));
    }
    return views.comparing.length > 0;
  }

  /** Goes on with builds that all stand at `next`. @returns whether it could: what they need may have to be fetched */
  #build(generations: readonly Generation[], next: number, now: number): boolean {
    const { log, views, history } = this.#partition;
    // Records that were gone when the build began, between the archive and the log: their windows are left out. Those that it
    // needs do not go: retention waits for it, archives them, or lets it fail.
    const zone = history.packAfter(next);
    const readable = zone?.baseOffset ?? log.start;
    if (readable > next) {
      for (const generation of generations) generation.next = readable;
      return true;
    }
    const isAtTail = next >= log.sealedEnd;
    const due = generations.find((generation) =>
      isAtTail ? isUnstored(generation) : this.#isCheckpointDue(generation),
    );
    if (due !== undefined) {
      this.#checkpoint = new BuildCheckpoint(this.#partition, due);
      return true;
    }
    if (isAtTail) {
      for (const generation of generations) this.#catchUp(generation, now);
      return true;
    }
    if (zone !== undefined && generations.every((generation) => generation.leavesOut(zone))) {
      // What is replayed begins later: no pack has to be fetched for nothing.
      for (const generation of generations) generation.next = endOf(zone);
      return true;
    }
    if (zone !== undefined && this.#archive.mustFetch(zone)) return false;
    let segment: ColumnBatch;
    try {
      segment = zone === undefined ? this.#segmentAt(next) : this.#archive.next(next);
    } catch (error) {
      for (const generation of generations) views.fail(generation, messageOf(error));
      return true;
    }
    for (const generation of generations) {
      generation.numberLike(this.#partition.dictionaries.current);
      views.fold(generation, segment);
    }
    return true;
  }

  #segmentAt(next: number): ColumnBatch {
    const { log } = this.#partition;
    const segment = log.segments.within(next, log.sealedEnd, -Infinity, Infinity);
    assert(segment !== undefined, "a segment below the tail");
    return segment;
  }

  /** A build is stored now and then: so that a crash costs little, and so that its changed windows fit the memory and a turn. */
  #isCheckpointDue({ record, next, delta }: Generation): boolean {
    const { records, groups, windows } = isAppendedTo(this.#partition.lastAppendTime)
      ? PARTITION_LIMITS.buildCheckpointBesideAppends
      : PARTITION_LIMITS.buildCheckpoint;
    const folded = next - record.next;
    if (folded < PARTITION_LIMITS.buildCheckpointRecordsMin)
      return delta.windows.size >= PARTITION_LIMITS.changedWindowsMax;
    return folded >= records || delta.groups >= groups || delta.windows.size >= windows;
  }

  /**
   * Folds the tail. From this turn on the generation is folded with each append, and what it holds beyond its own checkpoint is
   * covered by the partition's, as that of all live generations is.
   */
  #catchUp(generation: Generation, now: number): void {
    const { database, log, views } = this.#partition;
    assert(generation.record.next >= this.#partition.checkpointEnd, "what is sealed is stored");
    database.transaction(() => {
      for (const batch of log.tail) views.fold(generation, batch);
      if (generation.phase === "building") views.catchUp(generation, log.end, now);
    });
  }
}

const isUnstored = ({ record, next }: Generation): boolean => next > record.next;
