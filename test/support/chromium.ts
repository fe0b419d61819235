// Real Chromium for browser tests, through playwright-core.
import { type Browser, type BrowserContext, chromium } from "playwright-core";
import { findBrowser } from "../../scripts/lib/browser.mjs";
import { killTree, untilGone } from "./process.ts";

const FLAGS = [
  "--no-sandbox", // containers and root have none to offer
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  // Nothing but the page under test may use the network.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let executable: Promise<string> | undefined;

/** The Chromium under test: HEADWATER_CHROMIUM, which `npm test` sets, or one that is found here. */
function executablePath(): Promise<string> {
  executable ??= findBrowser().then((path) => {
    if (path === undefined) throw new Error("No Chromium: run `node scripts/browser.mjs`, or set HEADWATER_CHROMIUM.");
    return path;
  });
  return executable;
}

/**
 * A browser without memory: every context of it starts empty.
 *
 * @param flags beside those of every test
 */
export async function launchChromium(flags: readonly string[] = []): Promise<Browser> {
  return chromium.launch({ executablePath: await executablePath(), headless: true, args: [...FLAGS, ...flags] });
}

/** A browser with a profile on disk, which can be killed as a power cut would, and started again on the same profile. */
export interface ProfileBrowser {
  readonly context: BrowserContext;
  /** The browser's main process. */
  readonly pid: number;
  /** SIGKILL for the browser and all its processes; resolves when it is gone and playwright has noticed. */
  kill(): Promise<void>;
}

/**
 * With the back/forward cache, which playwright turns off unless told otherwise: its own `goBack` and `evaluate` cannot
 * follow a page that comes back from there, so what uses them on such pages has to do without.
 *
 * @param profileDir empty or from an earlier launch; the caller removes it
 */
export async function launchProfile(profileDir: string): Promise<ProfileBrowser> {
  const context = await chromium.launchPersistentContext(profileDir, {
    executablePath: await executablePath(),
    headless: true,
    args: FLAGS,
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
  const pid = await browserPid(context);
  const closed = new Promise<void>((resolve) => context.once("close", () => resolve()));
  const kill = async (): Promise<void> => {
    killTree(pid);
    await closed;
    await untilGone(pid);
  };
  return { context, pid, kill };
}

/** Playwright does not say; the browser itself does. */
async function browserPid(context: BrowserContext): Promise<number> {
  const browser = context.browser();
  if (browser === null) throw new Error("A persistent context of Chromium has a browser.");
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  await session.detach();
  const main = processInfo.find(({ type }) => type === "browser");
  if (main === undefined) throw new Error("The browser names no process of type browser.");
  return main.id;
}
