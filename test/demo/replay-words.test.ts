// What is said of a replay while it runs: in the workbench, and beside the command line's bar.
import * as v from "valibot";
import { expect, test } from "vitest";
import { detailOf } from "../../cli/replay-api.ts";
import { ReplaySchema as CliReplaySchema } from "../../cli/replay-schemas.ts";
import { ReplaySchema } from "../../demo/api-schemas.ts";
import { jobInWords } from "../../demo/workbench/replay-words.ts";

const partition = (number: number, silent?: object) => ({
  partition: number,
  from: 0,
  next: 100,
  target: 100,
  state: "building",
  ...(silent && { silent }),
});
const running = (...partitions: readonly object[]) => ({
  id: "v-2",
  view: "v",
  generation: 2,
  mode: "build",
  promote: "auto",
  state: "running",
  progress: 1,
  recordsDone: 100,
  recordsTotal: 100,
  recordsPerSecond: 9,
  etaMs: null,
  startedAt: 0,
  finishedAt: null,
  partitions,
});

test("a partition that does not answer is named, and nothing is said of comparing", () => {
  const waiting = running(partition(0), partition(1, { since: 5, reason: "network" }));
  const { note, canCancel } = jobInWords(v.parse(ReplaySchema, waiting), null);
  expect(note).toContain("Waiting for partition 1, which does not answer (network).");
  expect(canCancel).toBe(true);
  expect(detailOf(v.parse(CliReplaySchema, waiting))).toBe(
    "100 of 100 records  waiting for partition 1, which does not answer",
  );
  const going = running(partition(0), partition(1));
  expect(jobInWords(v.parse(ReplaySchema, going), null).note).toContain("being compared");
  expect(detailOf(v.parse(CliReplaySchema, going))).toContain("comparing");
});
