// What `npm pack` ships for the browser, as bundles:
//
//   index.js        ESM: the tracker, with all that it needs from its first call on
//   worker-rung.js  loaded by it when the first event comes: Comlink, and the worker as text, for a blob
//   page-rung.js    loaded by it where no worker can be had: the worker's code, for the page itself
//   autocapture.js  ESM: clicks on ads; loaded by the tracker that is asked for them, or imported by a page itself
//   worker.js       the dedicated worker, one file without imports, so that it runs as a classic and as a module worker
//   headwater.js    the script tag: all of it in one file
//
// Each bundle has all that it needs inside, so that a page loads one file at a time; what two of them share is small.
import { inRoot } from "./project.mjs";

/** Browsers from 2022 on have Web Locks, which the SDK's one-sender rule prefers. */
const TARGET = "es2022";

/** What the tracker loads later, beside it. */
export const RUNGS = ["worker-rung", "page-rung"];
const LATER = [...RUNGS, "autocapture"];

/**
 * @typedef {object} Bundle
 * @property {string} text
 * @property {string} map its source map
 * @property {readonly string[]} inputs the files in it, from the root
 */

/** @returns {Promise<ReadonlyMap<string, Bundle>>} by file name */
export async function bundleSdk() {
  const worker = await bundle("sdk/worker.ts", { format: "iife", minify: true });
  const define = { HEADWATER_WORKER_SOURCE: JSON.stringify(worker.text) };
  /** @type {import("esbuild").BuildOptions} */
  const esm = { format: "esm", define, plugins: [later] };
  const [index, workerRung, pageRung, autocapture, script] = await Promise.all([
    bundle("sdk/index.ts", esm),
    bundle("sdk/worker-rung.ts", esm),
    bundle("sdk/page-rung.ts", esm),
    bundle("sdk/autocapture.ts", esm),
    bundle("sdk/script.ts", { format: "iife", minify: true, define }),
  ]);
  return new Map([
    ["index.js", index],
    ["worker-rung.js", workerRung],
    ["page-rung.js", pageRung],
    ["autocapture.js", autocapture],
    ["worker.js", worker],
    ["headwater.js", script],
  ]);
}

/** @type {import("esbuild").Plugin} */
const later = {
  name: "later",
  setup(build) {
    build.onResolve({ filter: new RegExp(`^\\./(${LATER.join("|")})\\.ts$`) }, ({ path, kind }) =>
      kind === "dynamic-import" ? { path: path.replace(/\.ts$/, ".js"), external: true } : null,
    );
  },
};

/**
 * @param {string} entry
 * @param {import("esbuild").BuildOptions} options
 * @returns {Promise<Bundle>}
 */
async function bundle(entry, options) {
  const { build } = await import("esbuild");
  const { outputFiles, metafile } = await build({
    absWorkingDir: inRoot(),
    entryPoints: [entry],
    outdir: "dist/sdk",
    write: false,
    bundle: true,
    metafile: true,
    target: TARGET,
    platform: "browser",
    sourcemap: "external",
    logLevel: "warning",
    // A classic script has no import.meta: sdk/script.ts learns its own address from document.currentScript instead.
    logOverride: { "empty-import-meta": "silent" },
    ...options,
  });
  const file = (/** @type {string} */ end) => outputFiles?.find(({ path }) => path.endsWith(end))?.text ?? "";
  return { text: file(".js"), map: file(".js.map"), inputs: Object.keys(metafile?.inputs ?? {}) };
}
