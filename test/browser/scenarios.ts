/**
 * What a page must be able to go through without losing an event or having one counted twice. Each scenario takes a world:
 * an edge behind a fault proxy, pages, and the way to count. The stub's world is in sdk.test.ts; a real edge brings its own.
 */
import type { BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import type { ProfileBrowser } from "../support/chromium.ts";
import type { FaultProxy } from "../support/fault-proxy.ts";
import type { PageOptions, SdkPages } from "../support/sdk-pages.ts";
import type { Attributes, Status, Tracked, Tracker } from "../../sdk/types.ts";

declare global {
  interface Window {
    tracker: Tracker;
    problems: string[];
    drops: { reason: string; count: number }[];
  }
}

export interface World {
  readonly proxy: FaultProxy;
  readonly pages: SdkPages;
  readonly stream: string;
  readonly writeKey: string;
  /** How often each event was counted, by its attribute `id`. */
  counted(): Promise<ReadonlyMap<string, number>>;
  /** Starts the browser on this world's profile: again, after it was killed. */
  launch(): Promise<ProfileBrowser>;
  /** Copies the profile as it is on disk: the browser must not be running. */
  cloneProfile(): Promise<{ launch(): Promise<ProfileBrowser> }>;
}

/** How long a delivery may take once nothing stands in its way: a whole back-off after a long outage is less. */
const DELIVERY_MAX_MS = 30_000;

let nextId = 0;
export const newIds = (count: number): string[] => Array.from({ length: count }, () => `id-${nextId++}`);

export const pageUrl = (world: World, tracker: Record<string, unknown> = {}, more: Omit<PageOptions, "tracker"> = {}) =>
  world.pages.page({
    ...more,
    tracker: { endpoint: world.proxy.url, stream: world.stream, writeKey: world.writeKey, lingerMs: 20, ...tracker },
  });

export async function openPage(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => window.tracker !== undefined);
  return page;
}

/** Tracks events, and waits until each is durable. */
export const track = (page: Page, ids: readonly string[]): Promise<Tracked[]> =>
  page.evaluate(
    (given) => Promise.all(given.map((id) => window.tracker.track("click", { adId: "ad-1", id }))),
    ids as string[],
  );

export const status = (page: Page): Promise<Status> => page.evaluate(() => window.tracker.status());

/** Waits until all these events are counted, then makes sure that each is counted once. */
export async function expectCountedOnce(world: World, ids: readonly string[]): Promise<void> {
  const deadline = Date.now() + DELIVERY_MAX_MS;
  let counts = await world.counted();
  while (ids.some((id) => !counts.has(id)) && Date.now() < deadline) {
    await pause(50);
    counts = await world.counted();
  }
  expect(ids.filter((id) => !counts.has(id))).toEqual([]);
  // Whoever would send one again does so soon.
  await pause(300);
  counts = await world.counted();
  expect([...counts].filter(([, count]) => count !== 1)).toEqual([]);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(condition: () => Promise<boolean>, maxMs = DELIVERY_MAX_MS): Promise<void> {
  const deadline = Date.now() + maxMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error("it did not come to pass in time");
    await pause(50);
  }
}

// --- the scenarios -----------------------------------------------------------------------------------------------------

/** Acknowledged while the edge was away; the whole browser is killed; the next visit delivers. */
export async function survivesKill(world: World): Promise<void> {
  const ids = newIds(20);
  world.proxy.fail("drop before");
  const before = await world.launch();
  const page = await openPage(before.context, pageUrl(world));
  const tracked = await track(page, ids);
  expect(tracked.every(({ durability }) => durability === "disk")).toBe(true);
  await before.kill();
  world.proxy.fail("none");
  const after = await world.launch();
  await openPage(after.context, pageUrl(world));
  await expectCountedOnce(world, ids);
  await after.kill();
}

/** Killed while tracking and sending are under way: everything acknowledged until then arrives, and nothing twice. */
export async function survivesKillUnderWay(world: World): Promise<void> {
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round++) {
    const browser = await world.launch();
    const page = await browser.context.newPage();
    await page.exposeFunction("acknowledge", (id: string) => void acknowledged.push(id));
    await page.goto(pageUrl(world));
    await page.waitForFunction(() => window.tracker !== undefined);
    await page.evaluate((prefix) => {
      const { acknowledge } = window as unknown as { acknowledge: (id: string) => void };
      let n = 0;
      setInterval(() => {
        const id = `${prefix}-${n++}`;
        window.tracker.track("click", { id }).then(() => acknowledge(id));
      }, 2);
    }, newIds(1)[0]);
    await pause(400 + 250 * round);
    await browser.kill();
  }
  const browser = await world.launch();
  await openPage(browser.context, pageUrl(world));
  expect(acknowledged.length).toBeGreaterThan(50);
  await expectCountedOnce(world, acknowledged);
  await browser.kill();
}

