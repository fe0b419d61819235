/**
 * What befalls a visitor, column by column, and what became of the events: lost for good, or over the wire more than once.
 * After each fault everything works again, and the visitor comes back to the site.
 */
import type { Browser, Page } from "playwright-core";
import type { Adapter } from "./adapters.ts";
import type { Pages } from "./pages.ts";
import type { Cell } from "./results.ts";
import { pause, Turns, Visit } from "./visit.ts";

export interface Column {
  readonly id: string;
  readonly title: string;
  /** Does it, and leaves no page open. @returns the ids of what was tracked */
  run(visit: Visit): Promise<string[]>;
}

/** A preflight as long as one over a real network. */
const PREFLIGHT_MS = 150;
const TEXT_400 = "x".repeat(400);
/** Between a click's navigation and the next visit, which is what the browser needs to let go of the page. */
const AWAY_MS = 300;

/** The next visit: long enough for whoever takes over another tab's queue after a while, twice. */
const NEXT_VISIT_MS = [13_000, 9_000] as const;

export const COLUMNS: readonly Column[] = [
  { id: "control", title: "no fault", run: noFault },
  { id: "navigate", title: "click, then navigate", run: (visit) => clickThenNavigate(visit, 6) },
  { id: "close", title: "track, then close the tab", run: (visit) => trackThenClose(visit, 6) },
  { id: "crash", title: "renderer crash after 5 events, ×4", run: crash },
  { id: "down", title: "API down, two tabs closed", run: downAndTwoTabsClosed },
  { id: "replies", title: "two replies lost", run: repliesLost },
  { id: "burst", title: "400 events, then navigate", run: burstThenNavigate },
  { id: "offline", title: "offline, then crash", run: offlineThenCrash },
];

async function noFault(visit: Visit): Promise<string[]> {
  const page = await visit.open();
  const ids = await visit.track(page, 10);
  await visit.rest(NEXT_VISIT_MS[0]);
  await page.close();
  return ids;
}

export async function clickThenNavigate(visit: Visit, times: number): Promise<string[]> {
  visit.collector.preflightMs = PREFLIGHT_MS;
  const ids = visit.collector.newIds(times);
  const page = await visit.context.newPage();
  for (const id of ids) {
    await visit.open(page);
    await clickAd(visit, page, id);
    await pause(AWAY_MS);
  }
  visit.collector.preflightMs = 0;
  await page.close();
  return ids;
}

/** As a person clicks: the link leads away at once, whatever its listener does. */
export async function clickAd(visit: Visit, page: Page, id: string): Promise<void> {
  await page.evaluate((next) => void (window.nextId = next), id);
  await Promise.all([page.waitForURL(visit.pages.away), page.click("#ad", { noWaitAfter: true })]);
}

async function trackThenClose(visit: Visit, times: number): Promise<string[]> {
  const ids = visit.collector.newIds(times);
  const opener = await visit.context.newPage();
  await opener.goto(visit.pages.away);
  for (const id of ids) await closeTab(visit, opener, id);
  await opener.close();
  return ids;
}

/** Only what a script has opened may a script close, in the very task that tracks. */
export async function closeTab(visit: Visit, opener: Page, id: string): Promise<void> {
  const opened = visit.context.waitForEvent("page");
  await opener.evaluate(() => void window.open("about:blank"));
  const page = await visit.open(await opened);
  const closed = page.waitForEvent("close");
  const leaving = page.evaluate((next) => {
    window.bench.track(next, "");
    window.close();
  }, id);
  // The page may be gone before it could answer.
  await Promise.all([closed, leaving.catch(() => {})]);
}

async function crash(visit: Visit): Promise<string[]> {
  const ids: string[] = [];
  for (let time = 0; time < 4; time++) {
    const page = await visit.open();
    ids.push(...(await visit.track(page, 5)));
    await pause(20);
    await crashRenderer(page);
  }
  return ids;
}

async function crashRenderer(page: Page): Promise<void> {
  const crashed = page.waitForEvent("crash");
  const session = await page.context().newCDPSession(page);
  // Whoever crashes does not answer.
  session.send("Page.crash").catch(() => {});
  await crashed;
  await page.close();
}

async function downAndTwoTabsClosed(visit: Visit): Promise<string[]> {
  const tabs = [await visit.open(), await visit.open()];
  visit.collector.fail("down");
  const ids: string[] = [];
  for (const tab of tabs) ids.push(...(await visit.track(tab, 10)));
  await visit.rest(2_000);
  for (const tab of tabs) await tab.close();
  await pause(AWAY_MS);
  visit.collector.fail("none");
  return ids;
}

async function repliesLost(visit: Visit): Promise<string[]> {
  const page = await visit.open();
  visit.collector.fail("replies lost", 2);
  const ids = await visit.track(page, 10);
  await visit.rest(8_000);
  await page.close();
  return ids;
}

async function burstThenNavigate(visit: Visit): Promise<string[]> {
  const page = await visit.open();
  const ids = visit.collector.newIds(400);
  const leaving = page.evaluate(
    ({ ids, text, away }) => {
      for (const id of ids) window.bench.track(id, text);
      location.href = away;
    },
    { ids, text: TEXT_400, away: visit.pages.away },
  );
  await Promise.all([page.waitForURL(visit.pages.away), leaving.catch(() => {})]);
  await pause(AWAY_MS);
  await page.close();
  return ids;
}

async function offlineThenCrash(visit: Visit): Promise<string[]> {
  const page = await visit.open();
  await visit.context.setOffline(true);
  const ids = await visit.track(page, 10);
  await visit.rest(2_000);
  await crashRenderer(page);
  await visit.context.setOffline(false);
  return ids;
}

/** Runs one cell; the caller runs many at once, in turns. */
export async function runCell(
  browser: Browser,
  pages: Pages,
  adapter: Adapter,
  column: Column,
  turns: Turns,
): Promise<Cell> {
  await turns.take();
  const visit = await Visit.start(browser, pages, adapter, turns);
  try {
    const ids = await column.run(visit);
    const page = await visit.open();
    await visit.track(page, 1);
    await visit.rest(NEXT_VISIT_MS[0]);
    await visit.track(page, 1);
    await visit.rest(NEXT_VISIT_MS[1]);
    return await cellOf(visit, column, ids);
  } finally {
    await visit.stop();
    turns.give();
  }
}

async function cellOf(visit: Visit, column: Column, ids: readonly string[]): Promise<Cell> {
  const { seen, server } = visit.collector;
  const counted = await server.counted?.();
  const again = (counts: ReadonlyMap<string, number>) =>
    ids.reduce((sum, id) => sum + Math.max(0, (counts.get(id) ?? 0) - 1), 0);
  return {
    adapter: visit.adapter.id,
    column: column.id,
    sent: ids.length,
    lost: ids.filter((id) => !(counted ?? seen).has(id)).length,
    twiceOnTheWire: again(seen),
    countedTwice: counted === undefined ? null : again(counted),
  };
}
