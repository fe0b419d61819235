// Everything that must hold, on a fresh checkout: builds, checks types, lint and format, and runs every test. Arguments
// go to vitest, as in `npm test -- --project node test/engine`. The last line printed is the counts.
import { mkdirSync, rmSync } from "node:fs";
import { bootstrap } from "./lib/bootstrap.mjs";
import { ensureBrowser } from "./lib/browser.mjs";
import { CHECKS } from "./lib/checks.mjs";
import { countsLine, readCounts } from "./lib/counts.mjs";
import { environment, inRoot, runTool } from "./lib/project.mjs";

await bootstrap(async () => {
  const browser = await ensureBrowser();

  /** @type {string[]} */
  const failed = [];
  for (const { name, passes } of CHECKS) {
    console.log(`${name} …`);
    if (!(await passes())) failed.push(name);
  }

  const { code, counts } = await runTests(process.argv.slice(2), browser);
  if (failed.length > 0) console.error(`Failed besides the tests: ${failed.join(", ")}; see above.`);
  console.log(countsLine(counts));
  return failed.length > 0 || counts.failed > 0 ? 1 : code;
});

/**
 * @param {readonly string[]} args
 * @param {string} browser
 */
async function runTests(args, browser) {
  const report = inRoot("test-results", "report.json");
  mkdirSync(inRoot("test-results"), { recursive: true });
  rmSync(report, { force: true }); // an old report must not speak for a run that left none
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const env = { ...environment(), HEADWATER_CHROMIUM: browser };
  const { code } = await runTool("vitest", ["run", ...reporters, ...args], { env });
  return { code, counts: readCounts(report) };
}
