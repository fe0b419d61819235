import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { countsLine, readCounts } from "../../scripts/lib/counts.mjs";

const dir = mkdtempSync(join(tmpdir(), "headwater-counts-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function lineOf(report: object): string {
  const path = join(dir, "report.json");
  writeFileSync(path, JSON.stringify(report));
  return countsLine(readCounts(path));
}

test("the counts are the report's", () => {
  const report = { numPassedTests: 7, numFailedTests: 1, numPendingTests: 2, numTodoTests: 0, testResults: [] };
  expect(lineOf(report)).toBe("7 passed, 1 failed, 2 skipped");
});

test("a file that could not be loaded counts as one failure", () => {
  const testResults = [
    { status: "failed", assertionResults: [] },
    { status: "failed", assertionResults: [{ status: "failed" }] },
    { status: "passed", assertionResults: [{ status: "passed" }] },
  ];
  const report = { numPassedTests: 1, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0, testResults };
  expect(lineOf(report)).toBe("1 passed, 2 failed, 0 skipped");
});

test("a run that left no report has failed", () => {
  expect(countsLine(readCounts(join(dir, "none.json")))).toBe("0 passed, 1 failed, 0 skipped");
});
