/**
 * How fast events are appended, durable at reply, on raw workerd and under `wrangler dev`, beside Redis Streams, NATS JetStream
 * and PostgreSQL, and beside a worker that only stores what it is sent: each contender is given the same clicks in the same
 * batches over as many connections, one after the other in every round, so that ratios hold on a busy machine where times do
 * not. Peers that are not on this machine are named as skipped.
 *
 *   npm run bench -- appends [--rounds 3] [--seconds 1] [--loads 1x32,100x32] [--dev no] [--peers no] [--replay no]
 *     [--beside BUNDLE]
 *
 * Loads are clicks a batch by connections; without them it is all of 1, 10, 100 and 1,000 by 1, 32 and 256. The last measures
 * another build of the worker, a folder that `wrangler deploy --dry-run --outdir` wrote, in the same rounds.
 */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeClicks } from "./appends/clicks.ts";
import type { Contender, Load, Skipped } from "./appends/contender.ts";
import { appendsDuringReplay } from "./appends/during-replay.ts";
import { startFloor } from "./appends/floor.ts";
import { startHeadwater, startHeadwaterDev } from "./appends/headwater.ts";
import { measureLoads } from "./appends/loads.ts";
import { startNats } from "./appends/nats.ts";
import { notHere, postgres, startPostgresServer } from "./appends/postgres.ts";
import { startPostgresFront } from "./appends/postgres-front.ts";
import { bundleWorker } from "./appends/raw-workerd.ts";
import { startRedis } from "./appends/redis.ts";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    seconds: { type: "string", default: "1" },
    loads: { type: "string", default: ALL_LOADS() },
    beside: { type: "string" },
    dev: { type: "string", default: "yes" },
    peers: { type: "string", default: "yes" },
    replay: { type: "string", default: "yes" },
  },
});

function ALL_LOADS(): string {
  return [1, 10, 100, 1_000].flatMap((batch) => [1, 32, 256].map((connections) => `${batch}x${connections}`)).join();
}

const rounds = Number(options.rounds);
const forMs = Number(options.seconds) * 1_000;
const loads = options.loads.split(",").map((load): Load => {
  const [batch, connections] = load.split("x").map(Number);
  return { batch: batch ?? 1, connections: connections ?? 1 };
});

const folder = mkdtempSync(join(tmpdir(), "headwater-appends-"));
chmodSync(folder, 0o711); // PostgreSQL, which refuses to run as root, passes through it as somebody else
const contenders: Contender[] = [];
let ended: Promise<void> | null = null;
const end = (): Promise<void> => (ended ??= stopAll());
// `wrangler dev` is in a process group of its own, which Ctrl-C does not reach. `on`, not `once`: under npm, we may be told to end
// again before all of them have.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void end().finally(() => process.exit(1)));
try {
  const bundle = await bundleWorker(folder);
  contenders.push(await startHeadwater("Headwater, import key", "import", bundle, join(folder, "import")));
  contenders.push(await startHeadwater("Headwater, write key", "write", bundle, join(folder, "write")));
  if (options.dev === "yes") {
    contenders.push(await startHeadwaterDev("Headwater, wrangler dev", "import", join(folder, "dev")));
  }
  if (options.beside !== undefined) {
    contenders.push(await startHeadwater("other build, import key", "import", options.beside, join(folder, "beside")));
  }
  contenders.push(await startFloor(join(folder, "floor")));
  if (options.peers === "yes") await startPeers();
  await measureLoads(contenders, loads, { rounds, forMs });
  if (options.replay === "yes") await appendsDuringReplay(bundle, join(folder, "replay"), makeClicks(Date.now()));
} finally {
  await end();
}

async function stopAll(): Promise<void> {
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
