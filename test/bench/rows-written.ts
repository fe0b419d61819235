/**
 * What clicks cost: rows inserted, updated and deleted in a partition's database for each 1,000 clicks, by SQLite's own
 * counter, as the platform bills them ($1.00 a million). Counts, not times: the machine does not matter.
 *
 * A click's whole life is counted: appended, sealed into a segment, covered by a checkpoint, and trimmed in the end.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StreamClient } from "../support/api.ts";
import { startServer } from "../support/server.ts";

const DOLLARS_PER_MILLION_ROWS = 1;
/** Enough for the partition to seal and to write checkpoints several times. */
const CLICKS = 10_000;
const BATCHES = [1, 10, 100];
const CONCURRENCIES = [1, 32];
const ADS = 50;
/** Nothing written for this long: what is done by alarm has been done. */
const QUIET_MS = 8_000;
const POLL_MS = 500;

interface Case {
  readonly batch: number;
  readonly concurrency: number;
}

interface Measured extends Case {
  /** Rows for each 1,000 clicks once they are sealed and covered by a checkpoint. */
  readonly stored: number;
  /** The same with retention's deletions. */
  readonly whole: number;
}

const folder = mkdtempSync(join(tmpdir(), "headwater-rows-"));
const server = await startServer({ persistTo: folder });
try {
  const measured: Measured[] = [];
  for (const batch of BATCHES)
    for (const concurrency of CONCURRENCIES) measured.push(await measure({ batch, concurrency }));
  print(measured);
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure({ batch, concurrency }: Case): Promise<Measured> {
  const stream = await StreamClient.create(server, `rows-${batch}-${concurrency}`, { partitions: 1 });
  const before = (await statusOf(stream)).rowsWritten;
  await Promise.all(Array.from({ length: concurrency }, (_, p) => produce(stream, p, batch, CLICKS / concurrency)));
  const stored = await untilQuiet(stream);
  const { logEnd } = await statusOf(stream);
  if (logEnd < CLICKS) throw new Error(`${logEnd} of ${CLICKS} clicks are in the log`);
  await stream.admin("POST", "/partitions/0/trim", { before: logEnd });
  const { rowsWritten: whole } = await statusOf(stream);
  const perThousand = (rows: number) => (rows - before) / (logEnd / 1_000);
  return { batch, concurrency, stored: perThousand(stored), whole: perThousand(whole) };
}

/** One producer, one batch in flight, as the browser SDK sends them. */
async function produce(stream: StreamClient, p: number, batch: number, clicks: number): Promise<void> {
  for (let sequence = 0; sequence < clicks; sequence += batch) {
    const events = Array.from({ length: batch }, (_, i) => ({
      adId: `ad-${(sequence + i) % ADS}`,
      userId: `user-${p}-${sequence + i}`,
      country: "US",
    }));
    for (;;) {
      const { status, body } = await stream.append(
        { producer: { id: `producer-${p}`, sequence }, events },
        stream.keys.import,
      );
      if (status === 200) break;
      if (status !== 429 && status !== 503) throw new Error(`${status} ${JSON.stringify(body)}`);
      await delay(Number(body.retryAfterMs ?? 1_000));
    }
  }
}

async function statusOf(stream: StreamClient): Promise<{ rowsWritten: number; logEnd: number }> {
  const { body } = await stream.admin<{ partitions: { rowsWritten: number; logEnd: number }[] }>("GET");
  const [partition] = body.partitions;
  if (partition === undefined) throw new Error("one partition");
  return partition;
}

async function untilQuiet(stream: StreamClient): Promise<number> {
  let { rowsWritten } = await statusOf(stream);
  for (let quietMs = 0; quietMs < QUIET_MS; quietMs += POLL_MS) {
    await delay(POLL_MS);
    const now = (await statusOf(stream)).rowsWritten;
    if (now !== rowsWritten) quietMs = 0;
    rowsWritten = now;
  }
  return rowsWritten;
}

function print(measured: readonly Measured[]): void {
  console.log(
    "| clicks a batch | concurrent | rows per 1,000 clicks, stored | with retention | $ per million clicks |",
  );
  console.log("| ---: | ---: | ---: | ---: | ---: |");
  for (const { batch, concurrency, stored, whole } of measured) {
    const dollars = (whole / 1_000) * DOLLARS_PER_MILLION_ROWS;
    console.log(`| ${batch} | ${concurrency} | ${stored.toFixed(1)} | ${whole.toFixed(1)} | ${dollars.toFixed(3)} |`);
  }
}
