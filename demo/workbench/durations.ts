/** Durations as the API takes them: `90s`, `15m`, `24h`, `7d`. Pure. */

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** The shortest way to write it; what is no whole second stays in milliseconds. */
export function durationText(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms > 0 && ms % size === 0) ?? ["", 1];
  return `${ms / size}${unit}`;
}

/** Milliseconds; null: not a duration. */
export function parseDuration(text: string): number | null {
  const [, digits, unit] = /^\s*(\d{1,13})\s*([dhms]?)\s*$/.exec(text) ?? [];
  if (digits === undefined) return null;
  return Number(digits) * (UNITS.find(([name]) => name === unit)?.[1] ?? 1);
}
