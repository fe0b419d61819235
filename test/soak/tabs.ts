/**
 * The tabs of one browser on one profile, and what is done to them. Pages that come back from the back/forward cache cannot
 * be spoken to through playwright any more, so nothing here asks a page: only the browser is told.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Page } from "playwright-core";
import { launchProfile, type ProfileBrowser } from "../support/chromium.ts";

const TABS_MAX = 4;

/** A browser beside others on two cores; what takes longer hangs. */
const STEP_MAX_MS = 15_000;

export interface TabsOptions {
  readonly profile: string;
  readonly url: string;
  /** Of a page without a tracker. */
  readonly awayUrl: string;
  /** What pages say to their console at its level `debug`: the one way out of a page that is offline. */
  readonly hear: (text: string) => void;
}

export class Tabs {
  readonly #profile: string;
  readonly #url: string;
  readonly #awayUrl: string;
  readonly #hear: TabsOptions["hear"];
  #browser: ProfileBrowser | null = null;
  #pages: Page[] = [];
  #stopped: number[] = [];
  #offline = false;

  constructor({ profile, url, awayUrl, hear }: TabsOptions) {
    this.#profile = profile;
    this.#url = url;
    this.#awayUrl = awayUrl;
    this.#hear = hear;
  }

  get count(): number {
    return this.#pages.length;
  }

  async launch(): Promise<void> {
    this.#browser = await launchProfile(this.#profile);
  }

  /** SIGKILL for the browser and all its processes. */
  async kill(): Promise<void> {
    const browser = this.#browser;
    this.#browser = null;
    this.#pages = [];
    this.#stopped = [];
    this.#offline = false;
    await browser?.kill();
  }

  async open(): Promise<void> {
    if (this.#pages.length >= TABS_MAX) await this.#end(this.#pages[0]);
    // Nobody gets to see a new page without a network.
    if (this.#offline) return;
    const page = await within(this.#running().context.newPage());
    this.#pages.push(page);
    await this.#listen(page);
    await within(page.goto(this.#url, { waitUntil: "commit" }));
  }

  async close(dice: () => number): Promise<void> {
    await this.#end(this.#pick(dice));
  }

  async crash(dice: () => number): Promise<void> {
    const page = this.#pick(dice);
    if (page === undefined) return;
    const session = await within(this.#running().context.newCDPSession(page));
    // It cannot answer.
    void session.send("Page.crash").catch(() => {});
    await delay(100);
    await this.#end(page);
  }

  async reload(dice: () => number): Promise<void> {
    const page = this.#pick(dice);
    if (page === undefined || this.#offline) return;
    const session = await within(this.#running().context.newCDPSession(page));
    await within(session.send("Page.reload"));
    await session.detach().catch(() => {});
  }

  /** To a page without a tracker: the tab is as good as closed, but its page may live on in the cache for a while. */
  async away(dice: () => number): Promise<void> {
    const page = this.#pick(dice);
    if (page === undefined) return;
    await this.#navigate(page, this.#awayUrl);
    await delay(500 + dice() * 1_500);
    await this.#end(page);
  }

  async awayAndBack(dice: () => number): Promise<void> {
    const page = this.#pick(dice);
    if (page === undefined) return;
    await this.#navigate(page, this.#awayUrl);
    await delay(300 + dice() * 3_000);
    const session = await within(this.#running().context.newCDPSession(page));
    const { currentIndex, entries } = await within(session.send("Page.getNavigationHistory"));
    const entry = entries[currentIndex - 1];
    if (entry !== undefined) await within(session.send("Page.navigateToHistoryEntry", { entryId: entry.id }));
    await session.detach().catch(() => {});
  }

  /** Stops a renderer's process, whichever: its pages neither run nor let go of anything. Wakes it after some time. */
  async freeze(forMs: number): Promise<void> {
    const session = await within(
      this.#running().context.browser()?.newBrowserCDPSession() ?? Promise.reject(NO_BROWSER),
    );
    const { processInfo } = await within(session.send("SystemInfo.getProcessInfo"));
    await session.detach();
    // The youngest: among renderers of tabs, those that do most.
    const pid = processInfo.findLast(({ type }) => type === "renderer")?.id;
    if (pid === undefined) return;
    process.kill(pid, "SIGSTOP");
    this.#stopped.push(pid);
    await delay(forMs);
    this.thaw();
  }

  /** Wakes what was stopped. */
  thaw(): void {
    for (const pid of this.#stopped) {
      try {
        process.kill(pid, "SIGCONT");
      } catch {
        // It is gone.
      }
    }
    this.#stopped = [];
  }

  async killWorker(dice: () => number): Promise<void> {
    const [worker] = this.#pick(dice)?.workers() ?? [];
    // It cannot answer.
    if (worker !== undefined) await Promise.race([worker.evaluate(() => self.close()).catch(() => {}), delay(500)]);
  }

  /** The browser's own freezing passes over pages under automation, which always count as visible; their events do not. */
  async freezeByEvent(dice: () => number): Promise<void> {
    const page = this.#pick(dice);
    if (page === undefined) return;
    const session = await within(this.#running().context.newCDPSession(page));
    const tell = (name: "freeze" | "resume") =>
      within(session.send("Runtime.evaluate", { expression: `document.dispatchEvent(new Event("${name}"))` }));
    await tell("freeze");
    await delay(300 + dice() * 3_000);
    await tell("resume");
    await session.detach().catch(() => {});
  }

  async offline(): Promise<void> {
    this.#offline = true;
    await within(this.#running().context.setOffline(true));
  }

  /** A browser that was started since is online already, and one that is being started will be. */
  async online(): Promise<void> {
    if (!this.#offline) return;
    await within(this.#running().context.setOffline(false));
    this.#offline = false;
  }

  /** Something did not do as it was told: nobody knows in which state which tab is, so all are closed. */
  async abandon(): Promise<void> {
    this.thaw();
    for (const page of this.#pages) await this.#end(page).catch(() => {});
    this.#pages = [];
  }

  async #listen(page: Page): Promise<void> {
    const session = await within(this.#running().context.newCDPSession(page));
    session.on("Runtime.consoleAPICalled", ({ type, args }) => {
      if (type === "debug") this.#hear(String(args[0]?.value));
    });
    await within(session.send("Runtime.enable"));
  }

  async #navigate(page: Page, url: string): Promise<void> {
    const session = await within(this.#running().context.newCDPSession(page));
    await within(session.send("Page.navigate", { url }));
    await session.detach().catch(() => {});
  }

  async #end(page: Page | undefined): Promise<void> {
    if (page === undefined) return;
    this.#pages = this.#pages.filter((other) => other !== page);
    await within(page.close());
  }

  #pick(dice: () => number): Page | undefined {
    return this.#pages[Math.floor(dice() * this.#pages.length)];
  }

  #running(): ProfileBrowser {
    if (this.#browser === null) throw NO_BROWSER;
    return this.#browser;
  }
}

const NO_BROWSER = new Error("no browser runs");

async function within<T>(promise: Promise<T>): Promise<T> {
  const late = delay(STEP_MAX_MS, undefined, { ref: false }).then(() => {
    throw new Error(`the browser did not do so within ${STEP_MAX_MS} ms`);
  });
  late.catch(() => {});
  return Promise.race([promise, late]);
}
