/**
 * Takes the README's pictures of the dashboard, from real clicks on a real server: `npm run picture -- FILE.csv.gz`, with the
 * file that the tests are about. Writes docs/dashboard.png, and docs/workbench.png: what a rule against click spam changes.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { inRoot } from "../../scripts/lib/project.mjs";
import { StreamClient } from "../support/api.ts";
import { launchChromium } from "../support/chromium.ts";
import { startServer } from "../support/server.ts";

const DASHBOARD = inRoot("docs", "dashboard.png");
const WORKBENCH = inRoot("docs", "workbench.png");

/** A README loads with every visit. */
const PICTURE_BYTES_MAX = 200_000;

const SHARPENED = {
  name: "clicks_per_ad",
  groupBy: ["adId"],
  window: "1m",
  spam: { by: ["userId", "adId"], within: "30s" },
};

/** The busiest stretch of the file, by the minute. */
const SHOWN = { from: Date.parse("2013-02-08T20:48:00Z"), to: Date.parse("2013-02-08T21:48:00Z") };

const [clicksFile] = process.argv.slice(2);
if (clicksFile === undefined) throw new Error("Usage: npm run picture -- FILE.csv.gz");

const dir = mkdtempSync(join(tmpdir(), "headwater-screenshot-"));
const server = await startServer({ persistTo: dir });
const browser = await launchChromium();
try {
  const stream = await StreamClient.create(server, "clicks", { partitions: 4 });
  const target = ["--stream", "clicks", "--endpoint", server.url, "--key", stream.keys.import];
  const columns = ["--time", "event_time_ms", "--ad", "ad_id", "--user", "user_id", "--rename", "event_id=eventId"];
  const command = [inRoot("scripts", "import.mjs"), clicksFile, ...target, ...columns];
  execFileSync(process.execPath, command, { stdio: "inherit" }); // throws unless every click was taken

  const page = await browser.newPage({
    viewport: { width: 1280, height: 1000 },
    colorScheme: "light",
    timezoneId: "UTC",
  });
  const config = { stream: "clicks", readKey: stream.keys.read, adminToken: server.adminToken };
  await page.route("**/config.json", (route) => route.fulfill({ json: config }));
  await page.goto(`${server.url}/dashboard?from=${SHOWN.from}&to=${SHOWN.to}`);
  await page.locator("#log-panel").waitFor({ timeout: 60_000 });
  await page.locator("#top-country tr").first().waitFor({ timeout: 60_000 });
  mkdirSync(dirname(DASHBOARD), { recursive: true });
  await page.screenshot({ path: DASHBOARD, fullPage: true });

  const reason = "Advertisers dispute clicks that one user repeats within half a minute.";
  const { body } = await stream.admin("POST", "/replays", { view: SHARPENED, by: "Ada", reason });
  await stream.replayUntil(String(body.id), ["caught-up"]);
  await page.goto(`${server.url}/dashboard#views/clicks_per_ad/replay`);
  await page.locator("#job[data-state=caught-up]").waitFor({ timeout: 60_000 });
  await page.screenshot({ path: WORKBENCH });
  for (const picture of [DASHBOARD, WORKBENCH]) {
    const { size } = statSync(picture);
    if (size > PICTURE_BYTES_MAX) throw new Error(`${picture} has ${size} bytes, at most ${PICTURE_BYTES_MAX}`);
  }
} finally {
  await browser.close();
  await server.kill();
  rmSync(dir, { recursive: true, force: true });
}
