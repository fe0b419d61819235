/**
 * What rolling windows up saves: rows and bytes of a day of a view as minutes, as hours and as a day, what it takes to get there,
 * and how long the day's top 100 take from each. The answers are compared first.
 *
 *   npm run bench -- rollup [--events 1000000] [--rounds 9]
 */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { printTable, showCount } from "./appends/report.ts";
import { DAY_MS, DAY_START, forgetTexts, generate } from "./queries/dataset.ts";
import { type Question, QUESTIONS } from "./queries/definitions.ts";
import { differenceOf } from "./queries/equal.ts";
import { Headwater, type StoredWindows } from "./queries/headwater.ts";
import { measure, median } from "./queries/measure.ts";

const { values: options } = parseArgs({
  options: { events: { type: "string", default: "1000000" }, rounds: { type: "string", default: "9" } },
});
const events = Number(options.events);

/** How long after the day windows are as wide as that. */
const STAGES = [
  { width: "minutes", after: null },
  { width: "hours", after: 8 * DAY_MS },
  { width: "days", after: 91 * DAY_MS },
] as const;

const TOP_OF_DAY: Question = {
  ...(QUESTIONS.find(({ top, country }) => top !== null && country === null) as Question),
  from: DAY_START,
  to: DAY_START + DAY_MS,
  source: "view",
};

interface Stage {
  readonly width: string;
  readonly engine: Headwater;
  readonly windows: StoredWindows;
  /** Of rolling up, in all and of its longest step, which is what an append may find in its way. */
  readonly tookMs: number;
  readonly longestMs: number;
}

const folder = mkdtempSync(join(tmpdir(), "headwater-rollup-"));
try {
  const stages: Stage[] = [];
  for (const { width, after } of STAGES) stages.push(await stageOf(width, after));
  const [minutes] = stages.map(({ engine }) => engine.contenders[0]);
  if (minutes === undefined) throw new Error("a view that answers");
  const expected = await (await minutes.prepare(TOP_OF_DAY))();
  const runners = stages.map(({ width, engine }) => ({
    id: width,
    prepare: async () => {
      const ask = await engine.contenders[0]?.prepare(TOP_OF_DAY);
      if (ask === undefined) throw new Error("a view that answers");
      const difference = differenceOf(TOP_OF_DAY, expected, await ask());
      if (difference !== null) throw new Error(`${width}: ${difference}`);
      return ask;
    },
  }));
  const times = await measure(runners, Number(options.rounds));
  printTable(
    [
      `${showCount(events)} clicks of a day, by ad`,
      "rows",
      "bytes",
      "top 100 of the day",
      "rolled up in",
      "longest step",
    ],
    stages.map(({ width, windows, tookMs, longestMs }) => [
      width,
      String(windows.rows),
      `${(windows.bytes / 1024).toFixed(0)} KiB`,
      showMs(median(times.get(width)?.wall ?? [])),
      showMs(tookMs),
      showMs(longestMs),
    ]),
  );
  for (const { engine } of stages) await engine.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function stageOf(width: string, after: number | null): Promise<Stage> {
  const home = join(folder, width);
  mkdirSync(home);
  const engine = new Headwater(home, "view");
  for (const chunk of generate("zipf", events)) await engine.load(chunk);
  forgetTexts();
  await engine.settle();
  let [tookMs, longestMs] = [0, 0];
  if (after !== null) {
    for (const step of engine.rollUp(DAY_START + DAY_MS + after)) {
      const from = performance.now();
      step();
      const ms = performance.now() - from;
      tookMs += ms;
      longestMs = Math.max(longestMs, ms);
    }
  }
  return { width, engine, windows: engine.windows("adId"), tookMs, longestMs };
}

function showMs(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}
