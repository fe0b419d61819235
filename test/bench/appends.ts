/**
 * How fast events are appended, durable at reply, beside Redis Streams, NATS JetStream and PostgreSQL, and beside a worker that
 * only stores what it is sent: each contender is given the same clicks in the same batches over as many connections, one after
 * the other in every round, so that ratios hold on a busy machine where times do not. Peers that are not on this machine are
 * named as skipped.
 *
 * `npm run bench -- appends [--rounds 5] [--seconds 2] [--loads 1x32,100x32] [--beside BUNDLE]`: the last measures another
 * build of the worker, a folder that `wrangler deploy --dry-run --outdir` wrote, in the same rounds.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeClicks } from "./appends/clicks.ts";
import type { Contender, Load, Skipped } from "./appends/contender.ts";
import { startFloor } from "./appends/floor.ts";
import { startHeadwater } from "./appends/headwater.ts";
import { measure } from "./appends/measure.ts";
import { startNats } from "./appends/nats.ts";
import { notHere, postgres, startPostgresServer } from "./appends/postgres.ts";
import { startPostgresFront } from "./appends/postgres-front.ts";
import { bundleWorker } from "./appends/raw-workerd.ts";
import { startRedis } from "./appends/redis.ts";
import { printTable, ratiosOf, showCount, showRatio, spreadOf } from "./appends/report.ts";
import { appendsDuringReplay } from "./appends/during-replay.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    loads: { type: "string", default: ALL_LOADS() },
    beside: { type: "string" },
    peers: { type: "string", default: "yes" },
    replay: { type: "string", default: "yes" },
  },
});

function ALL_LOADS(): string {
  return [1, 10, 100, 1_000].flatMap((batch) => [1, 32, 256].map((connections) => `${batch}x${connections}`)).join();
}

const WARM_UP_MS = 500;
const rounds = Number(options.rounds);
const forMs = Number(options.seconds) * 1_000;
const loads = options.loads.split(",").map((load): Load => {
  const [batch, connections] = load.split("x").map(Number);
  return { batch: batch ?? 1, connections: connections ?? 1 };
});

const folder = mkdtempSync(join(tmpdir(), "headwater-appends-"));
chmodSync(folder, 0o711); // PostgreSQL, which refuses to run as root, passes through it as somebody else
const contenders: Contender[] = [];
try {
  const bundle = await bundleWorker(folder);
  contenders.push(await startHeadwater("Headwater, import key", "import", bundle, join(folder, "import")));
  contenders.push(await startHeadwater("Headwater, write key", "write", bundle, join(folder, "write")));
  if (options.beside !== undefined) {
    contenders.push(await startHeadwater("other build, import key", "import", options.beside, join(folder, "beside")));
  }
  contenders.push(await startFloor(join(folder, "floor")));
  if (options.peers === "yes") await startPeers();
  await appends();
  if (options.replay === "yes") await appendsDuringReplay(bundle, join(folder, "replay"), makeClicks(Date.now()));
} finally {
  for (const contender of contenders.toReversed()) await contender.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function startPeers(): Promise<void> {
  const enter = (started: Contender | Skipped) => {
    if ("skipped" in started) console.log(`skipped: ${started.name}: ${started.skipped}`);
    else contenders.push(started);
  };
  enter(await startRedis(join(folder, "redis")));
  enter(await startNats(join(folder, "nats")));
  const server = await startPostgresServer(join(folder, "postgres"));
  enter(server === null ? notHere : postgres(server));
  if (server !== null) enter(await startPostgresFront(server.port));
}

async function appends(): Promise<void> {
  const rows: string[][] = [];
  for (const load of loads) {
    const taking = contenders.filter(({ takes }) => takes?.(load) ?? true);
    const rates = new Map<string, number[]>(taking.map(({ name }) => [name, []]));
    const p99s = new Map<string, number[]>(taking.map(({ name }) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      for (const contender of taking) {
        const { batchesPerSecond, p99Ms } = await runOnce(contender, load);
        rates.get(contender.name)?.push(batchesPerSecond * load.batch);
        p99s.get(contender.name)?.push(p99Ms);
      }
    }
    const ours = rates.get(contenders[0]?.name ?? "") ?? [];
    for (const { name } of taking) {
      const own = rates.get(name) ?? [];
      const { median, least, greatest } = spreadOf(own);
      rows.push([
        String(load.batch),
        String(load.connections),
        name,
        `${showCount(median)} (${showCount(least)}–${showCount(greatest)})`,
        `${spreadOf(p99s.get(name) ?? []).median.toFixed(1)} ms`,
        own === ours ? "" : showRatio(ratiosOf(ours, own)),
      ]);
    }
  }
  printTable(["batch", "connections", "contender", "events/s", "p99", "Headwater, import key ÷ it"], rows);
}

async function runOnce(contender: Contender, load: Load) {
  const clients = await contender.connect(load, makeClicks(Date.now()));
  try {
    return await measure(clients, forMs, WARM_UP_MS);
  } finally {
    for (const client of clients) client.close();
    // Not everybody synchronizes what it writes: whoever comes next must not wait for what was left to the disk.
    execFileSync("sync");
  }
}
