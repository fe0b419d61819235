/** Results as Markdown: what stands in docs/performance.md. */
import { ADAPTERS } from "./adapters.ts";
import { COLUMNS } from "./faults.ts";
import type { Cell, Results } from "./results.ts";

export function reportOf(results: Results): string {
  const parts = [
    faultTable(results),
    sizeTable(results),
    costTable(results),
    latencyTable(results),
    visitTable(results),
  ];
  const label = `${results.browser}, ${results.platform}. Lost/sent; in brackets, how many came over the wire again, and of Headwater how many of them were counted again.`;
  return [...parts.filter((part) => part !== ""), label].join("\n\n");
}

/** Adapters and columns of which there are results, in their order. */
export const rowsOf = (results: Results) =>
  ADAPTERS.filter(({ id }) => results.faults.some(({ adapter }) => adapter === id));
export const columnsOf = (results: Results) =>
  COLUMNS.filter(({ id }) => results.faults.some(({ column }) => column === id));
export const cellAt = (results: Results, adapter: string, column: string): Cell | undefined =>
  results.faults.find((cell) => cell.adapter === adapter && cell.column === column);

const nameOf = (id: string): string => ADAPTERS.find((adapter) => adapter.id === id)?.name ?? id;
const labelOf = (results: Results, id: string): string =>
  id === "headwater" ? "**Headwater**" : `${nameOf(id)} ${results.versions[id] ?? ""}`;
const inOrder = <T extends { readonly adapter: string }>(rows: readonly T[]): T[] =>
  ADAPTERS.flatMap(({ id }) => rows.filter(({ adapter }) => adapter === id));

function faultTable(results: Results): string {
  const columns = columnsOf(results);
  const lines = rowsOf(results).map(({ id }) => [
    labelOf(results, id),
    ...columns.map((column) => {
      const cell = cellAt(results, id, column.id);
      if (cell === undefined) return "";
      const wire = cell.countedTwice === null ? cell.twiceOnTheWire : `${cell.twiceOnTheWire} → ${cell.countedTwice}`;
      const text = `${cell.lost}/${cell.sent}${cell.twiceOnTheWire > 0 ? ` (${wire})` : ""}`;
      return cell.lost > 0 ? `**${text}**` : text;
    }),
  ]);
  return table(["lost/sent", ...columns.map(({ title }) => title)], lines);
}

function sizeTable({ sizes, versions }: Results): string {
  const kb = (bytes: number): string => (bytes / 1_000).toFixed(1);
  const lines = inOrder(sizes).map(({ adapter, initial, total }) => [
    labelOf({ versions } as Results, adapter),
    kb(initial),
    kb(total),
  ]);
  return table(["brotli, KB", "initial", "total"], lines);
}

function costTable(results: Results): string {
  const lines = inOrder(results.cost).map(({ adapter, rounds, callsMs, mainThreadMs, longTasks, blockingMs }) => [
    labelOf(results, adapter),
    ...[callsMs, mainThreadMs, blockingMs].map((ms) => Math.round(ms).toLocaleString("en-US")),
    String(longTasks),
    String(rounds),
  ]);
  return table(
    [
      "2,000 calls, processor at a sixth",
      "in the calls, ms",
      "main thread, ms",
      "blocking, ms",
      "long tasks",
      "rounds",
    ],
    lines,
  );
}

function latencyTable({ latency }: Results): string {
  const us = (value: number | null): string => (value === null ? "" : `${value.toFixed(value < 100 ? 1 : 0)} µs`);
  const lines = latency.map(({ throttling, callMedianUs, callP99Us, durableMedianUs }) => [
    throttling === 1 ? "full speed" : `a sixth`,
    us(callMedianUs),
    us(callP99Us),
    us(durableMedianUs),
  ]);
  return table(["Headwater's track()", "median", "p99", "on disk, median"], lines);
}

function visitTable(results: Results): string {
  const lines = inOrder(results.sameVisit).map(({ adapter, leaving, visits, delivered }) => [
    labelOf(results, adapter),
    leaving === "navigate" ? "click, then navigate" : "track, then close the tab",
    `${delivered}/${visits}`,
  ]);
  return table(["delivered in the same visit", "leaving", "delivered"], lines);
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  if (lines.length === 0) return "";
  const rule = head.map((_, i) => (i === 0 ? "---" : "---:"));
  return [head, rule, ...lines].map((values) => `| ${values.join(" | ")} |`).join("\n");
}
