// The import itself: blocks of the file, dealt to producers that work side by side.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../project.mjs";
import { parseImportArguments } from "./arguments.mjs";
import { ImportProducer } from "./producer.mjs";
import { format, Progress } from "./progress.mjs";
import { identify, readBlocks } from "./source.mjs";

/**
 * Block b goes to producer b mod 64: enough of them that their hashes spread over partitions. Part of every row's identity:
 * never change it (see BLOCK_ROWS).
 */
const PRODUCERS = 64;

/** Requests under way at once: what keeps a few partitions busy, and stays far below any rate limit. */
const AT_ONCE = 8;

/**
 * @param {readonly string[]} argv
 * @returns {Promise<number>} exit code: 0 if every row is in the log, 2 if some were rejected
 */
export async function runImport(argv) {
  const args = parseImportArguments(argv);
  // npm runs scripts in the project's folder; the user named the file from where they stood.
  const file = resolve(process.env.INIT_CWD ?? ".", args.file);
  if (!existsSync(file)) throw new UserError(`there is no file ${file}.`);
  const { digest, bytes } = await identify(file);
  const name = args.importId ?? digest.slice(0, 32);
  /** @type {import("./producer.mjs").Tally} */
  const tally = { accepted: 0, duplicates: 0, rejected: new Map() };
  const progress = new Progress(process.stderr);
  const producers = Array.from({ length: PRODUCERS }, (_, p) => new ImportProducer(args, `csv-${name}-${p}`, tally));
  let rows = 0;
  try {
    await deal(readBlocks(file, args), async (block) => {
      const producer = /** @type {ImportProducer} */ (producers[block.index % PRODUCERS]);
      await producer.send(Math.floor(block.index / PRODUCERS), block);
      rows += block.events.length;
      progress.show(block.bytes / bytes, rows);
    });
  } finally {
    progress.end();
  }
  report(rows, tally);
  return tally.rejected.size === 0 ? 0 : 2;
}

/**
 * Hands blocks to their producers: each has one block under way, and the file is read no further ahead than that. The first
 * failure stops the reading, and is thrown once nothing is under way any more.
 *
 * @param {AsyncGenerator<import("./source.mjs").Block>} blocks
 * @param {(block: import("./source.mjs").Block) => Promise<void>} send
 */
async function deal(blocks, send) {
  /** @type {Map<number, Promise<void>>} by producer */
  const underWay = new Map();
  /** @type {{ error: unknown } | undefined} */
  let failure;
  for await (const block of blocks) {
    const producer = block.index % PRODUCERS;
    await underWay.get(producer);
    while (underWay.size >= AT_ONCE) await Promise.race(underWay.values());
    if (failure) break;
    const sent = send(block)
      .catch((error) => {
        failure ??= { error };
      })
      .finally(() => underWay.delete(producer));
    underWay.set(producer, sent);
  }
  await Promise.all(underWay.values());
  if (failure) throw failure.error;
}

/**
 * @param {number} rows
 * @param {import("./producer.mjs").Tally} tally
 */
function report(rows, { accepted, duplicates, rejected }) {
  const refused = [...rejected.values()].reduce((sum, { count }) => sum + count, 0);
  console.log(
    `${format(rows)} rows: ${format(accepted)} accepted, ${format(duplicates)} known already, ${format(refused)} rejected`,
  );
  for (const [code, { count, example }] of rejected) console.log(`  ${code}: ${format(count)}, for example ${example}`);
}
