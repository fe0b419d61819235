import { addInterval, type ColumnBatch, integerAt, type Intervals, MINUTE_MS } from "#engine";

/** The minutes in which a batch has records, as intervals. */
export function minutesOf(batch: ColumnBatch): Intervals {
  const minutes = new Set<number>();
  for (let i = 0; i < batch.count; i++) minutes.add(integerAt(batch.minutes, i));
  const sorted = Float64Array.from(minutes).sort();
  let intervals: Intervals = [];
  let from = sorted[0] as number;
  sorted.forEach((minute, i) => {
    if (sorted[i + 1] === minute + 1) return;
    intervals = addInterval(intervals, { from: from * MINUTE_MS, to: (minute + 1) * MINUTE_MS });
    from = sorted[i + 1] as number;
  });
  return intervals;
}