/** Offline and online again, without a reload. */
export async function survivesOffline(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(10);
  const page = await openPage(context, pageUrl(world));
  await context.setOffline(true);
  await track(page, ids);
  await pause(1_000);
  expect((await status(page)).pending).toBe(10);
  await context.setOffline(false);
  await expectCountedOnce(world, ids);
  await page.close();
}

/** Two tabs of one log, a dead edge, both closed; a third delivers what both have logged. */
export async function survivesTwoTabsClosed(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(20);
  world.proxy.fail("drop before");
  const tabs = [await openPage(context, pageUrl(world)), await openPage(context, pageUrl(world))];
  const tracked = await Promise.all(tabs.map((tab, i) => track(tab, ids.slice(i * 10, i * 10 + 10))));
  const sequences = tracked.flat().map(({ sequence }) => sequence);
  expect(new Set(sequences).size).toBe(20);
  for (const tab of tabs) await tab.close();
  world.proxy.fail("none");
  const page = await openPage(context, pageUrl(world));
  await expectCountedOnce(world, ids);
  await page.close();
}

/** Of two tabs one leads; when it goes, the other takes over at once. */
export async function handsOverLeadership(world: World, context: BrowserContext): Promise<void> {
  const [first, second] = [await openPage(context, pageUrl(world)), await openPage(context, pageUrl(world))];
  await until(async () => (await status(first)).leader);
  expect((await status(second)).leader).toBe(false);
  const ids = newIds(4);
  await track(second, ids.slice(0, 2));
  await expectCountedOnce(world, ids.slice(0, 2));
  await first.close();
  await until(async () => (await status(second)).leader, 5_000);
  await track(second, ids.slice(2));
  await expectCountedOnce(world, ids);
  await second.close();
}

/** The edge fails in whichever way, and comes back. */
export async function survivesEdgeFault(
  world: World,
  context: BrowserContext,
  fault: Parameters<FaultProxy["fail"]>[0],
): Promise<void> {
  const ids = newIds(10);
  const page = await openPage(context, pageUrl(world));
  world.proxy.fail(fault);
  await track(page, ids);
  await pause(1_500);
  world.proxy.fail("none");
  await expectCountedOnce(world, ids);
  await page.close();
}

/** The edge has counted the events, twice over, but the replies were lost. */
export async function survivesLostReplies(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(10);
  const page = await openPage(context, pageUrl(world));
  world.proxy.fail("drop after", 2);
  await track(page, ids);
  await page.evaluate(() => window.tracker.flush());
  await expectCountedOnce(world, ids);
  expect(await status(page)).toMatchObject({ pending: 0, lost: {} });
  await page.close();
}

/**
 * Tracked, and gone in the same breath: nothing was acknowledged, but a page that goes away orderly loses nothing.
 *
 * @returns how many were counted before the next visit
 */
export async function survivesLeaving(
  world: World,
  context: BrowserContext,
  leave: "close" | "navigate",
): Promise<number> {
  const ids = newIds(6);
  // Only what a script has opened may a script close.
  const opener = await context.newPage();
  for (const id of ids) {
    const opened = context.waitForEvent("page");
    await opener.evaluate((url) => void window.open(url), pageUrl(world));
    const page = await opened;
    // As a person would: not before the page has settled.
    await page.waitForFunction(() => window.tracker?.status().durability === "disk");
    await pause(100);
    const gone = leave === "close" ? page.waitForEvent("close") : page.waitForURL("about:blank");
    const leaving = page.evaluate(
      ({ id, leave }) => {
        void window.tracker.click("ad-1", { id });
        if (leave === "close") window.close();
        else location.href = "about:blank";
      },
      { id, leave },
    );
    // The page may have gone before it could answer.
    await Promise.all([gone, leaving.catch(() => {})]);
    if (leave === "navigate") await page.close();
  }
  await pause(500);
  // Later than the last page: a browser that ends a process in that very moment may lose what it wrote to localStorage.
  await opener.close();
  const counts = await world.counted();
  const page = await openPage(context, pageUrl(world));
  await expectCountedOnce(world, ids);
  await page.close();
  return ids.filter((id) => counts.has(id)).length;
}

/** 400 events at once, and away. */
export async function survivesBurstThenNavigation(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(400);
  const page = await openPage(context, pageUrl(world));
  await page.evaluate((given) => {
    for (const id of given) void window.tracker.click("ad-1", { id, text: "x".repeat(200) });
    location.href = "about:blank";
  }, ids);
  await page.waitForURL("about:blank");
  await page.goto(pageUrl(world));
  await expectCountedOnce(world, ids);
  await page.close();
}

