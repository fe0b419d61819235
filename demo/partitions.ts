/** Where each partition's log starts and ends, and what it holds between. */
import type { Partition, Stream } from "./api-schemas.ts";
import { byId, create, setText } from "./dom.ts";
import { formatBytes, formatCount, formatDuration, formatMoment, plural } from "./format.ts";

export function showPartitions({ partitions, config }: Stream, nowMs: number): void {
  const body = byId("partitions", HTMLTableSectionElement);
  while (body.rows.length > partitions.length) body.deleteRow(-1);
  partitions.forEach((partition, index) => {
    const row = body.rows[index] ?? body.appendChild(emptyRow());
    cellsOf(partition, nowMs).forEach((text, column) => {
      const cell = row.cells[column];
      if (cell !== undefined && column !== SPAN_COLUMN) setText(cell, text);
    });
    row.classList.toggle("failed", "error" in partition);
    row.style.setProperty("--kept-from", String("error" in partition ? 1 : startShare(partition)));
  });
  setText(byId("log-note", HTMLElement), noteOf(partitions, config.retentionMs));
}

const COLUMNS = 9;

/** The one that holds a drawing instead of a text. */
const SPAN_COLUMN = 2;

/** From this column on, narrow screens leave columns out. */
const WIDE_FROM = 5;

function cellsOf(partition: Partition, nowMs: number): readonly string[] {
  if ("error" in partition) return [String(partition.partition), "–", "", "–", "no answer", "–", "–", "–", "–"];
  const { logStart, logEnd, records, bytes, late, duplicates, watermark } = partition;
  return [
    String(partition.partition),
    formatCount(logStart),
    "",
    formatCount(logEnd),
    formatCount(records),
    formatBytes(bytes),
    formatCount(late),
    formatCount(duplicates),
    formatMoment(watermark, nowMs),
  ];
}

function emptyRow(): HTMLTableRowElement {
  const cells = Array.from({ length: COLUMNS }, (_, column) => {
    if (column === 0) return create("th", { scope: "row" });
    if (column === SPAN_COLUMN) return create("td", { class: "span" }, create("span", { class: "kept" }));
    return create("td", { class: column > WIDE_FROM - 1 ? "number wide" : "number" });
  });
  return create("tr", {}, ...cells);
}

/** Where in the log what is kept begins: 0, nothing was trimmed; 1, nothing is kept. */
const startShare = ({ logStart, logEnd }: { logStart: number; logEnd: number }): number =>
  logEnd === 0 ? 1 : logStart / logEnd;

function noteOf(partitions: readonly Partition[], retentionMs: number): string {
  const answering = partitions.flatMap((partition) => ("error" in partition ? [] : [partition]));
  const records = answering.reduce((sum, { records }) => sum + records, 0);
  const kept = `${plural(records, "record")} in ${plural(partitions.length, "partition")}, kept for ${formatDuration(retentionMs)}.`;
  const silent = partitions.length - answering.length;
  return silent === 0 ? kept : `${kept} ${plural(silent, "partition does", "partitions do")} not answer.`;
}
