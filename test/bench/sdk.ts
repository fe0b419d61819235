/**
 * The SDK bench: what the published packages of other trackers lose, repeat, weigh and cost, beside Headwater in the same
 * harness, in real Chromium.
 *
 *   npm run bench:sdk -- faults,sizes --only headwater,snowplow --columns crash,down
 *
 * Results of a section replace those of an earlier run, tracker by tracker, so that a long bench can be run in parts. Fails if
 * Headwater counts an event twice or loses one, or if any tracker loses one without a fault: then its adapter is wrong.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";
import { findBrowser } from "../../scripts/lib/browser.mjs";
import { parseArguments } from "./sdk/arguments.ts";
import { versionOf, weigh } from "./sdk/bundles.ts";
import { chartOf } from "./sdk/chart.ts";
import { measureCost, measureLatency } from "./sdk/cost.ts";
import { runCell } from "./sdk/faults.ts";
import { Pages } from "./sdk/pages.ts";
import { reportOf } from "./sdk/report.ts";
import type { Cell, Results } from "./sdk/results.ts";
import { measureSameVisit } from "./sdk/same-visit.ts";
import { Turns } from "./sdk/visit.ts";

const RESULTS = join(import.meta.dirname, "results");
const FILE = join(RESULTS, "sdk.json");

/** Cells that wait side by side. */
const CELLS_AT_ONCE = 12;
/** Whoever has none of this is Headwater's match in it. */
const SAME_VISIT = ["headwater", "plausible"];

const { sections, adapters, columns, rounds, visits, picture } = parseArguments(process.argv.slice(2));
const browser = await launch();
const pages = await Pages.start(adapters);
const earlier = resultsSoFar();
const results: Results = {
  ...earlier,
  browser: `Chromium ${browser.version()}`,
  platform: `${process.platform}-${process.arch}`,
  versions: { ...earlier.versions, ...Object.fromEntries(adapters.map((one) => [one.id, versionOf(one)])) },
};
try {
  if (sections.includes("sizes")) {
    const sizes = [];
    for (const adapter of adapters) sizes.push({ adapter: adapter.id, ...(await weigh(adapter)) });
    results.sizes = replaced(results.sizes, sizes, ({ adapter }) => adapter);
  }
  if (sections.includes("faults")) {
    results.faults = replaced(results.faults, await befall(), ({ adapter, column }) => `${adapter} ${column}`);
  }
  if (sections.includes("visits")) {
    const some = adapters.filter(({ id }) => SAME_VISIT.includes(id));
    const measured = await measureSameVisit(browser, pages, some, visits);
    results.sameVisit = replaced(results.sameVisit, measured, ({ adapter, leaving }) => `${adapter} ${leaving}`);
  }
  if (sections.includes("cost")) {
    const cost = await measureCost(browser, pages, adapters, rounds);
    results.cost = replaced(results.cost, cost, ({ adapter }) => adapter);
    const own = adapters.find(({ id }) => id === "headwater");
    if (own !== undefined) results.latency = await measureLatency(browser, pages, own);
  }
} finally {
  await browser.close();
  await pages.stop();
}

mkdirSync(RESULTS, { recursive: true });
writeFileSync(FILE, `${JSON.stringify(results, null, 2)}\n`);
writeFileSync(picture ?? join(RESULTS, "sdk.svg"), chartOf(results));
console.log(reportOf(results));
const wrong = results.faults.filter(
  ({ adapter, column, lost, countedTwice }) =>
    (lost > 0 && (adapter === "headwater" || column === "control")) || (countedTwice ?? 0) > 0,
);
for (const cell of wrong) console.error("wrong:", JSON.stringify(cell));
if (wrong.length > 0) process.exitCode = 1;

/** All cells, a dozen side by side; one that fails fails all. */
async function befall(): Promise<Cell[]> {
  const turns = new Turns();
  const waiting = columns.flatMap((column) => adapters.map((adapter) => ({ adapter, column })));
  const cells: Cell[] = [];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const cell = await runCell(browser, pages, next.adapter, next.column, turns);
      console.log(
        `${next.adapter.name}, ${next.column.title}: ${cell.lost}/${cell.sent} lost, ${cell.twiceOnTheWire} twice`,
      );
      cells.push(cell);
    }
  };
  await Promise.all(Array.from({ length: CELLS_AT_ONCE }, work));
  return cells;
}

/** With the back/forward cache, as people's browsers have it; and nothing but this machine can be reached. */
async function launch(): Promise<Browser> {
  const executablePath = await findBrowser();
  if (executablePath === undefined)
    throw new Error("No Chromium: run `node scripts/browser.mjs`, or set HEADWATER_CHROMIUM.");
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // Trackers may take an automated browser for a robot, and stay silent.
      "--disable-blink-features=AutomationControlled",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    ],
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
}

function resultsSoFar(): Results {
  try {
    return JSON.parse(readFileSync(FILE, "utf8")) as Results;
  } catch {
    const nothing = { faults: [], sizes: [], cost: [], latency: [], sameVisit: [] };
    return { browser: "", platform: "", versions: {}, ...nothing };
  }
}

/** The earlier rows but for those that were measured again. */
function replaced<T>(earlier: readonly T[], now: readonly T[], keyOf: (row: T) => string): T[] {
  const again = new Set(now.map(keyOf));
  return [...earlier.filter((row) => !again.has(keyOf(row))), ...now];
}
