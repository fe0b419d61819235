/** What the partition takes of memory: measured in a process of its own, which holds nothing else. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { DatasetName } from "./dataset.ts";
import type { Memory } from "./results.ts";

/** Of the events that all questions are about, and of those with the most distinct values. */
const DATASETS: readonly DatasetName[] = ["zipf", "widest"];

export async function memoryOf(events: number): Promise<Memory[]> {
  const memory: Memory[] = [];
  for (const dataset of DATASETS) memory.push(...(await measure(dataset, events)));
  return memory;
}

async function measure(dataset: DatasetName, events: number): Promise<Memory[]> {
  const child = join(import.meta.dirname, "memory-child.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [child, dataset, String(events)]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Memory);
}
