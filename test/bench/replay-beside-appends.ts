/**
 * What a replay costs those who append meanwhile: latencies of single clicks at a steady rate to one partition, while nothing
 * else goes on and beside replays of its log, and how fast the replays are, for several shares of the time (`maxDuty`).
 *
 * Rounds of all cases take turns, so that what else the machine does meets them alike; only ratios within one run mean
 * anything. Everything runs in one process here, so that a click also waits for what the replay does in other objects.
 *
 *   node test/bench/replay-beside-appends.ts [records] [rounds]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { StreamClient } from "../support/api.ts";
import { startServer } from "../support/server.ts";

const RECORDS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 3);
const IMPORT_BATCH = 10_000;
const ADS = 5_000;
const SPAN_MS = 24 * 3_600_000;
const EVERY_MS = 40;
/** So long lasts a round of one case at least; replays are started one after the other. */
const ROUND_MS = 6_000;
const DUTIES = [1, 0.5, 0.1];
const POLL_MS = 20;

const IDLE = "idle";

interface Measured {
  readonly latenciesMs: number[];
  readonly recordsPerSecond: number[];
}

const folder = mkdtempSync(join(tmpdir(), "headwater-beside-"));
const server = await startServer({ persistTo: folder });
try {
  const stream = await StreamClient.create(server, "beside", { partitions: 1 });
  await load(stream);
  const cases = new Map<string, Measured>();
  for (const name of [IDLE, ...DUTIES.map(String)]) cases.set(name, { latenciesMs: [], recordsPerSecond: [] });
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, measured] of cases) await measure(stream, name, measured);
  }
  print(cases);
} catch (error) {
  console.error(server.output());
  throw error;
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function load(stream: StreamClient): Promise<void> {
  const start = Math.floor(Date.now() / 60_000) * 60_000 - SPAN_MS;
  let seed = 1;
  const dice = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  for (let sequence = 0; sequence < RECORDS; sequence += IMPORT_BATCH) {
    const events = Array.from({ length: IMPORT_BATCH }, (_, i) => ({
      time: start + Math.floor(((sequence + i) / RECORDS) * SPAN_MS),
      adId: `ad-${Math.floor(ADS ** dice())}`,
      userId: `user-${Math.floor(100_000 * dice())}`,
      country: ["US", "DE", "FR", "JP"][Math.floor(4 * dice())],
    }));
    const { status, body } = await stream.append({ producer: { id: "load", sequence }, events }, stream.keys.import);
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
  }
}

async function measure(stream: StreamClient, name: string, { latenciesMs, recordsPerSecond }: Measured): Promise<void> {
  const until = performance.now() + ROUND_MS;
  let isOver = false;
  let isCounted = name === IDLE;
  const appending = appendSteadily(
    stream,
    () => isOver,
    (latencyMs) => {
      if (isCounted) latenciesMs.push(latencyMs);
    },
  );
  if (name === IDLE) await delay(ROUND_MS);
  while (performance.now() < until) {
    isCounted = true;
    const job = await replay(stream, Number(name));
    isCounted = false;
    recordsPerSecond.push(Number(job.recordsPerSecond));
    await stream.admin("POST", `/replays/${String(job.id)}/cancel`);
  }
  isOver = true;
  await appending;
}

async function replay(stream: StreamClient, maxDuty: number): Promise<Record<string, unknown>> {
  const { body } = await stream.admin("POST", "/replays", { view: "clicks_per_ad", maxDuty });
  for (;;) {
    const { body: job } = await stream.admin("GET", `/replays/${String(body.id)}`);
    if (job.state === "caught-up") return job;
    if (job.state !== "running") throw new Error(JSON.stringify(job));
    await delay(POLL_MS);
  }
}

/** One click every so often, whether those before have been answered or not. */
async function appendSteadily(stream: StreamClient, isOver: () => boolean, took: (latencyMs: number) => void) {
  const startedAt = performance.now();
  const open: Promise<void>[] = [];
  for (let i = 0; !isOver(); i++) {
    await delay(Math.max(0, startedAt + i * EVERY_MS - performance.now()));
    const sentAt = performance.now();
    open.push(
      stream.append({ events: [{ adId: `ad-${i % 50}` }] }, stream.keys.import).then(({ status, body }) => {
        if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
        took(performance.now() - sentAt);
      }),
    );
    // Looked at in the end.
    open.at(-1)?.catch(() => {});
  }
  await Promise.all(open);
}

function print(cases: ReadonlyMap<string, Measured>): void {
  const idle = quantile(cases.get(IDLE)?.latenciesMs ?? [], 0.99);
  console.log(`${RECORDS} records; a click every ${EVERY_MS} ms`);
  console.log("| maxDuty | clicks | p50 ms | p99 ms | p99 to idle | greatest ms | replays | records/s (median) |");
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const [name, { latenciesMs, recordsPerSecond }] of cases) {
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => quantile(latenciesMs, share));
    console.log(
      `| ${name} | ${latenciesMs.length} | ${p50?.toFixed(1)} | ${p99?.toFixed(1)} | ${((p99 ?? 0) / idle).toFixed(2)} ` +
        `| ${most?.toFixed(1)} | ${recordsPerSecond.length} | ${Math.round(quantile(recordsPerSecond, 0.5))} |`,
    );
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
