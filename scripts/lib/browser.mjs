// The Chromium that browser tests drive: one that is there, else playwright's own download, else Debian's package.
// A candidate counts only if it starts: some distributions ship a launcher that merely says how to install a browser,
// and a downloaded one may lack the system's libraries.
import { execFileSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { run, runTool, UserError } from "./project.mjs";

/** Names on the PATH, Chromium first because it changes less by itself. */
const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "chrome.exe"];

/** Where installers put a browser that is not on the PATH. */
const PLACES = {
  darwin: [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  ],
  win32: ["C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe"],
};

/** An answer to `--version` takes well under a second, a first start from a cold disk some more. */
const VERSION_TIMEOUT_MS = 20_000;

/** A stalled download must not hold up a run for ever. */
const DOWNLOAD_TIMEOUT_MS = 300_000;

/**
 * The path of a Chromium or Chrome that starts; undefined if there is none. HEADWATER_CHROMIUM names one.
 *
 * @returns {Promise<string | undefined>}
 */
export async function findBrowser() {
  const named = process.env.HEADWATER_CHROMIUM;
  if (named) {
    if (starts(named)) return named;
    throw new UserError(`HEADWATER_CHROMIUM is ${named}, which does not start.`);
  }
  const onPath = (process.env.PATH ?? "").split(delimiter).flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const places = process.platform in PLACES ? PLACES[/** @type {keyof typeof PLACES} */ (process.platform)] : [];
  return [...onPath, ...places, await playwrightsOwn()].find(starts);
}

/**
 * As `findBrowser`, but installs one where there is none.
 *
 * @returns {Promise<string>}
 */
export async function ensureBrowser() {
  for (const install of [async () => {}, download, installPackage]) {
    await install();
    const path = await findBrowser();
    if (path !== undefined) return path;
  }
  throw new UserError(
    "no Chromium or Chrome found, and none could be installed. Install one, or name it in HEADWATER_CHROMIUM.",
  );
}

/** Where playwright's own download is, or would be. */
async function playwrightsOwn() {
  const { chromium } = await import("playwright-core");
  return chromium.executablePath();
}

async function download() {
  console.log("No Chromium or Chrome found; downloading playwright's …");
  const { code, output } = await runTool("playwright-core", ["install", "--no-shell", "chromium"], {
    capture: true,
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
  });
  if (code !== 0) console.log(`The download failed: ${lastLine(output)}`);
}

async function installPackage() {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return;
  console.log("Installing Debian's package chromium …");
  const options = { capture: true, env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } };
  try {
    await run("apt-get", ["update", "-qq"], options);
    const args = ["install", "-y", "-qq", "--no-install-recommends", "chromium"];
    const { code, output } = await run("apt-get", args, options);
    if (code !== 0) console.log(`apt-get failed: ${lastLine(output)}`);
  } catch {
    console.log("There is no apt-get here.");
  }
}

/** @param {string | undefined} path */
function starts(path) {
  if (!path) return false;
  try {
    accessSync(path, constants.X_OK);
    // On Windows `--version` would open a window.
    if (process.platform !== "win32")
      execFileSync(path, ["--version"], { stdio: "ignore", timeout: VERSION_TIMEOUT_MS });
    return true;
  } catch {
    return false;
  }
}

/** @param {string} output */
const lastLine = (output) => output.trim().split("\n").at(-1) ?? "no output";
