// What the person who answers for the numbers does with the dashboard, in real Chromium on a real server.
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { StreamClient } from "../support/api.ts";
import { clicksIn, DemoWorld, SOON, textOf, untilText } from "../support/demo-world.ts";

const MINUTE_MS = 60_000;
const HOUR = Date.parse("2013-02-08T21:00:00Z");
const MEASURES = { clicks: { count: true }, revenue: { sum: "price" } };

let world: DemoWorld;

beforeAll(async () => {
  world = await DemoWorld.start();
});
afterEach(() => world.tidy());
afterAll(() => world?.end());

/** One click in the first minute of an hour, two in the second, and so on. */
const rising = (minutes: number) =>
  Array.from({ length: minutes }, (_, minute) =>
    Array.from({ length: minute + 1 }, () => ({ time: HOUR + minute * MINUTE_MS, adId: "ad-0", country: "FR" })),
  ).flat();

async function dashboardOf(stream: StreamClient, path = "/dashboard"): Promise<Page> {
  return world.open(await world.newReader(world.configOf(stream)), path);
}

/** The middle of a bar, in the page. */
async function barAt(page: Page, index: number, bars: number): Promise<readonly [x: number, y: number]> {
  const box = await page.locator("#chart .u-over").boundingBox();
  if (box === null) throw new Error("the chart is not drawn");
  return [box.x + (box.width * (index + 0.5)) / bars, box.y + box.height / 2];
}

test("a stretch of bars is dragged over to zoom in, and the back button leads out", async () => {
  const stream = await world.newStream();
  await stream.append({ events: rising(60).slice(0, 1_000) }, stream.keys.import);
  await stream.append({ events: rising(60).slice(1_000) }, stream.keys.import);
  const page = await dashboardOf(stream, `/dashboard?from=${HOUR}&to=${HOUR + 60 * MINUTE_MS}`);
  await untilText(page, "clicks", /^1,830$/);

  const [fromX, y] = await barAt(page, 10, 60);
  const [toX] = await barAt(page, 19, 60);
  await page.mouse.move(fromX, y);
  await page.mouse.down();
  await page.mouse.move(toX - 20, y);
  await page.mouse.move(toX, y);
  await untilText(page, "readout", /: 155 clicks$/); // 11 + 12 + … + 20
  await page.mouse.up();
  await untilText(page, "clicks", /^155$/);
  expect(new URL(page.url()).searchParams.get("from")).toBe(String(HOUR + 10 * MINUTE_MS));

  await page.click("#zoom-out");
  await untilText(page, "clicks", /^1,830$/);
  await page.goForward();
  await untilText(page, "clicks", /^155$/);
  expect(world.complaints).toEqual([]);
});

test("a click on a bar zooms to what lies around it", async () => {
  const stream = await world.newStream();
  await stream.append({ events: rising(40) }, stream.keys.import);
  const page = await dashboardOf(stream, `/dashboard?from=${HOUR}&to=${HOUR + 60 * MINUTE_MS}`);
  await untilText(page, "clicks", /^820$/);
  await page.mouse.click(...(await barAt(page, 20, 60)));
  await expect.poll(() => new URL(page.url()).searchParams.get("to"), SOON).toBe(String(HOUR + 28 * MINUTE_MS));
  await untilText(page, "clicks", /^315$/); // 14 + … + 28
});

test("the keyboard reads bars, marks them, zooms in and out", async () => {
  const stream = await world.newStream();
  await stream.append({ events: rising(30) }, stream.keys.import);
  const page = await dashboardOf(stream, `/dashboard?from=${HOUR}&to=${HOUR + 30 * MINUTE_MS}`);
  await untilText(page, "clicks", /^465$/);
  const chart = page.getByRole("slider", { name: /Clicks per minute/ });
  await chart.focus();
  await page.keyboard.press("Home");
  expect(await chart.getAttribute("aria-valuetext")).toMatch(/: 1 click$/);
  await page.keyboard.press("ArrowRight");
  expect(await chart.getAttribute("aria-valuetext")).toMatch(/: 2 clicks$/);
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  expect(await chart.getAttribute("aria-valuetext")).toMatch(/: 9 clicks$/); // 2 + 3 + 4
  await page.keyboard.press("Enter");
  await untilText(page, "clicks", /^9$/);
  await chart.focus();
  await page.keyboard.press("Escape");
  await untilText(page, "clicks", /^465$/);
});