/** The worker dies without a word: what is pending is asked of the next one. */
export async function survivesWorkerDeath(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(6);
  const page = await openPage(context, pageUrl(world));
  await track(page, ids.slice(0, 2));
  const [worker] = page.workers();
  await worker?.evaluate(() => self.close()).catch(() => {});
  await track(page, ids.slice(2, 4));
  // Once may be chance, twice is not: the third home of the log is the page.
  const [second] = page.workers();
  await second?.evaluate(() => self.close()).catch(() => {});
  await track(page, ids.slice(4));
  await expectCountedOnce(world, ids);
  expect(page.workers()).toHaveLength(0);
  await page.close();
}

/** On its way into a freezer or the back/forward cache a leader lets go; coming back, it goes on. */
export async function survivesFrozenLeader(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(6);
  const [first, second] = [await openPage(context, pageUrl(world)), await openPage(context, pageUrl(world))];
  await until(async () => (await status(first)).leader);
  await track(first, ids.slice(0, 2));
  // The browser's own freezing does not work on pages under automation: they always count as visible.
  await first.evaluate(() => document.dispatchEvent(new Event("freeze")));
  await until(async () => (await status(second)).leader, 3_000);
  expect((await status(first)).leader).toBe(false);
  await track(second, ids.slice(2, 4));
  await first.evaluate(() => document.dispatchEvent(new Event("resume")));
  await track(first, ids.slice(4));
  await expectCountedOnce(world, ids);
  await second.close();
  await until(async () => (await status(first)).leader, 5_000);
  await first.close();
}

/** A leader that hangs and cannot let go: its heartbeat stops, and another steals the lock. */
export async function survivesHungLeader(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(6);
  const [first, second] = [await openPage(context, pageUrl(world)), await openPage(context, pageUrl(world))];
  await until(async () => (await status(first)).leader);
  const [worker] = first.workers();
  worker
    ?.evaluate(() => {
      for (;;);
    })
    .catch(() => {});
  await track(second, ids.slice(0, 3));
  await until(async () => (await status(second)).leader, 20_000);
  // The first tab finds out when it needs its worker, and starts another.
  await track(first, ids.slice(3));
  await expectCountedOnce(world, ids);
  for (const page of [first, second]) await page.close();
}

/** A profile is copied, and both copies go on: what each of them saw is counted, and nothing twice. */
export async function survivesClonedProfile(world: World): Promise<void> {
  const [common, original, copy] = [newIds(6), newIds(4), newIds(4)];
  const visit = async (launch: () => Promise<ProfileBrowser>, ids: readonly string[], delivered: boolean) => {
    const browser = await launch();
    const page = await openPage(browser.context, pageUrl(world));
    await track(page, ids);
    if (delivered) await page.evaluate(() => window.tracker.flush());
    await browser.kill();
  };
  await visit(() => world.launch(), common.slice(0, 3), true);
  world.proxy.fail("drop before");
  await visit(() => world.launch(), common.slice(3), false);
  const cloned = await world.cloneProfile();
  world.proxy.fail("none");
  await visit(() => world.launch(), original, true);
  await visit(() => cloned.launch(), copy, true);
  await expectCountedOnce(world, [...common, ...original, ...copy]);
}

/** A script tag, its stub, and clicks that nobody wrote code for. */
export async function worksAsScriptTag(world: World, context: BrowserContext): Promise<void> {
  const page = await context.newPage();
  const options = { endpoint: world.proxy.url, stream: world.stream, key: world.writeKey, autocapture: "" };
  await page.goto(world.pages.page({ kind: "script", tracker: options }));
  await page.waitForFunction(() => "status" in (window as unknown as { headwater: object }).headwater);
  await page.click("#inside");
  await page.click("#other");
  await expectCountedOnce(world, ["early", "clicked"]);
  await page.close();
}

/** What a visitor's browser holds of us. */
export const stored = (page: Page): Promise<string[]> =>
  page.evaluate(async () => [
    ...(await indexedDB.databases()).map(({ name }) => name ?? ""),
    ...Object.keys(localStorage),
  ]);

/** Without consent: not a byte stored, not a request made. */
export async function storesNothingWithoutConsent(
  world: World,
  context: BrowserContext,
  consent: "denied" | "pending",
): Promise<void> {
  const page = await openPage(context, pageUrl(world, { consent }));
  const requests = world.proxy.requests;
  const code = await page.evaluate(
    (attributes) =>
      Promise.race([
        window.tracker.track("click", attributes).then(
          () => "tracked",
          (error: { code: string }) => error.code,
        ),
        new Promise<string>((resolve) => setTimeout(() => resolve("waiting"), 500)),
      ]),
    { id: "unasked" } as Attributes,
  );
  expect(code).toBe(consent === "denied" ? "no_consent" : "waiting");
  expect(await stored(page)).toEqual([]);
  await page.close();
  await pause(300);
  expect(world.proxy.requests).toBe(requests);
}
