/**
 * What the partition takes of memory, said by a process of its own, `node memory-child.ts EVENTS`. Prints one JSON line for each moment.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generate } from "./dataset.ts";
import { QUESTIONS } from "./definitions.ts";
import { Headwater } from "./headwater.ts";
import { collectGarbage } from "./measure.ts";
import type { Memory } from "./results.ts";

const events = Number(process.argv[2]);
const folder = mkdtempSync(join(tmpdir(), "headwater-memory-"));
try {
  const headwater = new Headwater(folder, "log");
  for (const chunk of generate("zipf", events)) await headwater.load(chunk);
  await headwater.settle();
  collectGarbage();
  say("after loading", process.memoryUsage());
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
  say(`greatest during ${question.id}`, peak);
  await headwater.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function say(moment: string, { heapUsed, external, rss }: NodeJS.MemoryUsage): void {
  const memory: Memory = { events, moment, heap: heapUsed, external, resident: rss };
  console.log(JSON.stringify(memory));
}
