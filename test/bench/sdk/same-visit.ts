/**
 * Delivered although nobody came back: every click is another visitor's, who leaves with it. That is less than a promise, and
 * what a tracker is judged by where most visitors come once.
 */
import type { Browser } from "playwright-core";
import type { Adapter } from "./adapters.ts";
import { clickAd, closeTab } from "./faults.ts";
import type { Pages } from "./pages.ts";
import type { SameVisit } from "./results.ts";
import { pause, Turns, Visit } from "./visit.ts";

/** How long a browser goes on with what a closed page has started. */
const AFTER_MS = 1_000;

const LEAVINGS = ["navigate", "close"] as const;

export async function measureSameVisit(
  browser: Browser,
  pages: Pages,
  adapters: readonly Adapter[],
  visits: number,
): Promise<SameVisit[]> {
  const delivered = new Map<string, number>();
  for (let visit = 0; visit < visits; visit++) {
    for (const adapter of adapters) {
      for (const leaving of LEAVINGS) {
        const key = `${adapter.id} ${leaving}`;
        const arrived = await visitOnce(browser, pages, adapter, leaving);
        delivered.set(key, (delivered.get(key) ?? 0) + (arrived ? 1 : 0));
      }
    }
  }
  return adapters.flatMap(({ id }) =>
    LEAVINGS.map((leaving) => ({
      adapter: id,
      leaving,
      visits,
      delivered: delivered.get(`${id} ${leaving}`) ?? 0,
    })),
  );
}

/** @returns whether its click arrived */
async function visitOnce(
  browser: Browser,
  pages: Pages,
  adapter: Adapter,
  leaving: (typeof LEAVINGS)[number],
): Promise<boolean> {
  const visit = await Visit.start(browser, pages, adapter, new Turns());
  const [id = ""] = visit.collector.newIds(1);
  const first = await visit.context.newPage();
  if (leaving === "navigate") {
    await visit.open(first);
    await clickAd(visit, first, id);
  } else {
    await first.goto(pages.away);
    await closeTab(visit, first, id);
  }
  await pause(AFTER_MS);
  const arrived = visit.collector.seen.has(id);
  await visit.stop();
  return arrived;
}
