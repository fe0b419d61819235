/**
 * What commands print: answers on standard output, everything said about them on standard error, so that a pipe gets data and
 * nothing else.
 */
import { OUTPUT_LIMITS } from "./limits.ts";

export type Cell = string | number | boolean | null | undefined;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Names are bold on a terminal that has not been asked for plain text (https://no-color.org). */
const isPlain = (): boolean => !process.stdout.isTTY || Boolean(process.env.NO_COLOR) || process.env.TERM === "dumb";

export function printTable({ columns, rows }: Table): void {
  const cells = rows.map((row) => row.map(show));
  const isNumber = columns.map((_, c) => rows.every((row) => typeof row[c] === "number" || row[c] == null));
  const widths = columns.map((name, c) => Math.max(name.length, ...cells.map((row) => (row[c] ?? "").length)));
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, c) => (isNumber[c] ? text.padStart(widths[c] ?? 0) : text.padEnd(widths[c] ?? 0)))
      .join("  ")
      .trimEnd();
  const head = line(columns);
  print(isPlain() ? head : `\x1b[1m${head}\x1b[22m`);
  for (const row of cells) print(line(row));
}

/** Names and what they stand for, one a line. */
export function printPairs(pairs: readonly (readonly [name: string, value: Cell])[]): void {
  const width = Math.max(...pairs.map(([name]) => name.length));
  for (const [name, value] of pairs) print(`${name.padEnd(width)}  ${show(value)}`);
}

export const printJson = (value: unknown): void => print(harmless(JSON.stringify(value, null, 2)));

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** About the answer, for people. */
export function note(text: string): void {
  process.stderr.write(`${harmless(text)}\n`);
}

function show(cell: Cell): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell !== "string") return String(cell);
  const text = harmless(cell).replaceAll("\n", String.raw`\n`);
  return text.length <= OUTPUT_LIMITS.cellMax ? text : `${text.slice(0, OUTPUT_LIMITS.cellMax - 1)}…`;
}

/**
 * Clicks are written by strangers, and a terminal obeys what it is shown: control characters, which may not stand in a line
 * anyhow, are written out. In JSON the result says the same.
 */
export const harmless = (text: string): string =>
  text.replace(CONTROLS, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`);

// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Milliseconds since the epoch as ISO 8601, without a fraction that says nothing. */
export const showTime = (time: number | null): string =>
  time === null ? "" : new Date(time).toISOString().replace(/\.000Z$/, "Z");

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1_000],
] as const;

/** A duration in the contract's own words. */
export function showDuration(durationMs: number): string {
  const unit = UNITS.find(([, unitMs]) => durationMs > 0 && durationMs % unitMs === 0);
  return unit === undefined ? `${durationMs} ms` : `${durationMs / unit[1]}${unit[0]}`;
}

export const showNumber = (number: number): string => number.toLocaleString("en");
