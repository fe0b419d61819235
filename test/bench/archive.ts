/**
 * A replay from the archive beside the same replay from the log, on one server: two streams have the same clicks, of which one
 * keeps its log and the other has all of it archived. The bucket is the local one of `wrangler dev`, on this machine's disk; one
 * that is a network away takes longer to answer, and the next pack is on its way while one is folded.
 *
 *   npm run bench -- archive [--events 1000000] [--rounds 9]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { StreamClient } from "../support/api.ts";
import { startServer } from "../support/server.ts";
import { printTable, ratiosOf, showCount, showRatio, spreadOf } from "./appends/report.ts";
import { generate } from "./queries/dataset.ts";
import { load, replay } from "./replays.ts";

const { values: options } = parseArgs({
  options: { events: { type: "string", default: "1000000" }, rounds: { type: "string", default: "9" } },
});
const events = Number(options.events);
const rounds = Number(options.rounds);

const folder = mkdtempSync(join(tmpdir(), "headwater-archive-"));
const server = await startServer({ persistTo: folder });
try {
  const kept = await StreamClient.create(server, "kept", { identifiers: ["userId"] });
  const archived = await StreamClient.create(server, "archived", { identifiers: ["userId"], archive: true });
  for (const chunk of generate("zipf", events)) for (const stream of [kept, archived]) await load(stream, chunk);

  const from = performance.now();
  const trimmed = await archived.admin("POST", "/partitions/0/trim", { before: events });
  const archivingMs = performance.now() - from;
  const { partitions } = (await archived.admin<{ partitions: PartitionStatus[] }>("GET")).body;
  const [status] = partitions;
  if (trimmed.status !== 200 || status?.logStart !== events || status.archive?.end !== events) {
    throw new Error(`all is archived, and nothing is left in the log: ${JSON.stringify([trimmed.body, status])}`);
  }
  const { packs, bytes } = status.archive;
  const perClick = (bytes / events).toFixed(1);
  console.log(`${events} clicks, ${rounds} rounds; ${packs} packs of ${perClick} bytes a click`);
  console.log(`archived beside whatever comes in: ${showCount((events * 1_000) / archivingMs)} clicks/s\n`);

  const times = { log: [] as number[], archive: [] as number[] };
  // What comes first only warms up.
  for (let round = -2; round < rounds; round++) {
    const log = (await replay(kept, events)).caughtUpMs;
    const archive = (await replay(archived, events)).caughtUpMs;
    if (round < 0) continue;
    times.log.push(log);
    times.archive.push(archive);
  }
  const row = (name: string, taken: readonly number[]) => [
    name,
    spreadOf(taken).median.toFixed(0),
    showCount((events * 1_000) / spreadOf(taken).median),
    // Speeds, not times: above 1 is faster.
    taken === times.log ? "" : showRatio(ratiosOf(times.log, taken)),
  ];
  printTable(
    ["replay from", "ms", "records/s", "÷ the log's"],
    [row("the log", times.log), row("the archive", times.archive)],
  );
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

interface PartitionStatus {
  readonly logStart: number;
  readonly archive: { readonly end: number; readonly packs: number; readonly bytes: number } | null;
}
