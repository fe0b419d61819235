/** Which span of time is asked about, and how finely. Pure: the edge, not this page, decides what time it is now. */

export type LiveRange = "15m" | "1h" | "24h";

export type Range =
  | { readonly kind: "live"; readonly last: LiveRange }
  /** Milliseconds since the epoch, from <= time < to. */
  | { readonly kind: "dates"; readonly from: number; readonly to: number };

/** Milliseconds of each live range, and what to call it. */
export const LIVE_RANGES: Readonly<Record<LiveRange, { readonly ms: number; readonly name: string }>> = {
  "15m": { ms: 900_000, name: "in the last 15 minutes" },
  "1h": { ms: 3_600_000, name: "in the last hour" },
  "24h": { ms: 86_400_000, name: "in the last 24 hours" },
};

export const isLiveRange = (text: string | null): text is LiveRange =>
  text !== null && Object.hasOwn(LIVE_RANGES, text);

/** More bars than this are thinner than the gaps between them. */
const BUCKETS_MAX = 180;

/** Widths that divide a day, then whole days: what a person reads on an axis. */
const WIDTHS_MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440, 2_880, 7_200, 14_400, 43_200];

const MINUTE_MS = 60_000;

/** Minutes a bucket: the finest width that still draws as bars. */
export function bucketMinutes(range: Range): number {
  const spanMs = range.kind === "live" ? LIVE_RANGES[range.last].ms : range.to - range.from;
  const fine = WIDTHS_MINUTES.find((minutes) => spanMs / (minutes * MINUTE_MS) <= BUCKETS_MAX);
  return fine ?? Math.ceil(spanMs / MINUTE_MS / BUCKETS_MAX / 1_440) * 1_440;
}

/** "minute", "10 minutes", "hour" … */
export function bucketName(minutes: number): string {
  const units: readonly (readonly [number, string])[] = [
    [1_440, "day"],
    [60, "hour"],
    [1, "minute"],
  ];
  const [size, name] = units.find(([size]) => minutes % size === 0) ?? [1, "minute"];
  const count = minutes / size;
  return count === 1 ? name : `${count} ${name}s`;
}

/** The range as a query takes it. */
export const asQuery = (range: Range) =>
  range.kind === "live" ? { last: range.last } : { from: range.from, to: range.to };

/** Where a click on one bar leads: the bar, but no less than this, for a minute alone is one bar again. */
const CLICKED_SPAN_MIN_MS = 15 * MINUTE_MS;

/** @returns null: what is shown is no wider than that already */
export function aroundBucket(time: number, bucketMs: number, shownMs: number): { from: number; to: number } | null {
  const span = Math.max(bucketMs, CLICKED_SPAN_MIN_MS);
  if (span >= shownMs) return null;
  const from = Math.round((time + bucketMs / 2 - span / 2) / MINUTE_MS) * MINUTE_MS;
  return { from, to: from + span };
}
