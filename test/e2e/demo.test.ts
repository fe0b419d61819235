// The demo in real Chromium on a real server: what a person who clicks around would see. The pages get their keys as they
// do after `npm start`, from /config.json; the browser answers that request, so that each test has a stream of its own.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { StreamClient } from "../support/api.ts";
import { launchChromium } from "../support/chromium.ts";
import { type Server, startServer } from "../support/server.ts";

/** Two cores, a server and a browser: a second of theirs can take several of ours. */
const SOON = { timeout: 20_000, interval: 100 };

const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };

const dir = mkdtempSync(join(tmpdir(), "headwater-demo-"));
let server: Server;
let browser: Browser;
let contexts: BrowserContext[] = [];
let complaints: string[] = [];
let streams = 0;

beforeAll(async () => {
  server = await startServer({ persistTo: join(dir, "state") });
  browser = await launchChromium();
});

afterEach(async () => {
  await Promise.all(contexts.map((context) => context.close()));
  contexts = [];
  complaints = [];
});

afterAll(async () => {
  await browser?.close();
  await server?.kill();
  rmSync(dir, { recursive: true, force: true });
});

const newStream = (config: object = {}): Promise<StreamClient> =>
  StreamClient.create(server, `demo-${++streams}`, { partitions: 2, ...config });

/** A reader with an empty browser, whose pages find `config` where `npm start` would have put it. */
async function newReader(config: object | null, options: object = {}): Promise<BrowserContext> {
  const context = await browser.newContext({ viewport: DESKTOP, ...options });
  contexts.push(context);
  await context.route("**/config.json", (route) =>
    config === null ? route.fulfill({ status: 404 }) : route.fulfill({ json: config }),
  );
  context.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  context.on("weberror", (error) => complaints.push(String(error.error())));
  return context;
}

const configOf = ({ name, keys }: StreamClient) => ({
  stream: name,
  writeKey: keys.write,
  readKey: keys.read,
  adminToken: server.adminToken,
});

async function open(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(server.url + path);
  return page;
}

const textOf = (page: Page, id: string): Promise<string> => page.locator(`#${id}`).innerText();

const untilText = (page: Page, id: string, expected: string | RegExp): Promise<void> =>
  expect.poll(() => textOf(page, id), SOON).toMatch(expected);

/** The table of top ads, as `{ad: clicks}`. */
async function topAds(page: Page): Promise<Record<string, string>> {
  const rows = await page.locator("#top-ads tr").all();
  const cells = await Promise.all(rows.map((row) => row.locator("th, td").allInnerTexts()));
  return Object.fromEntries(cells.map(([ad = "", clicks = ""]) => [ad, clicks]));
}

const clicksIn = (country: string, device: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ adId: `ad-${index % 3}`, country, device }));

test("clicking ads on the page moves the dashboard's numbers", async () => {
  const reader = await newReader(configOf(await newStream()));
  const dashboard = await open(reader, "/dashboard");
  await untilText(dashboard, "clicks", /^0$/);

  const paper = await open(reader, "/");
  await untilText(paper, "says", /Click an advertisement/);
  await paper.click("[data-ad-id=ferry-bakery]");
  await paper.click("[data-ad-id=ferry-bakery]");
  await paper.click("[data-ad-id=rialto]");
  await untilText(paper, "says", /Every click is acknowledged/);
  await untilText(paper, "stage-acknowledged", /^3\b/);
  expect(await textOf(paper, "durability")).toBe("waiting on disk");

  await dashboard.bringToFront();
  await untilText(dashboard, "clicks", /^3$/);
  expect(await topAds(dashboard)).toEqual({ "ferry-bakery": "2", rialto: "1" });
  await untilText(dashboard, "fact-complete", /^Yes/);

  // The one beside the paper says the same.
  const beside = paper.frameLocator("#beside iframe");
  await expect.poll(() => beside.locator("#clicks").innerText(), SOON).toBe("3");
  expect(complaints).toEqual([]);
});

test("made-up visitors click until they are stopped, and every click arrives", async () => {
  const stream = await newStream();
  const paper = await open(await newReader(configOf(stream)), "/");
  await untilText(paper, "says", /Click an advertisement/);
  await paper.selectOption("#rate", "50");
  await paper.click("#visitors");
  await expect.poll(async () => Number.parseInt(await textOf(paper, "stage-clicked"), 10), SOON).toBeGreaterThan(60);
  await paper.click("#visitors");
  await untilText(paper, "says", /Every click is acknowledged/);
  const clicked = Number.parseInt(await textOf(paper, "stage-clicked"), 10);
  const { rows } = await stream.query({ last: "15m", groupBy: ["country"] });
  expect(rows.reduce((sum, { clicks }) => sum + Number(clicks), 0)).toBe(clicked);
  expect(rows.length).toBeGreaterThan(1);
  expect(complaints).toEqual([]);
});

test("country and device filter every number, and the address keeps the choice", async () => {
  const stream = await newStream();
  await stream.append(
    { events: [...clicksIn("DE", "mobile", 6), ...clicksIn("JP", "desktop", 4)] },
    stream.keys.import,
  );
  const dashboard = await open(await newReader(configOf(stream)), "/dashboard");
  await untilText(dashboard, "clicks", /^10$/);

  await expect.poll(() => dashboard.locator("select[name=country] option").count(), SOON).toBe(3);
  await dashboard.selectOption("select[name=country]", "is:DE");
  await untilText(dashboard, "clicks", /^6$/);
  expect(await topAds(dashboard)).toEqual({ "ad-0": "2", "ad-1": "2", "ad-2": "2" });

  await dashboard.reload();
  await untilText(dashboard, "clicks", /^6$/);
  await dashboard.selectOption("select[name=device]", "is:mobile");
  await dashboard.selectOption("select[name=country]", "");
  await untilText(dashboard, "clicks", /^6$/);
  expect(complaints).toEqual([]);
});

