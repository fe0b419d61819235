/**
 * What the partition takes of memory, said by a process of its own, `node memory-child.ts DATASET EVENTS`. Prints one JSON line for each moment.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type DatasetName, forgetTexts, generate } from "./dataset.ts";
import { QUESTIONS } from "./definitions.ts";
import { Headwater } from "./headwater.ts";
import { collectGarbage } from "./measure.ts";
import { AFTER_LOADING, type Memory } from "./results.ts";

const EVENTS_GENERATED = 1_000_000;
const dataset = process.argv[2] as DatasetName;
const events = Number(process.argv[3]);
const folder = mkdtempSync(join(tmpdir(), "headwater-memory-"));
try {
  // What making the events takes, and stays: no part of what the partition does.
  generate(dataset, EVENTS_GENERATED).next();
  const before = await memoryInUse();
  const headwater = new Headwater(folder, "log");
  for (const chunk of generate(dataset, events)) await headwater.load(chunk);
  await headwater.settle();
  forgetTexts();
  say(AFTER_LOADING, await memoryInUse(), before);
  const [question] = QUESTIONS;
  if (question === undefined) throw new Error("a first question");
  const peak = process.memoryUsage();
  headwater.onSegment = () => {
    const now = process.memoryUsage();
    peak.heapUsed = Math.max(peak.heapUsed, now.heapUsed);
    peak.external = Math.max(peak.external, now.external);
    peak.rss = Math.max(peak.rss, now.rss);
  };
  for (const contender of headwater.contenders) await (await contender.prepare(question))();
  say(`greatest during ${question.id}`, peak, before);
  await headwater.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Buffers are given back a while after the collection that found them. */
async function memoryInUse(): Promise<NodeJS.MemoryUsage> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await delay(100);
  }
  return process.memoryUsage();
}

function say(moment: string, now: NodeJS.MemoryUsage, before: NodeJS.MemoryUsage): void {
  const memory: Memory = {
    dataset,
    events,
    moment,
    heap: now.heapUsed - before.heapUsed,
    external: now.external - before.external,
    resident: now.rss - before.rss,
  };
  console.log(JSON.stringify(memory));
}
