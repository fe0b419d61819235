/** Numbers, times and sizes in words for people. Pure: no clock, no document. */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });
const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** 1,234,567 */
export const formatCount = (count: number): string => whole.format(count);

const exact = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });

/** 1,234.5678: of measures that need not be whole. */
export const formatNumber = (value: number): string => exact.format(value);

/** 1.23M: where only the size matters. */
export const formatCompact = (count: number): string => compact.format(count);

/** 12.3%; a share of nothing is a dash. */
export const formatShare = (part: number, of: number): string => (of === 0 ? "–" : percent.format(part / of));

/** +12, −0.3 or "no change": never a lone sign. */
export function formatChange(before: number, after: number): string {
  const change = after - before;
  if (change === 0) return "no change";
  return `${change > 0 ? "+" : "−"}${exact.format(Math.abs(change))}`;
}

/** "1 click", "2 clicks". */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

const minuteOfDay = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const secondOfDay = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const dayAndMinute = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});
const dayOnly = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

const utcDayOnly = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

const DAY_MS = 86_400_000;

/** 14:05, in the reader's time zone. */
export const formatMinute = (timeMs: number): string => minuteOfDay.format(timeMs);

/** 8 Feb */
export const formatDay = (timeMs: number): string => dayOnly.format(timeMs);

/** 8 Feb, of a bucket that is a day of the epoch's: UTC's, wherever the reader is. */
export const formatUtcDay = (timeMs: number): string => utcDayOnly.format(timeMs);

/** 14:05:09 today, and the whole date for a time that is further off. */
export const formatMoment = (timeMs: number, nowMs: number): string =>
  (Math.abs(nowMs - timeMs) < DAY_MS / 2 ? secondOfDay : dayAndMinute).format(timeMs);

/** A span of time as a person would say it: "4 ms", "12 s", "3 min", "7 days". */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 120_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 2 * DAY_MS) return plural(Math.round(ms / 3_600_000), "hour");
  return plural(Math.round(ms / DAY_MS), "day");
}

/** 12.3 MB, in powers of ten as disks are sold. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1_000 ** step).toPrecision(3))} ${units[step]}`;
}

const regionNames = new Intl.DisplayNames(["en"], { type: "region" });

/** "Germany" for DE; whatever is no region code stays as it is. */
export function formatCountry(code: string): string {
  try {
    return regionNames.of(code) ?? code;
  } catch {
    return code;
  }
}
