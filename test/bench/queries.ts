/**
 * The query bench: folding the durable log through the one engine, beside columnar engines that hold the same events, in the
 * same run, with answers that are compared first.
 *
 *   npm run bench -- queries --events 1000000,10000000 --rounds 9 --only q1,q2
 *
 * Fails if two engines do not agree. A missed target is shown, and is no failure: targets are aims, answers are facts.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArguments } from "./queries/arguments.ts";
import { chartOf } from "./queries/chart.ts";
import { QUESTIONS } from "./queries/definitions.ts";
import { measureGrowth } from "./queries/growth.ts";
import { Headwater } from "./queries/headwater.ts";
import { memoryOf } from "./queries/memory.ts";
import { count, reportOf } from "./queries/report.ts";
import type { Results } from "./queries/results.ts";
import { runSession } from "./queries/session.ts";

const RESULTS = join(import.meta.dirname, "results");

const { events: sizes, rounds, asks, picture } = parseArguments(process.argv.slice(2));
const questions = QUESTIONS.filter(({ id }) => asks(id));
const results: Results = {
  node: process.versions.node,
  platform: `${process.platform}-${process.arch}`,
  rounds,
  comparisons: [],
  sizes: [],
  growth: [],
  memory: [],
  skipped: [],
};

const folder = mkdtempSync(join(tmpdir(), "headwater-bench-"));
const logs: { readonly events: number; readonly engine: Headwater }[] = [];
try {
  for (const events of sizes) {
    const datasets = new Set(questions.map((question) => question.dataset));
    // Growth needs nothing but the logs.
    if (datasets.size === 0 && asks("growth")) datasets.add("zipf");
    for (const dataset of datasets) {
      const asked = questions.filter((question) => question.dataset === dataset);
      const home = join(folder, `${dataset}-${events}`);
      mkdirSync(home);
      const log = new Headwater(home, "log");
      // Only peers of one set of events are there at a time; the logs are kept, to be compared with one another.
      await runSession({ dataset, events, questions: asked, rounds, folder: join(home, "peers"), log }, results);
      if (dataset === QUESTIONS[0]?.dataset) logs.push({ events, engine: log });
      else await log.close();
    }
  }
  if (logs.length > 1 && asks("growth")) results.growth.push(...(await measureGrowth(logs, rounds)));
  for (const { engine } of logs) await engine.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (asks("memory")) for (const events of sizes) results.memory.push(...(await memoryOf(events)));

mkdirSync(RESULTS, { recursive: true });
writeFileSync(join(RESULTS, "queries.json"), `${JSON.stringify(results, null, 2)}\n`);
const largest = Math.max(...sizes);
const chart = chartOf(
  `Replay of ${count(largest)} clicks beside batch engines`,
  results.comparisons.filter(({ events }) => events === largest),
);
writeFileSync(picture ?? join(RESULTS, "queries.svg"), chart);
console.log(reportOf(results));
