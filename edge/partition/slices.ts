/**
 * Long work in short slices, so that appends find their way in between.
 *
 * The clock stands still while code runs synchronously. So a slice cannot watch the time: it does a number of steps, and the
 * time that has passed by the end of the yield after it says whether the next one may do more. That time includes what others
 * did in between: the busier the object, the smaller the slices. Between two slices the work rests so long that it takes only
 * its share of the time.
 */
import { PARTITION_LIMITS } from "./limits.ts";

export interface Slices {
  /** One step of the work. @returns whether there is more to do */
  step(): boolean;
  /** What to wait for when there is no more to do. @returns whether there is then. Absent: the work is done */
  refill?(): Promise<boolean>;
  /** How much a slice may do; asked before each of them. */
  size(): SliceSize;
  /** Share of the time that the work may take, 0 < duty <= 1. */
  duty(): number;
  /** The work stops, and can be gone on with later, after this long. */
  readonly forMs: number;
  /** The work stops for good: what it works on is gone. */
  isStopped(): boolean;
}

export interface SliceSize {
  /** Wall time that it should take. */
  readonly ms: number;
  readonly stepsMax: number;
}

/** While records are appended, what an append may find in its way; otherwise what one that comes unexpected may. */
export const sliceSize = (lastAppendTime: number): SliceSize =>
  isAppendedTo(lastAppendTime) ? PARTITION_LIMITS.sliceBesideAppends : PARTITION_LIMITS.slice;

/** Whether records are appended just now. */
export const isAppendedTo = (lastAppendTime: number): boolean =>
  Date.now() - lastAppendTime < PARTITION_LIMITS.appendedToMs;

/** What time it is, in milliseconds, and waiting for it to pass. */
export interface Clock {
  now(): number;
  wait(ms: number): Promise<void>;
}

const PLATFORM_CLOCK: Clock = { now: () => Date.now(), wait: (ms) => scheduler.wait(ms) };

/** @returns whether there is more to do */
export async function runSlices(
  { step, refill, size, duty, forMs, isStopped }: Slices,
  clock: Clock = PLATFORM_CLOCK,
): Promise<boolean> {
  const startedAt = clock.now();
  let steps = 1;
  /** Rest that is still owed: a slice may take less than the clock can tell, and a rest more than was asked for. */
  let owedMs = 0;
  for (;;) {
    if (isStopped()) return false;
    const from = clock.now();
    const { ms, stepsMax } = size();
    steps = Math.min(steps, stepsMax);
    let hasMore = true;
    for (let i = 0; i < steps && hasMore; i++) hasMore = step();
    if (!hasMore && refill === undefined) return false;
    await clock.wait(0);
    if (isStopped()) return false;
    const took = clock.now() - from;
    if (took > ms) steps = Math.max(1, Math.floor(steps / 2));
    else if (took <= ms / 2) steps = Math.min(stepsMax, 2 * steps);
    if (from + took - startedAt >= forMs) return true;
    owedMs += took * (1 / duty() - 1);
    // Waiting for more is no work.
    if (!hasMore && (await refill?.()) !== true) return false;
    if (owedMs < 1) continue;
    const restedFrom = clock.now();
    await clock.wait(owedMs);
    owedMs -= clock.now() - restedFrom;
  }
}
