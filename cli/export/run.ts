/** The export itself: read the log once, learn its columns, write the file, and put it in its place only when it is whole. */
import { rename, rm } from "node:fs/promises";
import type { StreamApi } from "../api.ts";
import { showNumber } from "../output.ts";
import { Progress, Rate } from "../progress.ts";
import { type Column, ColumnFinder } from "./columns.ts";
import { openCsv } from "./csv.ts";
import { openParquet } from "./parquet.ts";
import { readStretch, type Stretch, stretchesOf } from "./records.ts";
import { Spool } from "./spool.ts";

export interface Export {
  readonly api: StreamApi;
  /** Event times [from, to) that are wanted. */
  readonly from: number;
  readonly to: number;
  readonly format: "parquet" | "csv";
  readonly file: string;
  readonly signal: AbortSignal;
}

export interface Exported {
  readonly rows: number;
  readonly columns: readonly Column[];
  /** Attributes that became a column for each of their types. */
  readonly mixed: readonly string[];
  readonly stretches: readonly Stretch[];
}

export async function runExport(wanted: Export): Promise<Exported> {
  const stretches = await stretchesOf(wanted.api);
  const unfinished = `${wanted.file}.${process.pid}.partial`;
  const spooled = `${wanted.file}.${process.pid}.rows`;
  try {
    const spool = await Spool.create(spooled);
    const { rows, finder } = await readLog(wanted, stretches, spool).finally(() => spool.close());
    const columns = finder.columns();
    const writer =
      wanted.format === "csv"
        ? openCsv(unfinished, columns)
        : openParquet(unfinished, columns, about(wanted, stretches));
    for await (const chunk of spool.read()) {
      wanted.signal.throwIfAborted();
      await writer.write(chunk);
    }
    await writer.finish();
    await rename(unfinished, wanted.file);
    return { rows, columns, mixed: finder.mixed(), stretches };
  } finally {
    await Promise.all([unfinished, spooled].map((path) => rm(path, { force: true })));
  }
}

async function readLog({ api, from, to, signal }: Export, stretches: readonly Stretch[], spool: Spool) {
  const finder = new ColumnFinder();
  const total = stretches.reduce((sum, stretch) => sum + stretch.to - stretch.from, 0);
  const progress = new Progress();
  const rate = new Rate();
  let seen = 0;
  let rows = 0;
  try {
    for (const stretch of stretches) {
      for await (const page of readStretch(api, stretch, signal)) {
        const kept = page.filter(({ time }) => from <= time && time < to);
        for (const record of kept) finder.see(record);
        await spool.write(kept);
        seen += page.length;
        rows += kept.length;
        progress.show(seen / total, rate.show(seen, "records read"));
      }
    }
  } finally {
    progress.end();
  }
  return { rows, finder };
}

/** What the file is made of, as its metadata. */
const about = ({ api, from, to }: Export, stretches: readonly Stretch[]): Record<string, string> => ({
  stream: api.stream,
  from: String(from),
  to: Number.isFinite(to) ? String(to) : "",
  offsets: JSON.stringify(stretches),
  order: "partition, offset",
});

/** Partitions whose log does not reach back to its beginning any more. */
export const trimmedBefore = (stretches: readonly Stretch[]): string =>
  stretches
    .filter(({ from }) => from > 0)
    .map(({ partition, from }) => `partition ${partition} below offset ${showNumber(from)}`)
    .join(", ");