test("a click on an ad or a country counts it alone", async () => {
  const stream = await world.newStream();
  await stream.append(
    { events: [...clicksIn("DE", "mobile", 6), ...clicksIn("JP", "desktop", 3)] },
    stream.keys.import,
  );
  const page = await dashboardOf(stream);
  await untilText(page, "clicks", /^9$/);
  await page.getByRole("button", { name: "ad-1" }).click();
  await untilText(page, "clicks", /^3$/);
  await page.getByRole("button", { name: "Germany" }).click();
  await untilText(page, "clicks", /^2$/);
  await page.click("#all-ads");
  await untilText(page, "clicks", /^6$/);
});

test("the admin key is asked for once, kept in memory only, and gone with a reload", async () => {
  const stream = await world.newStream();
  await stream.append({ events: clicksIn("DE", "mobile", 6) }, stream.keys.import);
  const reader = await world.newReader({ ...world.configOf(stream), adminToken: "" });
  const page = await world.open(reader, "/dashboard#views");
  await untilText(page, "views-locked", /admin key/);
  const unlock = async (key: string) => {
    await page.locator("#ask-key").fill(key);
    await page.getByRole("button", { name: "Unlock" }).click();
  };
  await page.getByRole("button", { name: "Enter the admin key" }).click();
  await unlock("wrong-key");
  await expect.poll(() => page.locator("dialog [role=alert]").innerText(), SOON).toMatch(/unauthorized/);
  await unlock(world.server.adminToken);
  await untilText(page, "view-state", /generation 1\b/);
  expect(await page.locator("dialog").count()).toBe(0);

  // Neither stored, nor in the address, nor in what is left of the form.
  const kept = await page.evaluate(async () => ({
    stored: JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie, history.state]),
    databases: (await indexedDB.databases()).length,
    address: location.href,
    page: document.documentElement.outerHTML,
  }));
  expect(JSON.stringify(kept)).not.toContain(world.server.adminToken);
  expect(kept.databases).toBe(0);

  await page.reload();
  await untilText(page, "views-locked", /admin key/);
  await page.getByRole("button", { name: "Enter the admin key" }).click();
  await unlock(world.server.adminToken);
  await untilText(page, "view-state", /generation 1\b/);
  await page.getByRole("button", { name: "Forget the admin key" }).click();
  await untilText(page, "views-locked", /admin key/);
});

/** Who decides is asked once; why, each time. */
async function decide(page: Page, action: string, reason: string): Promise<void> {
  const dialog = page.locator("dialog");
  await dialog.getByLabel("Why").fill(reason);
  const who = dialog.getByLabel("Who");
  if ((await who.inputValue()) === "") await who.fill("Ada");
  await dialog.getByRole("button", { name: action }).click();
}

test("a replay that would promote itself waits for a decision where it changes more than it may", async () => {
  const stream = await world.newStream();
  await stream.append({ events: clicksIn("DE", "mobile", 60) }, stream.keys.import);
  await stream.append({ events: clicksIn("JP", "desktop", 40) }, stream.keys.import);
  const page = await dashboardOf(stream, "/dashboard#views");
  await untilText(page, "view-state", /generation 1\b/);
  await page.getByRole("button", { name: "Add a condition" }).click();
  await page.getByLabel("Attribute", { exact: true }).fill("country");
  await page.getByLabel("Value").fill("DE");
  await page.getByText("How it runs").click();
  await page.locator("#rule-promoted").selectOption("by itself");
  await page.getByLabel("Totals change by at most").fill("5");
  await page.getByLabel("Why", { exact: true }).fill("Only Germany pays");
  await page.locator(".rule-editor [type=submit]").click();
  await untilText(page, "job-note", /was to be promoted by itself, but: the total of `clicks` went from 100 to 60/);
  expect(await textOf(page, "job-reason")).toBe("Only Germany pays");
  await untilText(page, "view-state", /generation 1\b/);
});

