/**
 * Retention: whole segments go from the front of the log when they are older than the stream wants, or more than it wants.
 * Never past a checkpoint: what views hold must outlive the log. A replay that still needs a segment is waited for, up to a
 * bound; then the replay fails, and says why.
 */
import type { Intervals } from "#engine";
import { PARTITION_LIMITS } from "./limits.ts";
import type { SegmentInfo } from "./segments.ts";
import type { Partition } from "./partition.ts";
import { runSlices } from "./slices.ts";

export class Retention {
  readonly #partition: Partition;

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  /** When there will be something to do, in milliseconds since the epoch; null: never, as things are. */
  due(now: number): number | null {
    const { log, config } = this.#partition;
    const [first] = log.segments.oldest(1);
    const tailOldest = log.tailOldestAppendTime;
    const times: number[] = [];
    if (tailOldest !== null) times.push(tailOldest + this.#tailAgeMaxMs);
    if (first !== undefined) {
      const expiry = log.segments.bytes > config.retentionBytes ? now : first.appendMax + config.retentionMs + 1;
      times.push(Math.max(expiry, this.#waitsUntil(endOf(first)) ?? 0));
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
      const waitsUntil = this.#waitsUntil(endOf(segment));
      if (waitsUntil !== null && now < waitsUntil) break;
      excessBytes -= segment.bytes;
      expired.push(segment);
    }
    const last = expired.at(-1);
    if (last === undefined) return false;
    this.#failBuildsBefore(endOf(last));
    this.#trim(expired, now);
    return true;
  }

  /** Trims the records below `before`, as far as no replay needs them: one turn. @returns whether there is more to do */
  trimBefore(before: number, now: number): boolean {
    const { log, views } = this.#partition;
    if (before > log.sealedEnd) this.#partition.checkpoint(now);
    const limit = Math.min(before, views.neededFrom(log.end));
    const segments = log.segments.oldest(PARTITION_LIMITS.trimSegmentsMax).filter((segment) => endOf(segment) <= limit);
    this.#trim(segments, now);
    if (segments.length === PARTITION_LIMITS.trimSegmentsMax) return true;
    // Retention takes whole segments; who names an offset means that offset.
    if (limit > log.start) this.#take(limit, now, () => log.trimWithin(limit));
    return false;
  }

  #trim(segments: readonly SegmentInfo[], now: number): void {
    const last = segments.at(-1);
    if (last === undefined) return;
    const { log } = this.#partition;
    this.#take(endOf(last), now, () => segments.flatMap((): Intervals => log.trimFirst()));
  }

  /** Takes records below `end` away, which views have to hold by then, and notes their event times. */
  #take(end: number, now: number, take: () => Intervals): void {
    if (end > this.#partition.checkpointEnd) this.#partition.checkpoint(now);
    const { database, trimmed } = this.#partition;
    database.transaction(() => trimmed.add(take()));
  }

  /** Until when a segment that ends at `end` is kept for a replay; null if none needs it. */
  #waitsUntil(end: number): number | null {
    const waiting = this.#partition.views.building.filter(({ record }) => record.next < end);
    if (waiting.length === 0) return null;
    return Math.max(...waiting.map(({ record }) => record.startedAt + PARTITION_LIMITS.replayGraceMs));
  }

  #failBuildsBefore(offset: number): void {
    const { views } = this.#partition;
    for (const generation of views.building) {
      if (generation.record.next < offset) views.fail(generation, "the log's retention overtook the replay");
    }
  }

  get #tailAgeMaxMs(): number {
    const share = this.#partition.config.retentionMs * PARTITION_LIMITS.tailAgeShare;
    return Math.max(share, PARTITION_LIMITS.tailAgeMinMs);
  }
}

const endOf = ({ baseOffset, count }: SegmentInfo): number => baseOffset + count;
