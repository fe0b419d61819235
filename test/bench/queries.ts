/**
 * The query bench: folding the durable log through the one engine, beside columnar engines that hold the same events, in the
 * same run, with answers that are compared first.
 *
 *   npm run bench -- queries --events 1000000,10000000 --rounds 9 --only q1,q2
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments } from "./queries/arguments.ts";
import { ClickHouse } from "./queries/clickhouse.ts";
import type { Contender, Engine } from "./queries/contender.ts";
import { type DatasetName, generate } from "./queries/dataset.ts";
import { type Question, QUESTIONS } from "./queries/definitions.ts";
import { DuckDb } from "./queries/duckdb.ts";
import { differenceOf } from "./queries/equal.ts";
import { Headwater } from "./queries/headwater.ts";
import { measure, median, pairedRatio } from "./queries/measure.ts";

const { events, rounds, asks } = parseArguments(process.argv.slice(2));
const questions = QUESTIONS.filter(({ id }) => asks(id));

for (const count of events)
  for (const dataset of new Set(questions.map((question) => question.dataset))) {
    await measureDataset(
      dataset,
      count,
      questions.filter((question) => question.dataset === dataset),
    );
  }

async function measureDataset(dataset: DatasetName, count: number, asked: readonly Question[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "headwater-bench-"));
  const engines: Engine[] = [];
  try {
    for (const source of new Set(asked.map(({ source }) => source))) engines.push(new Headwater(folder, source));
    engines.push(await DuckDb.open(folder), new ClickHouse(folder));
    const loadMs = engines.map(() => 0);
    for (const chunk of generate(dataset, count)) {
      for (const [i, engine] of engines.entries()) {
        const start = performance.now();
        await engine.load(chunk);
        loadMs[i] = (loadMs[i] as number) + performance.now() - start;
      }
    }
    for (const engine of engines) await engine.settle();
    console.error(
      "load s:",
      engines.map((engine, i) => `${engine.name} ${((loadMs[i] ?? 0) / 1000).toFixed(1)}`),
    );
    for (const engine of engines) console.log(await engine.bytes());
    const contenders = engines.flatMap((engine) => engine.contenders);
    for (const question of asked) await measureQuestion(question, contenders);
  } finally {
    for (const engine of engines) await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measureQuestion(question: Question, contenders: readonly Contender[]): Promise<void> {
  const own = contenders.find(({ id }) => id === (question.source === "view" ? "headwater-view" : "headwater"));
  if (own === undefined) throw new Error("Headwater takes part");
  const peers = contenders.filter(({ id }) => Object.hasOwn(question.targets, id));
  const expected = await (await own.prepare(question))();
  console.error(question.id, JSON.stringify(expected).slice(0, 200));
  for (const peer of peers) {
    const difference = differenceOf(question, expected, await (await peer.prepare(question))());
    if (difference !== null) throw new Error(`${question.id}: ${peer.name}: ${difference}`);
  }
  const times = await measure(
    [own, ...peers].map((contender) => ({ id: contender.id, prepare: () => contender.prepare(question) })),
    rounds,
  );
  for (const { id } of [own, ...peers]) {
    const ratio = pairedRatio(times.get(id) ?? [], times.get(own.id) ?? []);
    console.log(question.id, id, median(times.get(id) ?? []).toFixed(1), ratio);
  }
}