test("a rule is changed in the form, replayed, compared, promoted, and rolled back", async () => {
  const stream = await world.newStream({ views: [{ name: "bill", groupBy: ["adId"], measures: MEASURES }] });
  const clicks = [...clicksIn("KE", "tablet", 200), ...clicksIn("DE", "mobile", 100)];
  await stream.append({ events: clicks.map((click) => ({ ...click, price: 0.25 })) }, stream.keys.import);
  const page = await dashboardOf(stream, "/dashboard?view=bill");
  await untilText(page, "clicks", /^300$/);

  await page.getByRole("link", { name: "Views and replay" }).click();
  await untilText(page, "view-state", /generation 1\b/);
  await page.getByRole("button", { name: "Add a condition" }).click();
  await page.getByLabel("Attribute", { exact: true }).fill("country");
  await page.getByLabel("Comparison").selectOption("is not");
  await page.getByLabel("Value").fill("DE");
  await expect.poll(() => page.locator(".changes").innerText(), SOON).toMatch(/every event\s+country is not DE/);
  await page.getByRole("button", { name: "Replay with 1 change" }).click();

  await untilText(page, "job-state", /^Caught up$/);
  expect(await textOf(page, "job-diff")).toMatch(/clicks\s+300\s+200\s+−100 \(−33\.3%\)/);
  expect(await textOf(page, "job-diff")).toMatch(/revenue\s+75\s+50\s+−25 \(−33\.3%\)/);
  await page.getByText("Every row that changes").click();
  await page.getByLabel("One row for").selectOption("each key");
  const rows = page.locator(".diff.rows");
  await expect.poll(() => rows.innerText(), SOON).toMatch(/\d+ rows?, all that there are/);
  const changed = await rows.locator("tbody tr").allInnerTexts();
  const lost = changed
    .map((text) => /(\d+) → (\d+)/.exec(text))
    .map((found) => Number(found?.[1]) - Number(found?.[2]));
  expect(
    lost.reduce((sum, n) => sum + n, 0),
    JSON.stringify(changed),
  ).toBe(100);
  const downloading = page.waitForEvent("download");
  await rows.getByRole("button", { name: "Download all as CSV" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toMatch(/-changes\.csv$/);
  const csv = readFileSync(await download.path(), "utf8")
    .trimEnd()
    .split("\r\n");
  expect(csv[0]).toContain("clicks_before,clicks_after");
  expect(csv).toHaveLength(changed.length + 1);
  await page.click("#job-promote");
  await decide(page, "Promote", "Customer 7 disputes its clicks from Germany");
  await untilText(page, "job-state", /^Promoted$/);
  await untilText(page, "view-state", /generation 2\b/);

  // The bill changes, and changes back.
  await page.getByRole("link", { name: "Numbers", exact: true }).click();
  await untilText(page, "clicks", /^200$/);
  await page.goBack();
  await page.getByRole("button", { name: "Roll back to generation 1" }).click();
  await decide(page, "Roll back", "The dispute was withdrawn");
  await untilText(page, "view-state", /generation 1\b/);

  await page.getByRole("link", { name: "History" }).click();
  await expect.poll(() => page.locator(".ledger > li").count(), SOON).toBe(3);
  const [back, there] = await page.locator(".ledger > li").allInnerTexts();
  expect(back).toMatch(/Rolled back to generation 1, instead of 2.*by Ada.*withdrawn.*200\s+300\s+\+100/s);
  expect(there).toMatch(/Promoted generation 2, instead of 1.*by Ada.*Customer 7.*every event\s+country is not DE/s);
  expect(there).toMatch(/clicks\s+300\s+200\s+−100/);
  await page.getByRole("link", { name: "Numbers", exact: true }).click();
  await untilText(page, "clicks", /^300$/);
  expect(world.complaints).toEqual([]);
});

test("click spam is left out by a rule written as JSON, and what the form cannot show stays JSON", async () => {
  const stream = await world.newStream({ partitions: 1 });
  const time = Date.now() - 5 * MINUTE_MS;
  const burst = Array.from({ length: 40 }, (_, i) => ({ time: time + i * 1_000, adId: "ad-1", userId: `u-${i % 4}` }));
  await stream.append({ events: burst }, stream.keys.import);
  const page = await dashboardOf(stream, "/dashboard#views");
  await untilText(page, "view-state", /generation 1\b/);
  await page.locator("label", { hasText: "JSON" }).click();
  const json = page.getByLabel("The rule as JSON");
  await json.fill("{ not JSON");
  await page.locator(".rule-editor [type=submit]").click();
  await expect.poll(() => page.locator(".rule-editor .error").innerText(), SOON).toMatch(/no JSON/);
  await json.fill(JSON.stringify({ groupBy: ["adId"], where: { or: [{ adId: "ad-1" }, { adId: "ad-2" }] } }));
  await page.locator("label", { hasText: "Form" }).click();
  await expect.poll(() => page.locator(".rule-editor .error").innerText(), SOON).toMatch(/more than the form/);

  await json.fill(JSON.stringify({ groupBy: ["adId"], window: "10x" }));
  await page.locator(".rule-editor [type=submit]").click();
  await expect.poll(() => page.locator(".rule-editor .error").innerText(), SOON).toMatch(/invalid_replay/);

  await json.fill(JSON.stringify({ groupBy: ["adId"], spam: { by: ["userId", "adId"], within: "10s" } }));
  await expect.poll(() => page.locator(".changes").innerText(), SOON).toMatch(/within 10s of an earlier one/);
  await page.locator(".rule-editor [type=submit]").click();
  await untilText(page, "job-state", /^Caught up$/);
  // Every four seconds each of four users: all but their first lie within ten seconds of one before.
  expect(await textOf(page, "job-diff")).toMatch(/clicks\s+40\s+4\s+−36/);
});

test("a verification says that the replay agrees", async () => {
  const stream = await world.newStream();
  await stream.append({ events: clicksIn("BR", "mobile", 50) }, stream.keys.import);
  const page = await dashboardOf(stream, "/dashboard#views");
  await untilText(page, "view-state", /generation 1\b/);
  await page.getByRole("button", { name: "Verify the rule in force" }).click();
  await untilText(page, "job-state", /^Verified$/);
  expect(world.complaints).toEqual([]);
});

test("every part that a rule can have is in the form, and comes back as it was", async () => {
  const view = {
    name: "all",
    where: { country: { in: ["DE", "FR"] }, price: { gte: 0.1 } },
    groupBy: ["adId"],
    window: "2m",
    measures: { clicks: { count: true }, spam: { count: "invalid" }, revenue: { sum: "price" } },
    spam: { by: ["userId", "adId"], within: "10s" },
    retention: "90d",
    rollup: { hourAfter: "2d", dayAfter: "30d" },
  };
  const sessions = {
    name: "sessions",
    groupBy: ["userId"],
    window: "1h",
    measures: { sessions: { session: "count" }, length: { session: "duration" }, clicks: { session: "clicks" } },
    session: { by: ["userId"], gap: "30m" },
    retention: "400d",
  };
  const stream = await world.newStream({ views: [view, sessions] });
  for (const rule of [view, sessions]) {
    const page = await dashboardOf(stream, `/dashboard#views/${rule.name}`);
    await untilText(page, "view-state", /generation 1\b/);
    // From the form to JSON: what is there was read from its fields.
    await page.getByLabel("Window").fill("3m");
    await page.getByLabel("Window").fill(rule.window);
    await page.locator("label", { hasText: "JSON" }).click();
    const { name: _, ...parts } = rule;
    expect(JSON.parse(await page.getByLabel("The rule as JSON").inputValue())).toEqual(parts);
  }
});

test("a replay is paused where it is, and goes on from there", async () => {
  const stream = await world.newStream({ partitions: 1 });
  // Some segments: with a hundredth of the time for it, a replay rests between any two of them.
  const events = Array.from({ length: 2_000 }, (_, i) => ({ adId: `ad-${i % 7}`, country: i % 2 === 0 ? "DE" : "JP" }));
  for (let i = 0; i < 30; i++) await stream.append({ events }, stream.keys.import);
  const page = await dashboardOf(stream, "/dashboard#views/clicks_per_ad/replay");
  await untilText(page, "view-state", /generation 1\b/);
  const rule = { name: "clicks_per_ad", groupBy: ["adId"], where: { country: "DE" } };
  const { body } = await stream.admin("POST", "/replays", { view: rule, maxDuty: 0.001 });
  await untilText(page, "job-state", /^Replaying$/);
  await page.getByRole("button", { name: "Pause" }).click();
  await untilText(page, "job-state", /^Paused$/);
  const at = await textOf(page, "job-numbers");
  // What was under way when it was paused has been counted by the next look; from then on, nothing is.
  const replay = () => stream.admin("GET", `/replays/${String(body.id)}`);
  expect((await replay()).body).toMatchObject({ state: "running", paused: true });
  await page.waitForTimeout(4_000);
  expect(await textOf(page, "job-numbers")).toBe(at);
  await page.getByRole("button", { name: "Resume" }).click();
  await untilText(page, "job-state", /^(Replaying|Caught up)$/);
  await stream.admin("POST", `/replays/${String(body.id)}/cancel`);
});
