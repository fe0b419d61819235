/**
 * The demo's pages in real Chromium on a real server. The pages get their keys as they do after `npm start`, from
 * /config.json; the browser answers that request, so that each test has a stream of its own.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect } from "vitest";
import { StreamClient } from "./api.ts";
import { launchChromium } from "./chromium.ts";
import { type Server, startServer } from "./server.ts";

/** Two cores, a server and a browser: a second of theirs can take several of ours. */
export const SOON = { timeout: 20_000, interval: 100 };

export const PHONE = { width: 390, height: 844 };
export const DESKTOP = { width: 1440, height: 900 };

export class DemoWorld {
  readonly server: Server;
  readonly #browser: Browser;
  readonly #dir: string;
  #contexts: BrowserContext[] = [];
  #streams = 0;
  /** What the pages wrote to their consoles as errors since the last tidying. */
  complaints: string[] = [];

  private constructor(server: Server, browser: Browser, dir: string) {
    this.server = server;
    this.#browser = browser;
    this.#dir = dir;
  }

  static async start(): Promise<DemoWorld> {
    const dir = mkdtempSync(join(tmpdir(), "headwater-demo-"));
    const server = await startServer({ persistTo: join(dir, "state") });
    return new DemoWorld(server, await launchChromium(), dir);
  }

  /** After each test. */
  async tidy(): Promise<void> {
    await Promise.all(
      this.#contexts.map(async (context) => {
        // A page goes on asking until it is closed: an answer that a test would have changed may still be on its way.
        for (const page of context.pages()) await page.unrouteAll({ behavior: "ignoreErrors" });
        await context.close();
      }),
    );
    this.#contexts = [];
    this.complaints = [];
  }

  async end(): Promise<void> {
    await this.#browser.close();
    await this.server.kill();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  newStream(config: object = {}): Promise<StreamClient> {
    return StreamClient.create(this.server, `demo-${++this.#streams}`, { partitions: 2, ...config });
  }

  /** A reader with an empty browser, whose pages find `config` where `npm start` would have put it. */
  async newReader(config: object | null, options: BrowserContextOptions = {}): Promise<BrowserContext> {
    const context = await this.#browser.newContext({ viewport: DESKTOP, ...options });
    this.#contexts.push(context);
    await context.route("**/config.json", (route) =>
      config === null ? route.fulfill({ status: 404 }) : route.fulfill({ json: config }),
    );
    context.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(message.text());
    });
    context.on("weberror", (error) => this.complaints.push(String(error.error())));
    return context;
  }

  configOf({ name, keys }: StreamClient) {
    return { stream: name, writeKey: keys.write, readKey: keys.read, adminToken: this.server.adminToken };
  }

  async open(context: BrowserContext, path: string): Promise<Page> {
    const page = await context.newPage();
    await page.goto(this.server.url + path);
    return page;
  }
}

export const textOf = (page: Page, id: string): Promise<string> => page.locator(`#${id}`).innerText();

export const untilText = (page: Page, id: string, expected: string | RegExp): Promise<void> =>
  expect.poll(() => textOf(page, id), SOON).toMatch(expected);

/** The table of top ads, as `{ad: clicks}`. */
export async function topAds(page: Page): Promise<Record<string, string>> {
  const rows = await page.locator("#top-ads tr").all();
  const cells = await Promise.all(rows.map((row) => row.locator("th, td").allInnerTexts()));
  return Object.fromEntries(cells.map(([ad = "", clicks = ""]) => [ad, clicks]));
}

export const clicksIn = (country: string, device: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ adId: `ad-${index % 3}`, country, device }));
