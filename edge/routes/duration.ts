/** Durations of the public contract: `90s`, `15m`, `24h`, `7d`, or milliseconds. No clock. */

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d{1,12})([smhd]?)$/;

/** @returns whole milliseconds, or undefined if it is no duration. Zero is one. */
export function parseDuration(input: string | number): number | undefined {
  if (typeof input === "number") return Number.isSafeInteger(input) && input >= 0 ? input : undefined;
  const match = DURATION.exec(input);
  if (match === null) return undefined;
  // Digits alone are milliseconds: a query string has no numbers.
  const unitMs = match[2] === "" ? 1 : UNIT_MS[match[2] as keyof typeof UNIT_MS];
  const durationMs = Number(match[1]) * unitMs;
  return Number.isSafeInteger(durationMs) ? durationMs : undefined;
}
