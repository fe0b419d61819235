/** What the partition takes of memory: measured in a process of its own, which holds nothing else. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Memory } from "./results.ts";

export async function memoryOf(events: number): Promise<Memory[]> {
  const child = join(import.meta.dirname, "memory-child.ts");
  const { stdout } = await promisify(execFile)(process.execPath, [child, String(events)]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Memory);
}
