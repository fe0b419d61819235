/**
 * Lists of intervals [from, to): sorted, disjoint, not touching. What was trimmed, what is missing, what was carried over.
 */
export interface TimeInterval {
  readonly from: number;
  readonly to: number;
}

export type Intervals = readonly TimeInterval[];

/** The union of a list and one more interval. */
export function addInterval(intervals: Intervals, added: TimeInterval): Intervals {
  if (added.from >= added.to) return intervals;
  const before = intervals.filter((interval) => interval.to < added.from);
  const after = intervals.filter((interval) => interval.from > added.to);
  const touching = intervals.slice(before.length, intervals.length - after.length);
  const from = Math.min(added.from, touching[0]?.from ?? added.from);
  const to = Math.max(added.to, touching.at(-1)?.to ?? added.to);
  return [...before, { from, to }, ...after];
}

/**
 * A list of at most `max` intervals that covers the given one: the smallest holes are closed. Errs towards saying that more
 * is missing than is.
 */
export function coarsen(intervals: Intervals, max: number): Intervals {
  let result = [...intervals];
  while (result.length > max) {
    let narrowest = 1;
    const hole = (i: number) => (result[i] as TimeInterval).from - (result[i - 1] as TimeInterval).to;
    for (let i = 2; i < result.length; i++) if (hole(i) < hole(narrowest)) narrowest = i;
    const joined = { from: (result[narrowest - 1] as TimeInterval).from, to: (result[narrowest] as TimeInterval).to };
    result = [...result.slice(0, narrowest - 1), joined, ...result.slice(narrowest + 1)];
  }
  return result;
}

/** The parts of a list that lie in [from, to). */
export function clip(intervals: Intervals, from: number, to: number): Intervals {
  const clipped: TimeInterval[] = [];
  for (const interval of intervals) {
    const part = { from: Math.max(interval.from, from), to: Math.min(interval.to, to) };
    if (part.from < part.to) clipped.push(part);
  }
  return clipped;
}

/** Whether any interval meets [from, to). */
export const meets = (intervals: Intervals, from: number, to: number): boolean =>
  from < to && intervals.some((interval) => interval.from < to && interval.to > from);

/** The intervals widened to whole windows: every window that any of them meets. */
export function toWindows(intervals: Intervals, windowMs: number): Intervals {
  let widened: Intervals = [];
  for (const { from, to } of intervals) {
    widened = addInterval(widened, {
      from: Math.floor(from / windowMs) * windowMs,
      to: Math.ceil(to / windowMs) * windowMs,
    });
  }
  return widened;
}

/** What is in `intervals` and in none of `removed`. */
export function subtract(intervals: Intervals, removed: Intervals): Intervals {
  let rest = intervals;
  for (const hole of removed) {
    rest = rest.flatMap((interval) => [
      ...clip([interval], -Infinity, hole.from),
      ...clip([interval], hole.to, Infinity),
    ]);
  }
  return rest;
}
