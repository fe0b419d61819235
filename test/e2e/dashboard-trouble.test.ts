// The dashboard when things are not as one would like: others act meanwhile, replays fail, answers have gaps, numbers jump.
// What cannot be brought about at will is put into the edge's real answers on their way to the page.
import type { Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { StreamClient } from "../support/api.ts";
import { clicksIn, DemoWorld, DESKTOP, PHONE, SOON, textOf, untilText } from "../support/demo-world.ts";

type Json = Record<string, unknown>;

const ONLY_DE = { name: "clicks_per_ad", groupBy: ["adId"], where: { country: "DE" } };

let world: DemoWorld;

beforeAll(async () => {
  world = await DemoWorld.start();
});
afterEach(() => world.tidy());
afterAll(() => world?.end());

async function streamWithClicks(): Promise<StreamClient> {
  const stream = await world.newStream();
  const events = [...clicksIn("DE", "mobile", 60), ...clicksIn("JP", "desktop", 30)];
  await stream.append({ events }, stream.keys.import);
  return stream;
}

async function workbenchOf(stream: StreamClient, prepare?: (page: Page) => Promise<unknown>): Promise<Page> {
  const page = await (await world.newReader(world.configOf(stream))).newPage();
  await prepare?.(page);
  await page.goto(`${world.server.url}/dashboard#views`);
  await untilText(page, "view-state", /generation 1\b/);
  return page;
}

/** Changes what the edge answers, on its way to the page. */
async function alter(route: Route, change: (body: Json) => Json): Promise<void> {
  const response = await route.fetch();
  await route.fulfill({ response, json: change((await response.json()) as Json) });
}

test("a replay that somebody else starts is shown as theirs, and a decision that comes too late is refused in words", async () => {
  const stream = await streamWithClicks();
  const page = await workbenchOf(stream);
  await page.getByLabel("Window").fill("2m");
  const { body } = await stream.admin("POST", "/replays", { view: ONLY_DE });
  await expect
    .poll(() => page.locator(".rule-editor").innerText(), SOON)
    .toMatch(/Generation 2 is waiting for a decision/);
  expect(await page.locator(".rule-editor [type=submit]").isDisabled()).toBe(true);

  await page.getByRole("link", { name: "Look at it" }).click();
  await untilText(page, "job-name", /Generation 2, started by somebody else/);
  await page.click("#job-promote");
  await stream.admin("POST", `/replays/${String(body.id)}/cancel`);
  await page.locator("dialog").getByLabel("Why").fill("It is right");
  await page.locator("dialog").getByRole("button", { name: "Promote" }).click();
  await expect.poll(() => page.locator("dialog [role=alert]").innerText(), SOON).toMatch(/replay_state/);
  await page.getByRole("button", { name: "Leave it" }).click();
  await untilText(page, "job-state", /^Cancelled$/);

  // What was begun to be edited is still there, and can be tried now.
  await page.getByRole("link", { name: "Rule", exact: true }).click();
  expect(await page.getByLabel("Window").inputValue()).toBe("2m");
  await expect.poll(() => page.locator(".rule-editor [type=submit]").isEnabled(), SOON).toBe(true);
});

test("an edit that began from a rule which is not in force any more says so", async () => {
  const stream = await streamWithClicks();
  const page = await workbenchOf(stream);
  await page.getByLabel("Window").fill("2m");
  await stream.admin("POST", "/replays", { view: ONLY_DE, promote: "auto" });
  await untilText(page, "view-state", /generation 2\b/);
  await expect.poll(() => page.locator(".stale").innerText(), SOON).toMatch(/another rule is in force/);
  await expect.poll(() => page.locator(".in-force").innerText(), SOON).toMatch(/country is DE/);
  expect(await page.getByLabel("Window").inputValue()).toBe("2m");
  await page.getByRole("button", { name: "Start over" }).click();
  expect(await page.getByLabel("Window").inputValue()).toBe("1m");
  expect(await page.getByLabel("Value").inputValue()).toBe("DE");
});

test("a view that is deleted meanwhile is said to be gone", async () => {
  const stream = await world.newStream({ views: [{ name: "a" }, { name: "b", groupBy: ["country"] }] });
  const page = await workbenchOf(stream);
  await page.getByRole("link", { name: /^b/ }).click();
  await untilText(page, "view-name", /^b$/);
  await stream.admin("DELETE", "/views/b");
  await untilText(page, "view-state", /no view of this name/);
  await page.getByRole("link", { name: /^a/ }).click();
  await untilText(page, "view-state", /generation 1\b/);
});

test("a failed replay says why, and one without a comparison says so before it is promoted", async () => {
  const stream = await streamWithClicks();
  const { body } = await stream.admin("POST", "/replays", { view: ONLY_DE });
  await stream.replayUntil(String(body.id), ["caught-up"]);
  let altered: Json = { state: "failed", error: "partition 1: out of memory", diff: undefined };
  const page = await workbenchOf(stream, (fresh) =>
    fresh.route(/\/replays$/, (route) =>
      alter(route, ({ replays }) => ({
        replays: (replays as Json[]).map((job) => (job.id === body.id ? { ...job, ...altered } : job)),
      })),
    ),
  );
  await page.getByRole("link", { name: "Replay", exact: true }).click();
  await untilText(page, "job-state", /^Failed$/);
  expect(await textOf(page, "job-note")).toBe("partition 1: out of memory");
  expect(await page.locator("#job-promote").isVisible()).toBe(false);
  expect(await page.getByRole("button", { name: "Start it again" }).isVisible()).toBe(true);

  altered = { diff: undefined, error: "a day of more groups than are compared" };
  await untilText(page, "job-state", /^Caught up$/);
  expect(await textOf(page, "job-note")).toMatch(/no comparison: a day of more groups than are compared/);
  expect(await textOf(page, "job-diff")).toBe("");
  await page.click("#job-promote");
  expect(await page.locator("dialog").innerText()).toMatch(/What it changes is not known/);
});

test("a long list of views can be searched", async () => {
  const stream = await streamWithClicks();
  const page = await workbenchOf(stream, (fresh) =>
    fresh.route(`**/admin/streams/${stream.name}`, (route) =>
      alter(route, (description) => {
        const [view] = description.views as Json[];
        const more = Array.from({ length: 60 }, (_, i) => ({
          ...view,
          name: `campaign-${i}-of-a-customer-with-a-long-name`,
        }));
        return { ...description, views: [view, ...more] };
      }),
    ),
  );
  await page.getByLabel("Find a view").fill("campaign-41");
  await expect.poll(() => page.locator("#views li:visible").count(), SOON).toBe(1);
  await page.locator("#views li:visible a").click();
  await untilText(page, "view-name", /^campaign-41-/);
  await page.getByLabel("Find a view").fill("nothing like it");
  await untilText(page, "views-none", /No view is called/);
});

test("what is missing and what was carried over is said in words beside the numbers", async () => {
  const stream = await streamWithClicks();
  const page = await (await world.newReader(world.configOf(stream))).newPage();
  const [from, to] = [Date.parse("2024-03-01T00:00:00Z"), Date.parse("2024-03-02T00:00:00Z")];
  await page.route("**/query", (route) =>
    alter(route, (answer) => ({
      ...answer,
      complete: false,
      missing: [
        { partition: 1, reason: "unavailable" },
        { from, to, reason: "trimmed" },
      ],
      carried: [{ from, to, generation: 3 }],
    })),
  );
  await page.goto(`${world.server.url}/dashboard`);
  await untilText(page, "fact-complete", /^No, 2 parts are missing/);
  const notices = await textOf(page, "notices");
  expect(notices).toMatch(/not complete.*partition 1, which does not answer/s);
  expect(notices).toMatch(/1 Mar 2024.*was trimmed from the log/s);
  expect(notices).toMatch(/taken over from generation 3/);
  expect(await page.locator("#notices li").first().isVisible()).toBe(true);
});

/** Counts what moves without anybody's doing, from the moment that the page is there. */
async function watchShifts(page: Page): Promise<() => Promise<unknown>> {
  await page.evaluate(() => {
    const shifts: string[] = [];
    Object.assign(window, { shifts });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & {
        value: number;
        hadRecentInput: boolean;
        sources: { node: Element | null }[];
      })[]) {
        const moved = entry.sources.map(({ node }) => node?.id || node?.className || node?.nodeName);
        if (!entry.hadRecentInput) shifts.push(`${entry.value.toFixed(4)} ${moved.join(", ")}`);
      }
    }).observe({ type: "layout-shift" });
  });
  return () => page.evaluate("shifts");
}

