/** Harder things that a page must be able to go through; like scenarios.ts, against whatever edge the world has. */
import type { BrowserContext, Page } from "playwright-core";
import { expect } from "vitest";
import { cpuTicks } from "../support/process.ts";
import { expectCountedOnce, newIds, openPage, pageUrl, pause, status, track, until, type World } from "./scenarios.ts";

/** The tab's process ends without a word. */
export async function crash(context: BrowserContext, page: Page): Promise<void> {
  const session = await context.newCDPSession(page);
  const crashed = page.waitForEvent("crash");
  // It cannot answer.
  session.send("Page.crash").catch(() => {});
  await crashed;
  await page.close();
}

/** Four times: five events are durable, and the renderer crashes before anything could be sent. */
export async function survivesCrash(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(20);
  for (let round = 0; round < 4; round++) {
    const page = await openPage(context, pageUrl(world, { lingerMs: 200 }));
    await track(page, ids.slice(round * 5, round * 5 + 5));
    await crash(context, page);
  }
  const page = await openPage(context, pageUrl(world));
  await expectCountedOnce(world, ids);
  await page.close();
}

/** Offline for two seconds, and then the renderer crashes. */
export async function survivesOfflineThenCrash(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(10);
  const page = await openPage(context, pageUrl(world));
  await context.setOffline(true);
  await track(page, ids);
  await pause(2_000);
  await crash(context, page);
  await context.setOffline(false);
  const next = await openPage(context, pageUrl(world));
  await expectCountedOnce(world, ids);
  await next.close();
}

/** The browser grants 2 MB, and the edge is away: what does not fit is refused, what was acknowledged arrives. */
export async function survivesQuota(world: World, context: BrowserContext): Promise<void> {
  const page = await openPage(context, pageUrl(world));
  const session = await context.newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin: world.pages.url, quotaSize: 2_000_000 });
  world.proxy.fail("drop before");
  const prefix = newIds(1)[0] ?? "";
  const { kept, codes } = await page.evaluate(async (prefix) => {
    const kept: string[] = [];
    const codes: string[] = [];
    for (let n = 0; codes.length === 0 && n < 10_000; n += 50) {
      const calls = Array.from({ length: 50 }, async (_, i) => {
        const id = `${prefix}-${n + i}`;
        try {
          await window.tracker.click("ad-1", { id, text: "x".repeat(1_000) });
          kept.push(id);
        } catch (error) {
          codes.push((error as { code: string }).code);
        }
      });
      await Promise.all(calls);
    }
    return { kept, codes };
  }, prefix);
  expect(new Set(codes)).toEqual(new Set(["log_full"]));
  expect(kept.length).toBeGreaterThan(500);
  expect((await status(page)).lost).toEqual({ log_full: codes.length });
  world.proxy.fail("none");
  await page.evaluate(() => window.tracker.flush());
  await expectCountedOnce(world, kept);
  expect(await status(page)).toMatchObject({ pending: 0, acknowledged: kept.length, durability: "disk" });
  await session.send("Storage.overrideQuotaForOrigin", { origin: world.pages.url });
  await page.close();
}

/** The leading tab's process is stopped, with its lock and its lease, in the middle of sending; later it wakes. */
export async function survivesStoppedLeader(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(9);
  const first = await openPage(context, pageUrl(world));
  await until(async () => (await status(first)).leader);
  const second = await openPage(context, pageUrl(world));
  const leader = await processOf(context, first);
  expect(await processOf(context, second)).not.toBe(leader);
  // It leads, and has sent what it will hear the answer of only when it wakes.
  world.proxy.fail("slow");
  await track(first, ids.slice(0, 3));
  await pause(100);
  process.kill(leader, "SIGSTOP");
  try {
    await track(second, ids.slice(3, 6));
    await until(async () => (await status(second)).leader, 20_000);
    world.proxy.fail("none");
    await expectCountedOnce(world, ids.slice(0, 6));
  } finally {
    process.kill(leader, "SIGCONT");
  }
  await track(first, ids.slice(6));
  await expectCountedOnce(world, ids);
  await until(async () => (await status(first)).leader !== (await status(second)).leader);
  for (const page of [first, second]) await page.close();
}

/** Nobody tells which process is a tab's; but the one that works when the tab does is. */
async function processOf(context: BrowserContext, page: Page): Promise<number> {
  const pids = await renderers(context);
  const before = pids.map(cpuTicks);
  await page.evaluate(() => {
    for (const end = Date.now() + 500; Date.now() < end;);
  });
  const worked = pids.map((pid, i) => cpuTicks(pid) - (before[i] ?? 0));
  const busiest = pids[worked.indexOf(Math.max(...worked))];
  if (busiest === undefined) throw new Error("a tab has a process");
  return busiest;
}

async function renderers(context: BrowserContext): Promise<readonly number[]> {
  const session = await context.browser()?.newBrowserCDPSession();
  if (session === undefined) throw new Error("this context has no browser");
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  return processInfo.filter(({ type }) => type === "renderer").map(({ id }) => id);
}

/** Ten tabs of one log, all busy; the leader is closed again and again. */
export async function survivesTenTabs(world: World, context: BrowserContext): Promise<void> {
  const ids = newIds(100);
  const tabs = await Promise.all(Array.from({ length: 10 }, () => openPage(context, pageUrl(world))));
  const shares = tabs.map((tab, i) => track(tab, ids.slice(i * 5, i * 5 + 5)));
  await Promise.all(shares);
  for (let left = 10; left > 1; left--) {
    await Promise.all(tabs.map((tab, i) => track(tab, newIdsOf(ids, 50 + (10 - left) * 5, i, tabs.length))));
    const leads = await Promise.all(tabs.map(async (tab) => (await status(tab)).leader));
    expect(leads.filter(Boolean).length).toBeLessThanOrEqual(1);
    const [closed] = tabs.splice(Math.max(leads.indexOf(true), 0), 1);
    await closed?.close();
  }
  await expectCountedOnce(world, ids.slice(0, 95));
  await until(async () => tabs[0] !== undefined && (await status(tabs[0])).leader, 5_000);
  await tabs[0]?.close();
}

/** Five ids from a place on, shared among tabs. */
const newIdsOf = (ids: readonly string[], from: number, tab: number, tabs: number): readonly string[] =>
  ids.slice(from, from + 5).filter((_, i) => i % tabs === tab);
