// The README's picture of the dashboard, taken from the real clicks on a real server. Skipped unless asked for, because it
// writes into docs/: HEADWATER_SCREENSHOT=1 npm test -- test/e2e/demo-screenshot.test.ts
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { inRoot } from "../../scripts/lib/project.mjs";
import { runImport } from "../../scripts/lib/import/run.mjs";
import { StreamClient } from "../support/api.ts";
import { launchChromium } from "../support/chromium.ts";
import { clicksFile, haveData } from "../support/data.ts";
import { startServer } from "../support/server.ts";

const PICTURE = inRoot("docs", "dashboard.png");

/** A README loads with every visit. */
const PICTURE_BYTES_MAX = 200_000;

/** The busiest stretch of the file, by the minute. */
const SHOWN = { from: Date.parse("2013-02-08T20:48:00Z"), to: Date.parse("2013-02-08T21:48:00Z") };

test.runIf(process.env.HEADWATER_SCREENSHOT !== undefined && haveData)(
  "the dashboard poses for the README",
  async () => {
    const dir = mkdtempSync(join(tmpdir(), "headwater-screenshot-"));
    const server = await startServer({ persistTo: dir });
    const browser = await launchChromium();
    try {
      const stream = await StreamClient.create(server, "clicks", { partitions: 4 });
      const target = ["--stream", "clicks", "--endpoint", server.url, "--key", stream.keys.import];
      const columns = ["--time", "event_time_ms", "--ad", "ad_id", "--user", "user_id", "--rename", "event_id=eventId"];
      expect(await runImport([clicksFile, ...target, ...columns])).toBe(0);

      const page = await browser.newPage({
        viewport: { width: 1280, height: 1000 },
        colorScheme: "light",
        timezoneId: "UTC",
      });
      const config = { stream: "clicks", readKey: stream.keys.read, adminToken: server.adminToken };
      await page.route("**/config.json", (route) => route.fulfill({ json: config }));
      await page.goto(`${server.url}/dashboard?from=${SHOWN.from}&to=${SHOWN.to}`);
      await page.click("#replay-button");
      await page.locator("#job[data-state=caught-up]").waitFor({ timeout: 60_000 });
      mkdirSync(dirname(PICTURE), { recursive: true });
      await page.screenshot({ path: PICTURE, fullPage: true });
      expect(statSync(PICTURE).size).toBeLessThan(PICTURE_BYTES_MAX);
    } finally {
      await browser.close();
      await server.kill();
      rmSync(dir, { recursive: true, force: true });
    }
  },
);
