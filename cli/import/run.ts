/** The import itself: blocks of the file, dealt to producers that work side by side. */
import { note, print, showNumber } from "../output.ts";
import { Progress, Rate } from "../progress.ts";
import type { Mapping } from "./columns.ts";
import { ImportProducer, type Tally, type Target } from "./producer.ts";
import { type Block, identify, readBlocks } from "./source.ts";

/**
 * Block b goes to producer b mod 64: enough of them that their hashes spread over partitions. Part of every row's identity:
 * never change it (see BLOCK_ROWS).
 */
const PRODUCERS = 64;

/** Requests under way at once: what keeps a few partitions busy, and stays far below any rate limit. */
const AT_ONCE = 8;

export interface Import extends Target {
  readonly file: string;
  /** Names the import instead of the file's content, for a file that has grown since. */
  readonly importId: string | undefined;
  readonly mapping: Mapping;
}

/** @returns whether every row is in the log */
export async function runImport({ file, importId, mapping, ...target }: Import): Promise<boolean> {
  const { digest, bytes } = await identify(file);
  const name = importId ?? digest.slice(0, 32);
  const tally: Tally = { accepted: 0, duplicates: 0, rejected: new Map() };
  const producers = Array.from({ length: PRODUCERS }, (_, p) => new ImportProducer(target, `csv-${name}-${p}`, tally));
  const progress = new Progress();
  const rate = new Rate();
  let rows = 0;
  try {
    await deal(readBlocks(file, mapping), async (block) => {
      await producers[block.index % PRODUCERS]?.send(Math.floor(block.index / PRODUCERS), block);
      rows += block.events.length;
      progress.show(block.bytes / bytes, rate.show(rows, "rows"));
    });
  } finally {
    progress.end();
  }
  report(rows, tally);
  return tally.rejected.size === 0;
}

/**
 * Hands blocks to their producers: each has one block under way, and the file is read no further ahead than that. The first
 * failure stops the reading, and is thrown once nothing is under way any more.
 */
async function deal(blocks: AsyncGenerator<Block>, send: (block: Block) => Promise<void>): Promise<void> {
  const underWay = new Map<number, Promise<void>>(); // by producer
  let failure: { readonly error: unknown } | undefined;
  const failed = (): boolean => failure !== undefined;
  for await (const block of blocks) {
    const producer = block.index % PRODUCERS;
    await underWay.get(producer);
    while (underWay.size >= AT_ONCE) await Promise.race(underWay.values());
    if (failed()) break;
    const sent = send(block)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(producer));
    underWay.set(producer, sent);
  }
  await Promise.all(underWay.values());
  if (failure) throw failure.error;
}

function report(rows: number, { accepted, duplicates, rejected }: Tally): void {
  const refused = [...rejected.values()].reduce((sum, { count }) => sum + count, 0);
  const counts = [`${showNumber(accepted)} accepted`, `${showNumber(duplicates)} known already`];
  print(`${showNumber(rows)} rows: ${counts.join(", ")}, ${showNumber(refused)} rejected`);
  for (const [code, { count, example }] of rejected) note(`  ${code}: ${showNumber(count)}, for example ${example}`);
}
