/**
 * Long work in short slices, so that appends find their way in between.
 *
 * The clock stands still while code runs synchronously. So a slice cannot watch the time: it does a number of steps, and the
 * time that has passed by the end of the yield after it says whether the next one may do more. That time includes what others
 * did in between: the busier the object, the smaller the slices. Between two slices the work rests so long that it takes only
 * its share of the time.
 */
export interface Slices {
  /** One step of the work. @returns whether there is more to do */
  step(): boolean;
  /** Wall time that a slice should take. */
  readonly sliceMs: number;
  readonly stepsMax: number;
  /** Share of the time that the work may take, 0 < duty <= 1. */
  duty(): number;
  /** The work stops, and can be gone on with later, after this long. */
  readonly forMs: number;
  /** The work stops for good: what it works on is gone. */
  isStopped(): boolean;
}

/** @returns whether there is more to do */
export async function runSlices({ step, sliceMs, stepsMax, duty, forMs, isStopped }: Slices): Promise<boolean> {
  const startedAt = Date.now();
  let steps = 1;
  for (;;) {
    if (isStopped()) return false;
    const from = Date.now();
    for (let i = 0; i < steps; i++) if (!step()) return false;
    await scheduler.wait(0);
    if (isStopped()) return false;
    const took = Date.now() - from;
    if (took > sliceMs) steps = Math.max(1, Math.floor(steps / 2));
    else if (took <= sliceMs / 2) steps = Math.min(stepsMax, 2 * steps);
    if (from + took - startedAt >= forMs) return true;
    const restMs = took * (1 / duty() - 1);
    if (restMs >= 1) await scheduler.wait(restMs);
  }
}
