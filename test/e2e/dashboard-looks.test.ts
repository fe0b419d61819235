// How the dashboard looks and whether everybody can use it: each page and state, on a phone and on a desktop, light and dark,
// goes past axe, and leaves a picture in test-results/dashboard for people to look at.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { inRoot } from "../../scripts/lib/project.mjs";
import type { StreamClient } from "../support/api.ts";
import { DemoWorld, DESKTOP, PHONE, SOON, untilText } from "../support/demo-world.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PICTURES = inRoot("test-results", "dashboard");

const MINUTE_MS = 60_000;
const COUNTRIES = ["US", "DE", "JP", "BR", "FR", "KE", null];
const DEVICES = ["mobile", "desktop", "tablet"];
const MEASURES = { clicks: { count: true }, revenue: { sum: "price" } };

let world: DemoWorld;
let stream: StreamClient;
/** Of the replay that waits for a decision. */
let generation: number;

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  world = await DemoWorld.start();
  stream = await world.newStream({
    archive: true,
    views: [
      { name: "clicks_per_ad", groupBy: ["adId"], window: "1m", measures: MEASURES },
      { name: "per_country", groupBy: ["country"], window: "1h", where: { device: { in: ["mobile", "tablet"] } } },
    ],
  });
  await stream.append({ events: visits(2_000) }, stream.keys.import);
  await stream.append({ events: visits(1_000) }, stream.keys.import);
  await stream.admin("POST", "/partitions/0/trim", { before: 500 });
  await revise();
  const rule = {
    name: "clicks_per_ad",
    groupBy: ["adId"],
    window: "1m",
    where: { country: { ne: "JP" } },
    measures: MEASURES,
  };
  const { body } = await stream.admin("POST", "/replays", { view: rule });
  generation = Number((await stream.replayUntil(String(body.id), ["caught-up"])).generation);
});

afterEach(() => world.tidy());
afterAll(() => world?.end());

/** A rule that was tried and given up again: the ledger has it. */
async function revise(): Promise<void> {
  const view = { name: "clicks_per_ad", groupBy: ["adId"], window: "1m", measures: MEASURES };
  const { body } = await stream.admin("POST", "/replays", { view: { ...view, where: { device: { ne: "tablet" } } } });
  await stream.replayUntil(String(body.id), ["caught-up"]);
  const by = "Ada Lovelace";
  const why = "Clicks of tablets are disputed: the newspaper's app sends two for each tap.";
  await stream.admin("POST", `/replays/${String(body.id)}/promote`, { by, reason: why });
  await stream.admin("POST", "/views/clicks_per_ad/rollback", {
    by,
    reason: "The app was mended, and its log corrected.",
  });
}

/** Clicks over the last 50 minutes, more of them on some ads than on others, in waves. */
const visits = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    time: Date.now() - Math.floor(50 * MINUTE_MS * ((i / count) ** 0.8 * 0.9 + 0.1 * Math.abs(Math.sin(i)))),
    adId: `summer-sale-${Math.floor((i * i) % 97) % 23}`,
    country: COUNTRIES[(i * 5) % 11] ?? null,
    device: DEVICES[i % 7 < 4 ? 0 : i % 3] ?? "desktop",
    userId: `u-${i % 300}`,
    price: (i % 13) / 100,
  }));

/** Takes the picture, and lets axe judge the page as it is. */
async function judge(page: Page, name: string, fullPage = true): Promise<void> {
  await page.screenshot({ path: `${PICTURES}/${name}.png`, fullPage });
  await page.evaluate(AXE);
  const faults = await page.evaluate(`axe.run().then(({ violations }) => violations.map(({ id, nodes }) =>
    id + ": " + nodes.map(({ html, failureSummary }) => html.slice(0, 160) + " " + failureSummary).join(" | ")))`);
  expect.soft(faults, name).toEqual([]);
}

const SIZES = { desktop: DESKTOP, phone: PHONE };

