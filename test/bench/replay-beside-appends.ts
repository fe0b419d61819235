/**
 * What a replay costs those who append meanwhile: latencies of single clicks at a steady rate to one partition, while nothing
 * else goes on and beside replays of its log, and how fast the replays are, for several shares of the time (`maxDuty`).
 *
 * Rounds of all cases take turns, so that what else the machine does meets them alike; only ratios within one run mean
 * anything. Everything runs in one thread of one process here: a click waits for what the replay does in any object.
 *
 *   npm run bench -- beside [--records 1000000] [--rounds 3] [--duties 1,0.5,0.1] [--other BUNDLE]
 *
 * The last measures another build of the worker in the same rounds, a folder that `wrangler deploy --dry-run --outdir` wrote.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { StreamClient } from "../support/api.ts";
import { ADMIN_TOKEN, bundleWorker, type RawWorkerd, startWorkerd } from "./appends/raw-workerd.ts";

const { values: options } = parseArgs({
  options: {
    records: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "3" },
    duties: { type: "string", default: "1,0.5,0.1" },
    other: { type: "string" },
  },
});
const RECORDS = Number(options.records);
const ROUNDS = Number(options.rounds);
const DUTIES = options.duties.split(",");
const IMPORT_BATCH = 10_000;
const ADS = 5_000;
const SPAN_MS = 24 * 3_600_000;
const EVERY_MS = 40;
/** So long lasts a round of one case at least; replays are started one after the other. */
const ROUND_MS = 6_000;
const POLL_MS = 20;

const IDLE = "idle";

interface Measured {
  readonly latenciesMs: number[];
  readonly recordsPerSecond: number[];
  /** From the start of a replay until what it built can be promoted. */
  readonly promotableMs: number[];
}

/** One build of the worker, and what was measured of it by case. */
interface Build {
  readonly name: string;
  readonly stream: StreamClient;
  readonly cases: ReadonlyMap<string, Measured>;
}

const folder = mkdtempSync(join(tmpdir(), "headwater-beside-"));
const running: RawWorkerd[] = [];
try {
  const builds = [await start("this build", await bundleWorker(folder))];
  if (options.other !== undefined) builds.push(await start("other build", options.other));
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of [IDLE, ...DUTIES]) {
      for (const { stream, cases } of builds) await measure(stream, name, cases.get(name) as Measured);
    }
  }
  for (const build of builds) print(build);
} finally {
  for (const workerd of running) await workerd.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function start(name: string, bundle: string): Promise<Build> {
  const home = join(folder, name.replaceAll(" ", "-"));
  mkdirSync(home);
  const workerd = await startWorkerd(bundle, home);
  running.push(workerd);
  const stream = await StreamClient.create({ url: workerd.url, adminToken: ADMIN_TOKEN }, "beside", { partitions: 1 });
  await load(stream);
  const nothing = (): Measured => ({ latenciesMs: [], recordsPerSecond: [], promotableMs: [] });
  return { name, stream, cases: new Map([IDLE, ...DUTIES].map((name) => [name, nothing()])) };
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

async function measure(
  stream: StreamClient,
  name: string,
  { latenciesMs, recordsPerSecond, promotableMs }: Measured,
): Promise<void> {
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
  while (name !== IDLE && performance.now() < until) {
    isCounted = true;
    const from = performance.now();
    const job = await replay(stream, Number(name));
    isCounted = false;
    promotableMs.push(performance.now() - from);
    recordsPerSecond.push(Number(job.recordsPerSecond));
    await stream.admin("POST", `/replays/${String(job.id)}/cancel`);
  }
  isOver = true;
  await appending;
}

async function replay(stream: StreamClient, maxDuty: number): Promise<Record<string, unknown>> {
  const { status, body } = await stream.admin("POST", "/replays", { view: "clicks_per_ad", maxDuty });
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
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
    open.push(appendOne(stream, i).then(() => took(performance.now() - sentAt)));
    // Looked at in the end.
    open.at(-1)?.catch(() => {});
  }
  await Promise.all(open);
}

/** A click that meets two changes of the configuration is not kept, and is sent again. */
async function appendOne(stream: StreamClient, i: number): Promise<void> {
  for (;;) {
    const { status, body } = await stream.append({ events: [{ adId: `ad-${i % 50}` }] }, stream.keys.import);
    if (status === 200) return;
    if (status !== 503) throw new Error(`${status} ${JSON.stringify(body)}`);
  }
}

function print({ name: build, cases }: Build): void {
  const idle = quantile(cases.get(IDLE)?.latenciesMs ?? [], 0.99);
  console.log(`\n${build}: ${RECORDS} records; a click every ${EVERY_MS} ms`);
  const columns = ["maxDuty", "clicks", "p50 ms", "p99 ms", "p99 ÷ idle", "greatest ms", "replays"];
  console.log(`| ${[...columns, "records/s (median)", "promotable after ms (median)"].join(" | ")} |`);
  console.log("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const [name, { latenciesMs, recordsPerSecond, promotableMs }] of cases) {
    const [p50 = NaN, p99 = NaN, most = NaN] = [0.5, 0.99, 1].map((share) => quantile(latenciesMs, share));
    const cells = [name, latenciesMs.length, ...[p50, p99].map((ms) => ms.toFixed(1)), (p99 / idle).toFixed(2)];
    cells.push(most.toFixed(1), recordsPerSecond.length);
    cells.push(...[recordsPerSecond, promotableMs].map((values) => Math.round(quantile(values, 0.5))));
    console.log(`| ${cells.join(" | ")} |`);
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}
