/**
 * How wide the windows of a stored view are: as its specification says, until they were rolled up to hours, and those to days.
 * A wide window holds whole narrow ones, so only a view whose windows divide it has any. Lacks the windows, and when it is time.
 */
import { addInterval, clip, type Intervals, meets, subtract, type TimeInterval } from "./intervals.ts";

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

/**
 * How long a window has been over and unchanged when it becomes part of one of an hour, or of a day, where a view says nothing of
 * it: minutes for what people still look into, hours for a quarter's comparisons.
 */
export const ROLLUP_DEFAULTS = { hourAfterMs: 7 * DAY_MS, dayAfterMs: 90 * DAY_MS } as const;

/** Which event times lie in windows that were rolled up: whole windows each, none of them in both. */
export interface WideWindows {
  readonly hours: Intervals;
  readonly days: Intervals;
}

export const NO_WIDE_WINDOWS: WideWindows = { hours: [], days: [] };

/** Whether windows of a view can be rolled up to windows of that width. */
export const canBeRolledUp = (windowMs: number, widthMs: number): boolean =>
  windowMs < widthMs && widthMs % windowMs === 0;

/** The window of a width that a time lies in: both are counted from the epoch. */
export function windowOfWidth(widthMs: number, time: number): TimeInterval {
  const from = Math.floor(time / widthMs) * widthMs;
  return { from, to: from + widthMs };
}

/** The wide window that a time lies in; null: there it is as wide as the specification says. */
export function wideWindowAt({ hours, days }: WideWindows, time: number): TimeInterval | null {
  if (meets(days, time, time + 1)) return windowOfWidth(DAY_MS, time);
  return meets(hours, time, time + 1) ? windowOfWidth(HOUR_MS, time) : null;
}

/** @param windows whole windows of `widthMs`, which were rolled up to it */
export function addWide({ hours, days }: WideWindows, windows: TimeInterval, widthMs: number): WideWindows {
  return widthMs === DAY_MS
    ? { hours: subtract(hours, [windows]), days: addInterval(days, windows) }
    : { hours: addInterval(hours, windows), days };
}

/** @param gone whole windows */
export const removeWide = ({ hours, days }: WideWindows, gone: Intervals): WideWindows => ({
  hours: subtract(hours, gone),
  days: subtract(days, gone),
});

/** A run of event times in wide windows that a range or its buckets cut. */
export interface CutWindows extends TimeInterval {
  readonly widthMs: number;
}

/** A range of time, and the width of its buckets; null: there are none. */
export interface Buckets extends TimeInterval {
  readonly everyMs: number | null;
}

/** Whether a window lies wholly within a range, and within one of its buckets. */
export const fitsBuckets = ({ from, to, everyMs }: Buckets, window: TimeInterval): boolean =>
  window.from >= from &&
  window.to <= to &&
  (everyMs === null || Math.floor(window.from / everyMs) === Math.floor((window.to - 1) / everyMs));

/** Those parts of a range of which wide windows do not say what they hold: windows across its ends, or across buckets. */
export function cutWindows({ hours, days }: WideWindows, buckets: Buckets): readonly CutWindows[] {
  return [...cutOf(hours, HOUR_MS, buckets), ...cutOf(days, DAY_MS, buckets)];
}

function cutOf(wide: Intervals, widthMs: number, buckets: Buckets): readonly CutWindows[] {
  const { from, to, everyMs } = buckets;
  const within = clip(wide, from, to);
  // Buckets are counted from the epoch too: either each of these windows lies in one of them, or hardly any does.
  const isCutByBuckets = everyMs !== null && everyMs % widthMs !== 0;
  if (isCutByBuckets) return within.map((interval) => ({ ...interval, widthMs }));
  let cut: Intervals = [];
  for (const end of [from, to]) {
    const window = windowOfWidth(widthMs, end);
    if (window.from === end || !meets(wide, end, end + 1)) continue;
    for (const part of clip([window], from, to)) cut = addInterval(cut, part);
  }
  return cut.map((interval) => ({ ...interval, widthMs }));
}