test.each([
  ["desktop", "light"],
  ["desktop", "dark"],
  ["phone", "light"],
  ["phone", "dark"],
] as const)("on a %s in %s, axe finds nothing in any state", async (size, colorScheme) => {
  const reader = await world.newReader(world.configOf(stream), { viewport: SIZES[size], colorScheme });
  const named = (name: string) => `${name}-${size}-${colorScheme}`;
  const page = await world.open(reader, "/dashboard");
  await untilText(page, "clicks", /^3,000$/);
  await untilText(page, "partitions", /^0\s+500\s/);
  await expect.poll(() => page.locator("#top-country tr").count(), SOON).toBeGreaterThan(3);
  await judge(page, named("numbers"));

  await page.locator("#top-ads button").first().click();
  await untilText(page, "chosen-ad", /summer-sale/);
  await page.locator("#chart").focus();
  await page.keyboard.press("ArrowLeft");
  for (let i = 0; i < 8; i++) await page.keyboard.press("Shift+ArrowLeft");
  await judge(page, named("numbers-marked"));
  await page.keyboard.press("Enter");
  await expect.poll(() => page.locator("#zoom-out").isVisible(), SOON).toBe(true);
  await page.locator("#as-table summary").click();
  await judge(page, named("numbers-zoomed"));

  await page.goto(`${world.server.url}/dashboard#views`);
  await untilText(page, "view-state", /generation 1\b/);
  await page.getByLabel("What counts").selectOption("clicks, but no click spam");
  await page.getByRole("button", { name: "Add a condition" }).click();
  await page.getByLabel("Attribute", { exact: true }).last().fill("country");
  await page.getByLabel("Value").last().fill("US");
  await judge(page, named("rule-form"));
  await page.locator("label", { hasText: "JSON" }).click();
  await judge(page, named("rule-json"));

  await page.getByRole("link", { name: "Replay", exact: true }).click();
  await untilText(page, "job-name", new RegExp(`Generation ${generation}\\b`));
  await judge(page, named("replay"));
  await page.getByText("Every row that changes").click();
  await expect.poll(() => page.locator(".diff.rows tbody tr").count(), SOON).toBe(50);
  await judge(page, named("replay-rows"));
  await page.click("#job-promote");
  await judge(page, named("promote"), false);
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "History" }).click();
  await expect.poll(() => page.locator(".ledger > li").count(), SOON).toBe(3);
  await judge(page, named("history"));

  expect(world.complaints).toEqual([]);
});

test.each([
  ["desktop", "light"],
  ["phone", "dark"],
] as const)(
  "on a %s in %s, axe finds nothing in the publisher's page, with the dashboard beside it",
  async (size, colorScheme) => {
    const reader = await world.newReader(world.configOf(stream), { viewport: SIZES[size], colorScheme });
    const page = await world.open(reader, "/");
    await untilText(page, "says", /Click an advertisement/);
    if (size === "desktop") {
      const beside = page.frameLocator("#beside iframe");
      await expect.poll(() => beside.locator("#clicks").innerText(), SOON).toMatch(/^\d/);
      await expect.poll(() => beside.locator("#top-country tr").count(), SOON).toBeGreaterThan(3);
    }
    await judge(page, `front-${size}-${colorScheme}`, false);
  },
);

test.each([
  ["desktop", "light"],
  ["phone", "dark"],
] as const)("on a %s in %s, axe finds nothing while things go wrong either", async (size, colorScheme) => {
  const config = { ...world.configOf(stream), adminToken: "" };
  const reader = await world.newReader(config, { viewport: SIZES[size], colorScheme });
  const named = (name: string) => `${name}-${size}-${colorScheme}`;
  const page = await world.open(reader, "/dashboard#views");
  await untilText(page, "views-locked", /admin key/);
  await judge(page, named("locked"));
  await page.getByRole("button", { name: "Enter the admin key" }).click();
  await page.locator("#ask-key").fill("wrong");
  await page.getByRole("button", { name: "Unlock" }).click();
  await expect.poll(() => page.locator("dialog [role=alert]").innerText(), SOON).toMatch(/unauthorized/);
  await judge(page, named("unlock"), false);
  await page.locator("#ask-key").fill(world.server.adminToken);
  await page.getByRole("button", { name: "Unlock" }).click();
  await page.locator("label", { hasText: "JSON" }).click();
  await page.getByLabel("The rule as JSON").fill("{");
  await page.locator("label", { hasText: "Form" }).click();
  await judge(page, named("rule-broken"));

  await page.getByRole("link", { name: "Numbers", exact: true }).click();
  await untilText(page, "clicks", /^3,000$/);
  await page.route("**/query", async (route) => {
    const response = await route.fetch();
    const missing = [{ partition: 1, reason: "unavailable" }];
    const carried = [{ from: Date.now() - 40 * MINUTE_MS, to: Date.now() - 30 * MINUTE_MS, generation: 3 }];
    await route.fulfill({
      response,
      json: { ...((await response.json()) as object), complete: false, missing, carried },
    });
  });
  await untilText(page, "notices", /taken over/);
  await judge(page, named("incomplete"));
  await page.unroute("**/query");
  await reader.setOffline(true);
  await untilText(page, "notices", /offline/);
  await judge(page, named("offline"), false);
});
