/** Where each partition's log starts and ends, and what it holds between. */
import type { Partition, Stream } from "./api-schemas.ts";
import { byId, create, setText } from "./dom.ts";
import { formatBytes, formatCount, formatDuration, formatMoment, formatShare, plural } from "./format.ts";

export function showPartitions({ partitions, config }: Pick<Stream, "partitions" | "config">, nowMs: number): void {
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
  showFacts(retentionFacts({ partitions, config }, nowMs));
}

const COLUMNS = 9;

/** The one that holds a drawing instead of a text. */
const SPAN_COLUMN = 2;

/** From this column on, narrow screens leave columns out. */
const WIDE_FROM = 5;

function cellsOf(partition: Partition, nowMs: number): readonly string[] {
  if ("error" in partition) return [String(partition.partition), "–", "", "–", "no answer", "–", "–", "–", "–"];
  const { logStart, logEnd, bytes, late, duplicates, watermark, checkpointOffset } = partition;
  return [
    String(partition.partition),
    formatCount(logStart),
    "",
    formatCount(logEnd),
    formatCount(Math.max(0, logEnd - checkpointOffset)),
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

type Fact = readonly [name: string, text: string];

/** What is kept, for how long, and how near it is to being trimmed. */
function retentionFacts({ partitions, config }: Pick<Stream, "partitions" | "config">, nowMs: number): readonly Fact[] {
  const answering = partitions.flatMap((partition) => ("error" in partition ? [] : [partition]));
  const sum = (of: (partition: (typeof answering)[number]) => number) =>
    answering.reduce((total, one) => total + of(one), 0);
  const silent = partitions.length - answering.length;
  const archived = sum(({ archive }) => (archive === null ? 0 : archive.end - (archive.start ?? archive.end)));
  const trimmed = sum(({ logStart, archive }) => Math.max(0, Math.min(logStart, archive?.start ?? logStart)));
  const oldest = Math.min(...answering.map(({ oldestAppendTime }) => oldestAppendTime ?? Number.POSITIVE_INFINITY));
  const fullest = Math.max(0, ...answering.map(({ bytes }) => bytes));
  return [
    [
      "Kept",
      `${plural(
        sum(({ records }) => records),
        "record",
      )}, ${formatBytes(sum(({ bytes }) => bytes))}`,
    ],
    ["Since", Number.isFinite(oldest) ? formatMoment(oldest, nowMs) : "nothing yet"],
    [
      "Retention",
      `${formatDuration(config.retentionMs)}, or ${formatBytes(config.retentionBytes)} a partition (fullest: ${formatShare(fullest, config.retentionBytes)})`,
    ],
    ["Archive", archiveText(config, archived, answering)],
    ["Trimmed", trimmed === 0 ? "nothing so far" : `${plural(trimmed, "record")}; their answers stay in the views`],
    ...(silent === 0 ? [] : [["Silent", plural(silent, "partition does", "partitions do") + " not answer"] as const]),
  ];
}

/** What of the log is in the archive, as what retention trims will be. */
function archiveText(
  { archive: isOn, archiveRetentionMs }: Stream["config"],
  records: number,
  partitions: readonly Exclude<Partition, { error: string }>[],
): string {
  const failed = partitions.find(({ archive }) => archive?.error !== undefined);
  if (failed !== undefined) return `takes no records of partition ${failed.partition}: ${failed.archive?.error ?? ""}`;
  const bytes = partitions.reduce((sum, { archive }) => sum + (archive?.bytes ?? 0), 0);
  const kept = archiveRetentionMs === null ? "" : `, kept ${formatDuration(archiveRetentionMs)}`;
  const held = `${plural(records, "record")}, ${formatBytes(bytes)}${kept}`;
  if (!isOn) return records === 0 ? "off: what is trimmed is gone" : `off; it keeps ${held}`;
  return records === 0 ? `on${kept}; nothing had to go there yet` : held;
}

function showFacts(facts: readonly Fact[]): void {
  const list = byId("log-facts", HTMLDListElement);
  while (list.children.length > facts.length) list.lastElementChild?.remove();
  facts.forEach(([name, text], index) => {
    const fact = list.children[index] ?? list.appendChild(create("div", {}, create("dt"), create("dd")));
    const [term, detail] = fact.children;
    if (!term || !detail) return;
    setText(term, name);
    setText(detail, text);
  });
}
