/** How far event time has come in a log: what its watermark is made of. */
import { type ColumnBatch, integerAt, MINUTE_MS, timeAt } from "#engine";

/** The greatest event time of a batch, none of them taken beyond its append time, or `known` if that is greater. */
export function greatestTimeOf(batch: ColumnBatch, known: number): number {
  if ((batch.minuteMax + 1) * MINUTE_MS <= known) return known;
  let greatest = known;
  for (let i = 0; i < batch.count; i++) {
    greatest = Math.max(greatest, Math.min(timeAt(batch, i), integerAt(batch.appendTimes, i)));
  }
  return greatest;
}
