/**
 * Retention: whole segments go from the front of the log when they are older than the stream wants, or more than it wants.
 * Never past a checkpoint: what views hold must outlive the log. A replay that still needs a segment is waited for, up to a
 * bound; then the replay fails, and says why.
 *
 * What is archived can still be read: no replay needs it here, and it does not count as trimmed. Where the log is to be archived,
 * nothing goes before it is.
 */
import type { Intervals } from "#engine";
import { PARTITION_LIMITS } from "./limits.ts";
import type { SegmentInfo } from "./segments.ts";
import type { Partition } from "./partition.ts";
import { endOf } from "./segment-zones.ts";
import { runSlices } from "./slices.ts";

/** When the oldest segment has to go, in milliseconds since the epoch. */
export function expiryOf({ log, config }: Partition, oldest: SegmentInfo, now: number): number {
  return log.segments.bytes > config.retentionBytes ? now : oldest.appendMax + config.retentionMs + 1;
}

export class Retention {
  readonly #partition: Partition;

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  /** When there will be something to do, in milliseconds since the epoch; null: never, as things are. */
  due(now: number): number | null {
    const { log } = this.#partition;
    const [first] = log.segments.oldest(1);
    const tailOldest = log.tailOldestAppendTime;
    const times: number[] = [];
    if (tailOldest !== null) times.push(tailOldest + this.#tailAgeMaxMs);
    if (first !== undefined) {
      const waitsUntil = this.#waitsUntil(endOf(first));
      if (waitsUntil !== Infinity) times.push(Math.max(expiryOf(this.#partition, first, now), waitsUntil));
    }
    return times.length === 0 ? null : Math.min(...times);
  }

  async run(): Promise<void> {
    await runSlices({
      step: () => this.turn(Date.now()),
      size: () => PARTITION_LIMITS.sliceOfOneStep,
      duty: () => 0.5,
      forMs: PARTITION_LIMITS.retentionAlarmMs,
      isStopped: () => this.#partition.isClosed,
    });
  }

  /** One turn of work. @returns whether there is more to do now */
  turn(now: number): boolean {
    const { log, config } = this.#partition;
    const tailOldest = log.tailOldestAppendTime;
    if (tailOldest !== null && now - tailOldest >= this.#tailAgeMaxMs) this.#partition.checkpoint(now);
    let excessBytes = log.segments.bytes - config.retentionBytes;
    const expired: SegmentInfo[] = [];
    for (const segment of log.segments.oldest(PARTITION_LIMITS.trimSegmentsMax)) {
      if (excessBytes <= 0 && segment.appendMax + config.retentionMs >= now) break;
      if (now < this.#waitsUntil(endOf(segment))) break;
      excessBytes -= segment.bytes;
      expired.push(segment);
    }
    const last = expired.at(-1);
    if (last === undefined) return false;
    if (!this.#isArchived(endOf(last))) {
      this.#partition.views.failBuildsBefore(endOf(last), "the log's retention overtook the replay");
    }
    this.#trim(expired, now);
    return true;
  }

  /** Trims the records below `before`, as far as nothing needs them: one turn. @returns whether there is more to do */
  trimBefore(before: number, now: number): boolean {
    const { log, views, packs, config } = this.#partition;
    if (before > log.sealedEnd) this.#partition.checkpoint(now);
    const unarchived = config.archive === true ? 0 : views.neededFrom(log.end);
    const limit = Math.min(before, Math.max(packs.end, unarchived));
    const segments = log.segments.oldest(PARTITION_LIMITS.trimSegmentsMax).filter((segment) => endOf(segment) <= limit);
    this.#trim(segments, now);
    if (segments.length === PARTITION_LIMITS.trimSegmentsMax) return true;
    // Retention takes whole segments; who names an offset means that offset.
    if (limit > log.start) {
      this.#take(limit, now, () => {
        const gone = log.trimWithin(limit);
        return this.#isArchived(limit) ? [] : gone;
      });
    }
    return false;
  }

  #trim(segments: readonly SegmentInfo[], now: number): void {
    const last = segments.at(-1);
    if (last === undefined) return;
    const { log } = this.#partition;
    this.#take(endOf(last), now, () =>
      segments.flatMap((segment): Intervals => {
        const gone = log.trimFirst();
        return this.#isArchived(endOf(segment)) ? [] : gone;
      }),
    );
  }

  /** Takes records below `end` away, which views have to hold by then, and notes their event times. */
  #take(end: number, now: number, take: () => Intervals): void {
    if (end > this.#partition.checkpointEnd) this.#partition.checkpoint(now);
    const { database, trimmed } = this.#partition;
    database.transaction(() => trimmed.add(take()));
  }

  /** Until when a segment that ends at `end` is kept: for a replay, or, without end, for the archive. */
  #waitsUntil(end: number): number {
    if (this.#isArchived(end)) return -Infinity;
    if (this.#partition.config.archive === true) return Infinity;
    return this.#partition.views.waitedForUntil(end);
  }

  /** Whether all that the log has below `end` is archived too. */
  #isArchived(end: number): boolean {
    return end <= this.#partition.packs.end;
  }

  get #tailAgeMaxMs(): number {
    const share = this.#partition.config.retentionMs * PARTITION_LIMITS.tailAgeShare;
    return Math.max(share, PARTITION_LIMITS.tailAgeMinMs);
  }
}