test("a range of dates shows what happened then", async () => {
  const stream = await newStream();
  const at = (time: string) => clicksIn("FR", "mobile", 6).map((click) => ({ ...click, time }));
  const events = [...at("2013-02-08T21:00:10Z"), ...at("2013-02-08T21:02:00Z"), ...at("2013-02-08T23:00:00Z")];
  await stream.append({ events }, stream.keys.import);
  const [from, to] = ["2013-02-08T21:00:00Z", "2013-02-08T22:00:00Z"].map((time) => Date.parse(time));
  const dashboard = await open(await newReader(configOf(stream)), `/dashboard?from=${from}&to=${to}`);
  await untilText(dashboard, "clicks", /^12$/);
  expect(await textOf(dashboard, "now-label")).toBe("Busiest");
  expect(await textOf(dashboard, "now")).toBe("6");
  expect(await textOf(dashboard, "fact-final")).toMatch(/^Yes/);
  expect(complaints).toEqual([]);
});

test("the replay button reaches caught-up, promote lets the new generation answer, roll back undoes it", async () => {
  const stream = await newStream();
  await stream.append({ events: clicksIn("KE", "tablet", 300) }, stream.keys.import);
  const dashboard = await open(await newReader(configOf(stream)), "/dashboard");
  await untilText(dashboard, "clicks", /^300$/);
  await untilText(dashboard, "replay-view", /generation 1\b/);

  await dashboard.click("#replay-button");
  await untilText(dashboard, "job-state", /^Caught up$/);
  expect(await textOf(dashboard, "job-totals")).toMatch(/clicks\s+300\s+300\s+no change/);
  await dashboard.click("#job-promote");
  await untilText(dashboard, "job-state", /^Promoted$/);
  await untilText(dashboard, "replay-view", /generation 2\b/);
  await untilText(dashboard, "fact-source", /generation 2\b/);
  expect(await textOf(dashboard, "clicks")).toBe("300");

  await dashboard.click("#roll-back");
  await untilText(dashboard, "replay-view", /generation 1\b/);
  await untilText(dashboard, "fact-source", /generation 1\b/);
  expect(await textOf(dashboard, "clicks")).toBe("300");
  expect(complaints).toEqual([]);
});

test("a verification says that the replay agrees", async () => {
  const stream = await newStream();
  await stream.append({ events: clicksIn("BR", "mobile", 50) }, stream.keys.import);
  const dashboard = await open(await newReader(configOf(stream)), "/dashboard");
  await untilText(dashboard, "replay-view", /generation 1\b/);
  await dashboard.locator("label", { hasText: "Verify" }).click();
  await dashboard.click("#replay-button");
  await untilText(dashboard, "job-state", /^Verified$/);
  expect(complaints).toEqual([]);
});

test("each partition's log start and end are shown", async () => {
  const stream = await newStream({ partitions: 1 });
  await stream.append({ events: clicksIn("US", "desktop", 40) }, stream.keys.import);
  const dashboard = await open(await newReader(configOf(stream)), "/dashboard");
  await untilText(dashboard, "partitions", /^0\s+0\s+40\s+40\b/);
});

test("the pages may load nothing from elsewhere", async () => {
  for (const path of ["/", "/dashboard"]) {
    const { headers } = await fetch(server.url + path);
    expect(headers.get("Content-Security-Policy")).toMatch(/default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  }
});

test("without a configuration the pages ask for keys, and keep them for the tab", async () => {
  const stream = await newStream();
  const reader = await newReader(null);
  const dashboard = await open(reader, "/dashboard");
  await dashboard.getByLabel("Stream", { exact: true }).fill(stream.name);
  await dashboard.getByLabel("Read key", { exact: true }).fill(stream.keys.read);
  await dashboard.getByRole("button", { name: "Connect" }).click();
  await untilText(dashboard, "clicks", /^0$/);
  await untilText(dashboard, "log-locked", /admin token/);

  const paper = await open(reader, "/");
  await paper.getByLabel("Write key", { exact: true }).fill(stream.keys.write);
  await paper.getByLabel("Stream", { exact: true }).fill(stream.name);
  await paper.getByRole("button", { name: "Connect" }).click();
  await untilText(paper, "says", /Click an advertisement/);
});

test("a wrong key and a dead network are said in words, and the last numbers stay", async () => {
  const stream = await newStream();
  const wrong = await newReader({ ...configOf(stream), readKey: "rk_wrong" });
  await untilText(await open(wrong, "/dashboard"), "notices", /unauthorized.*Enter other keys/s);

  const reader = await newReader(configOf(stream));
  const dashboard = await open(reader, "/dashboard");
  await untilText(dashboard, "clicks", /^0$/);
  await reader.setOffline(true);
  await untilText(dashboard, "notices", /offline/);
  expect(await textOf(dashboard, "clicks")).toBe("0");
  await reader.setOffline(false);
  await untilText(dashboard, "liveness", /^Live$/);
  await expect.poll(() => dashboard.locator("#notices li").count(), SOON).toBe(0);
});

test.each(["/", "/dashboard"])("%s fits a phone without scrolling sideways", async (path) => {
  const stream = await newStream();
  await stream.append({ events: clicksIn("GB", "mobile", 1_000) }, stream.keys.import);
  const page = await open(await newReader(configOf(stream), { viewport: PHONE }), path);
  await untilText(page, path === "/" ? "says" : "clicks", path === "/" ? /Click an ad/ : /^1,000$/);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(beyond).toBeLessThanOrEqual(0);
  expect(complaints).toEqual([]);
});
