/** What a replay would change, for people. */
import { type Cell, print, printTable, showNumber, showTime } from "./output.ts";
import type { Diff, DiffRow } from "./replay-schemas.ts";

export function printDiff({ rowsCompared, rowsChanged, totals, largest }: Diff): void {
  print(`${showNumber(rowsChanged)} of ${showNumber(rowsCompared)} rows change.\n`);
  printTable({
    columns: ["total", "before", "after", "change", "%"],
    rows: Object.entries(totals).map(([name, { before, after }]) => [name, before, after, ...changeOf(before, after)]),
  });
  if (largest.length === 0) return;
  print("\nLargest changes");
  printDiffRows(largest);
}

/** At least one row. */
export function printDiffRows(rows: readonly DiffRow[]): void {
  const first = rows[0] ?? {};
  const columns = Object.keys(first);
  printTable({
    columns: columns.flatMap((name) => (isChange(first[name]) ? [`${name} before`, "after"] : [name])),
    rows: rows.map((row) => columns.flatMap((name) => cellsOf(name, row[name]))),
  });
}

/** The difference, and its share of what was there. */
function changeOf(before: number | null, after: number | null): [Cell, Cell] {
  if (before === null || after === null) return [null, null];
  const change = Number((after - before).toPrecision(12)); // of two doubles: the last digits say nothing
  return [change, before === 0 ? null : Number(((100 * change) / before).toFixed(2))];
}

interface Change {
  readonly before: number | null;
  readonly after: number | null;
}

const isChange = (value: unknown): value is Change =>
  typeof value === "object" && value !== null && "before" in value && "after" in value;

function cellsOf(name: string, value: unknown): Cell[] {
  if (isChange(value)) return [value.before, value.after];
  if (name === "time" && typeof value === "number") return [showTime(value)];
  return [value === null || typeof value === "number" || typeof value === "boolean" ? value : String(value)];
}
