/**
 * One tracker in one fresh profile, with a collector of its own: what a fault is done to.
 *
 * Cells wait most of their time, and wait side by side; but only one at a time does anything, because what is measured is
 * what happens within milliseconds of a click, and the others' pages must not take the processor then.
 */
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { Adapter } from "./adapters.ts";
import { Collector } from "./collector.ts";
import type { Pages } from "./pages.ts";

/** What the page under measurement offers. */
declare global {
  interface Window {
    bench: {
      track(id: string, text: string): void;
      /** Only Headwater: resolves when the event is durable. */
      durable?(id: string): Promise<unknown>;
    };
    nextId: string;
  }
}

/** Trackers may take a headless browser for a robot, and stay silent. */
const userAgentOf = (browser: Browser): string =>
  `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${browser.version()} Safari/537.36`;

/** How long a page has been there before anybody clicks: trackers have fetched their settings by then. */
const SETTLE_MS = 400;

export class Visit {
  readonly adapter: Adapter;
  readonly context: BrowserContext;
  readonly collector: Collector;
  readonly pages: Pages;
  readonly #turns: Turns;

  private constructor(adapter: Adapter, context: BrowserContext, collector: Collector, pages: Pages, turns: Turns) {
    this.adapter = adapter;
    this.context = context;
    this.collector = collector;
    this.pages = pages;
    this.#turns = turns;
  }

  static async start(browser: Browser, pages: Pages, adapter: Adapter, turns: Turns): Promise<Visit> {
    const context = await browser.newContext({ userAgent: userAgentOf(browser) });
    return new Visit(adapter, context, await Collector.start(adapter), pages, turns);
  }

  /** Opens the site, and waits as long as a person does at least. */
  async open(page?: Page, more?: string): Promise<Page> {
    const opened = page ?? (await this.context.newPage());
    await opened.goto(this.pages.url(this.adapter, this.collector.url, more));
    await opened.waitForFunction(() => window.bench !== undefined);
    await pause(SETTLE_MS);
    return opened;
  }

  /** Tracks events in one task. @returns their ids */
  async track(page: Page, count: number, text = ""): Promise<string[]> {
    const ids = this.collector.newIds(count);
    await page.evaluate(
      ({ ids, text }) => {
        for (const id of ids) window.bench.track(id, text);
      },
      { ids, text },
    );
    return ids;
  }

  /** Waits, and lets others act meanwhile. */
  async rest(ms: number): Promise<void> {
    this.#turns.give();
    await pause(ms);
    await this.#turns.take();
  }

  async stop(): Promise<void> {
    await this.context.close();
    await this.collector.stop();
  }
}

/** Whose turn it is, first come, first served. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #taken = false;

  async take(): Promise<void> {
    if (this.#taken) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#taken = true;
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken = false;
    else next();
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
