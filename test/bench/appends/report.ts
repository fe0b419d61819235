/** Medians over rounds, and ratios of what was measured in the same round: the machine's load divides out. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: sorted[Math.floor(sorted.length / 2)] ?? NaN,
    least: sorted[0] ?? NaN,
    greatest: sorted.at(-1) ?? NaN,
  };
}

/** Round by round: ours divided by the peer's. */
export const ratiosOf = (ours: readonly number[], theirs: readonly number[]): Spread =>
  spreadOf(ours.map((value, round) => value / (theirs[round] ?? NaN)));

export const showRatio = ({ median, least, greatest }: Spread): string =>
  `${median.toFixed(2)}× (${least.toFixed(2)}–${greatest.toFixed(2)})`;

export const showCount = (value: number): string =>
  value >= 1e6
    ? `${(value / 1e6).toFixed(2)} M`
    : value >= 1e4
      ? `${(value / 1e3).toFixed(0)} k`
      : `${(value / 1e3).toFixed(1)} k`;

/** Refusals of all that was sent, by their code: `overloaded 12 %`; nothing where there were none. */
export function showRefusals(sent: number, refusals: ReadonlyMap<string, number>): string {
  return [...refusals].map(([code, count]) => `${code} ${((100 * count) / sent).toFixed(1)} %`).join(", ");
}

export function printTable(columns: readonly string[], rows: readonly (readonly string[])[]): void {
  console.log(`| ${columns.join(" | ")} |`);
  console.log(`| ${columns.map((_, i) => (i < 2 ? "---:" : "---")).join(" | ")} |`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
}
