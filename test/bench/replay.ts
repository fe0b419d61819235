/**
 * Q6: a replay of a stored view through the real Durable Objects, beside the engine's own fold of the same events in Node
 * (Q1 of the query bench). The difference is all that makes a replay one: slices that let appends in between, windows that
 * are stored as it goes, an alarm that drives it, and the comparison with the view in force.
 *
 *   npm run bench -- replay [--events 1000000] [--rounds 9] [--partitions 1]
 *
 * The engine folds on one thread, and so do all objects of one isolate: partitions share what there is.
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { StreamClient } from "../support/api.ts";
import { printTable, ratiosOf, showCount, showRatio, spreadOf } from "./appends/report.ts";
import { ADMIN_TOKEN, bundleWorker, startWorkerd } from "./appends/raw-workerd.ts";
import { generate } from "./queries/dataset.ts";
import { QUESTIONS } from "./queries/definitions.ts";
import { Headwater } from "./queries/headwater.ts";
import { load, replay } from "./replays.ts";

const { values: options } = parseArgs({
  options: {
    events: { type: "string", default: "1000000" },
    rounds: { type: "string", default: "9" },
    partitions: { type: "string", default: "1" },
  },
});
const events = Number(options.events);
const rounds = Number(options.rounds);
const partitions = Number(options.partitions);

const folder = mkdtempSync(join(tmpdir(), "headwater-replay-"));
const workerd = await startWorkerd(await bundleWorker(folder), makeFolder("workerd"));
const engine = new Headwater(makeFolder("engine"), "log");
try {
  const server = { url: workerd.url, adminToken: ADMIN_TOKEN };
  const stream = await StreamClient.create(server, "replayed", { partitions, identifiers: ["userId"] });
  for (const chunk of generate("zipf", events)) {
    await engine.load(chunk);
    await load(stream, chunk);
  }
  await engine.settle();
  const measured = await measure(stream);
  print(measured);
} finally {
  await workerd.stop();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
}

function makeFolder(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
}

/** Times by round, in milliseconds. */
interface Measured {
  readonly engine: number[];
  /** Until the generation was caught up, stored and folded with each append: as the job itself says. */
  readonly caughtUp: number[];
  /** Until it had been compared and could be promoted: as whoever started it sees. */
  readonly promotable: number[];
}

async function measure(stream: StreamClient): Promise<Measured> {
  const question = QUESTIONS.find(({ id }) => id === "q1");
  const [contender] = engine.contenders;
  if (question === undefined || contender === undefined) throw new Error("Q1 and the engine that answers it");
  const ask = await contender.prepare(question);
  const measured: Measured = { engine: [], caughtUp: [], promotable: [] };
  // What comes first only warms up.
  for (let round = -2; round < rounds; round++) {
    const from = performance.now();
    await ask();
    const engineMs = performance.now() - from;
    const replayed = await replay(stream, events);
    if (round < 0) continue;
    measured.engine.push(engineMs);
    measured.caughtUp.push(replayed.caughtUpMs);
    measured.promotable.push(replayed.promotableMs);
  }
  return measured;
}

function print({ engine: engineMs, caughtUp, promotable }: Measured): void {
  const row = (name: string, times: readonly number[]) => [
    name,
    spreadOf(times).median.toFixed(0),
    showCount((events * 1_000) / spreadOf(times).median),
    // Speeds, not times: above 1 is faster.
    times === engineMs ? "" : showRatio(ratiosOf(engineMs, times)),
  ];
  console.log(`${events} clicks by minute and ad, ${partitions} partition(s), ${rounds} rounds`);
  printTable(
    ["", "ms", "records/s", "÷ the engine's"],
    [
      row("Q1: the engine, in Node", engineMs),
      row("Q6: the job, until it has caught up", caughtUp),
      row("Q6: seen from outside, until it can be promoted", promotable),
    ],
  );
}
