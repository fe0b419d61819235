// The demo in real Chromium on a real server: what a person who clicks around would see. dashboard.test.ts goes on from there.
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { clicksIn, DemoWorld, PHONE, SOON, textOf, topAds, untilText } from "../support/demo-world.ts";

let world: DemoWorld;

beforeAll(async () => {
  world = await DemoWorld.start();
});
afterEach(() => world.tidy());
afterAll(() => world?.end());

test("clicking ads on the page moves the dashboard's numbers", async () => {
  const reader = await world.newReader(world.configOf(await world.newStream()));
  const dashboard = await world.open(reader, "/dashboard");
  await untilText(dashboard, "clicks", /^0$/);

  const paper = await world.open(reader, "/");
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
  expect(world.complaints).toEqual([]);
});

test("the dashboard is told of a click by the live feed, and asks by itself where there is none", async () => {
  const stream = await world.newStream();
  const reader = await world.newReader(world.configOf(stream));
  const dashboard = await reader.newPage();
  const opened = dashboard.waitForEvent("websocket");
  await dashboard.goto(`${world.server.url}/dashboard`);
  await untilText(dashboard, "clicks", /^0$/);
  const socket = await opened;
  if (socket.isClosed()) throw new Error("the live feed was closed");
  const told = socket.waitForEvent("framereceived", {
    predicate: ({ payload }) => String(payload).includes('"clicks":1'),
  });
  await stream.append({ events: [{ adId: "ad-1" }] });
  await told;
  await untilText(dashboard, "clicks", /^1$/);

  const without = await reader.newPage();
  await without.routeWebSocket(/\/live$/, (route) => route.close({ code: 4_404, reason: "unknown_stream" }));
  await without.goto(`${world.server.url}/dashboard`);
  await untilText(without, "clicks", /^1$/);
  await stream.append({ events: [{ adId: "ad-1" }] });
  await untilText(without, "clicks", /^2$/);
});

test("made-up visitors click until they are stopped, and every click arrives", async () => {
  const stream = await world.newStream();
  const paper = await world.open(await world.newReader(world.configOf(stream)), "/");
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
  expect(world.complaints).toEqual([]);
});

test("country and device filter every number, and the address keeps the choice", async () => {
  const stream = await world.newStream();
  await stream.append(
    { events: [...clicksIn("DE", "mobile", 6), ...clicksIn("JP", "desktop", 4)] },
    stream.keys.import,
  );
  const dashboard = await world.open(await world.newReader(world.configOf(stream)), "/dashboard");
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
  expect(world.complaints).toEqual([]);
});

test("a range of dates shows what happened then", async () => {
  const stream = await world.newStream();
  const at = (time: string) => clicksIn("FR", "mobile", 6).map((click) => ({ ...click, time }));
  const events = [...at("2013-02-08T21:00:10Z"), ...at("2013-02-08T21:02:00Z"), ...at("2013-02-08T23:00:00Z")];
  await stream.append({ events }, stream.keys.import);
  const [from, to] = ["2013-02-08T21:00:00Z", "2013-02-08T22:00:00Z"].map((time) => Date.parse(time));
  const dashboard = await world.open(await world.newReader(world.configOf(stream)), `/dashboard?from=${from}&to=${to}`);
  await untilText(dashboard, "clicks", /^12$/);
  expect(await textOf(dashboard, "now-label")).toBe("Busiest");
  expect(await textOf(dashboard, "now")).toBe("6");
  expect(await textOf(dashboard, "fact-final")).toMatch(/^Yes/);
  expect(world.complaints).toEqual([]);
});

test("each partition's log start and end are shown", async () => {
  const stream = await world.newStream({ partitions: 1 });
  await stream.append({ events: clicksIn("US", "desktop", 40) }, stream.keys.import);
  const dashboard = await world.open(await world.newReader(world.configOf(stream)), "/dashboard");
  await untilText(dashboard, "partitions", /^0\s+0\s+40\b/);
});

test("the pages may load nothing from elsewhere", async () => {
  for (const path of ["/", "/dashboard"]) {
    const { headers } = await fetch(world.server.url + path);
    expect(headers.get("Content-Security-Policy")).toMatch(/default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
  }
});

test("without a configuration the pages ask for keys, and keep them for the tab", async () => {
  const stream = await world.newStream();
  const reader = await world.newReader(null);
  const dashboard = await world.open(reader, "/dashboard");
  await dashboard.getByLabel("Stream", { exact: true }).fill(stream.name);
  await dashboard.getByLabel("Read key", { exact: true }).fill(stream.keys.read);
  await dashboard.getByRole("button", { name: "Connect" }).click();
  await untilText(dashboard, "clicks", /^0$/);
  await untilText(dashboard, "log-locked", /admin key/);

  const paper = await world.open(reader, "/");
  await paper.getByLabel("Write key", { exact: true }).fill(stream.keys.write);
  await paper.getByLabel("Stream", { exact: true }).fill(stream.name);
  await paper.getByRole("button", { name: "Connect" }).click();
  await untilText(paper, "says", /Click an advertisement/);
});

test("a wrong key and a dead network are said in words, and the last numbers stay", async () => {
  const stream = await world.newStream();
  const wrong = await world.newReader({ ...world.configOf(stream), readKey: "rk_wrong" });
  await untilText(await world.open(wrong, "/dashboard"), "notices", /unauthorized.*Enter other keys/s);

  const reader = await world.newReader(world.configOf(stream));
  const dashboard = await world.open(reader, "/dashboard");
  await untilText(dashboard, "clicks", /^0$/);
  await reader.setOffline(true);
  await untilText(dashboard, "notices", /offline/);
  expect(await textOf(dashboard, "clicks")).toBe("0");
  await reader.setOffline(false);
  await untilText(dashboard, "liveness", /^Live$/);
  await expect.poll(() => dashboard.locator("#notices li").count(), SOON).toBe(0);
});

test.each(["/", "/dashboard"])("%s fits a phone without scrolling sideways", async (path) => {
  const stream = await world.newStream();
  await stream.append({ events: clicksIn("GB", "mobile", 1_000) }, stream.keys.import);
  const page = await world.open(await world.newReader(world.configOf(stream), { viewport: PHONE }), path);
  await untilText(page, path === "/" ? "says" : "clicks", path === "/" ? /Click an ad/ : /^1,000$/);
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(beyond).toBeLessThanOrEqual(0);
  expect(world.complaints).toEqual([]);
});
