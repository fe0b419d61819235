// Where things are, and how to run them. Like everything in scripts/, it needs only Node 20: no package is imported
// before `bootstrap()` has installed it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/** @param {string[]} parts */
export const inRoot = (...parts) => join(root, ...parts);

/** An error that the user can do something about: printed without a stack trace. */
export class UserError extends Error {}

/**
 * Runs a script's body: a `UserError` becomes one readable line, anything else keeps its stack trace.
 *
 * @param {() => Promise<number | void>} body resolves to the exit code; nothing means 0
 */
export async function main(body) {
  try {
    process.exitCode = (await body()) ?? 0;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    console.error(`\nheadwater: ${error.message}`);
    process.exitCode = 1;
  }
}

/** The environment of children: tools from node_modules first, and no tool phones home. */
export function environment() {
  return {
    ...process.env,
    PATH: `${inRoot("node_modules", ".bin")}${delimiter}${process.env.PATH ?? ""}`,
    WRANGLER_SEND_METRICS: "false",
    // Neither the request's `cf` object nor the local trace store is needed; the first wants a network.
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    X_LOCAL_OBSERVABILITY: "false",
  };
}

/**
 * @typedef {object} Outcome
 * @property {number} code the exit code; 1 if a signal ended it
 * @property {string} output both streams, if `capture` was asked for
 */

/**
 * Runs a command to its end, in the root. SIGINT and SIGTERM are handed on, so that a server started here ends with us.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ capture?: boolean, env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options] `capture` collects the output
 *   instead of showing it
 * @returns {Promise<Outcome>}
 */
export function run(command, args, { capture = false, env = environment(), timeoutMs } = {}) {
  return new Promise((resolve, reject) => {
    /** @type {import("node:child_process").SpawnOptions} */
    const options = { cwd: root, env, stdio: capture ? ["ignore", "pipe", "pipe"] : "inherit" };
    if (timeoutMs !== undefined) options.timeout = timeoutMs;
    const child = spawn(command, args, options);
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    const release = handOnSignals(child);
    child.once("error", (error) => {
      release();
      reject(error);
    });
    child.once("close", (code) => {
      release();
      resolve({ code: code ?? 1, output });
    });
  });
}

/** How soon after npm's end its orphan ends. */
const ORPHAN_CHECK_MS = 1_000;

/**
 * Hands SIGINT and SIGTERM on to a child; returns what ends that. npm itself, ended by a signal, takes only its shell
 * with it and leaves the script running: under npm, a script whose parent is gone ends its child too.
 *
 * @param {import("node:child_process").ChildProcess} child
 */
export function handOnSignals(child) {
  const interrupt = () => child.kill("SIGINT");
  const terminate = () => child.kill("SIGTERM");
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", terminate);
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.env.npm_lifecycle_event !== undefined && process.ppid !== parent) terminate();
  }, ORPHAN_CHECK_MS).unref();
  return () => {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", terminate);
    clearInterval(watch);
  };
}

/**
 * The file that a package's command runs, so that it can be started with this very Node, on every platform.
 *
 * @param {"wrangler" | "vitest" | "vite" | "tsc" | "oxlint" | "prettier" | "playwright-core"} tool
 */
export function toolPath(tool) {
  const files = {
    wrangler: "wrangler/bin/wrangler.js",
    vitest: "vitest/vitest.mjs",
    vite: "vite/bin/vite.js",
    tsc: "typescript/bin/tsc",
    oxlint: "oxlint/bin/oxlint",
    prettier: "prettier/bin/prettier.cjs",
    "playwright-core": "playwright-core/cli.js",
  };
  return inRoot("node_modules", files[tool]);
}

/**
 * Runs a package's command with this Node.
 *
 * @param {Parameters<typeof toolPath>[0]} tool
 * @param {readonly string[]} args
 * @param {Parameters<typeof run>[2]} [options]
 */
export const runTool = (tool, args, options) => run(process.execPath, [toolPath(tool), ...args], options);

/** @param {string} path relative to the root */
export const exists = (path) => existsSync(inRoot(path));
