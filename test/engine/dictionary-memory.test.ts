import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { ENGINE_LIMITS } from "#engine";
import { inRoot } from "../../scripts/lib/project.mjs";

const MIB = 1024 * 1024;

test("a million ads of twelve characters take less memory than dictionaries may, and no more than they say", () => {
  const script = inRoot("test", "support", "dictionary-heap.ts");
  const output = execFileSync(process.execPath, ["--expose-gc", script], { encoding: "utf8" });
  const memory = JSON.parse(output) as Record<string, number>;
  expect(memory).toMatchObject({ entries: 1_000_001, entriesRead: 1_000_001 });
  // What a partition may take for all that it does is 64 MiB.
  expect(ENGINE_LIMITS.dictionariesBytesMax).toBeLessThanOrEqual(40 * MIB);
  for (const kind of ["written", "read"]) {
    expect(memory[kind]).toBeLessThan(ENGINE_LIMITS.dictionariesBytesMax);
    // Some garbage-free heap beside the tables: code, maps, strings of the test's own.
    expect(memory[kind]).toBeLessThan((memory[`${kind}Said`] as number) + 2 * MIB);
  }
});