test.each([
  ["a desktop", DESKTOP],
  ["a phone", PHONE],
])("on %s, nothing moves while the numbers do", async (_, viewport) => {
  const stream = await world.newStream();
  await stream.append({ events: clicksIn("DE", "mobile", 3) }, stream.keys.import);
  const page = await world.open(await world.newReader(world.configOf(stream), { viewport }), "/dashboard");
  await untilText(page, "clicks", /^3$/);
  await untilText(page, "partitions", /^0\s+0\s/);
  const numbers = await watchShifts(page);
  let sent = 3;
  for (const [round, country] of ["US", "FR", "BR", "IN", "KE", "JP"].entries()) {
    // More digits, more ads, more countries with each round.
    const count = 4 ** (round + 1);
    const events = Array.from({ length: Math.min(count, 4_000) }, (_, i) => ({
      adId: `an-advertisement-with-a-long-name-${i % (3 * round + 3)}`,
      country,
      device: "desktop",
    }));
    await stream.append({ events }, stream.keys.import);
    sent += events.length;
    await untilText(page, "clicks", new RegExp(`^${sent.toLocaleString("en")}$`));
  }
  expect(await numbers()).toEqual([]);
  await page.close();

  const workbench = await world.open(
    await world.newReader(world.configOf(stream), { viewport }),
    "/dashboard#views/clicks_per_ad/replay",
  );
  await untilText(workbench, "job-state", /^Promoted$/);
  const replay = await watchShifts(workbench);
  await stream.admin("POST", "/replays", { view: ONLY_DE, maxDuty: 0.01 });
  await untilText(workbench, "job-state", /^Caught up$/);
  expect(await replay()).toEqual([]);
});

test("for whoever asked for less motion, nothing glides", async () => {
  const stream = await streamWithClicks();
  const reader = await world.newReader(world.configOf(stream), { reducedMotion: "reduce" });
  const page = await world.open(reader, "/dashboard");
  await untilText(page, "clicks", /^90$/);
  const moving = await page.evaluate(() =>
    [...document.querySelectorAll("*")].flatMap((element) =>
      [null, "::before", "::after", "::-webkit-progress-value"].flatMap((part) => {
        const { transitionDuration, animationName } = getComputedStyle(element, part);
        const still = animationName === "none" && transitionDuration.split(", ").every((one) => one === "0s");
        return still ? [] : [`${element.tagName}.${element.className}${part ?? ""}`];
      }),
    ),
  );
  expect(moving).toEqual([]);
});
