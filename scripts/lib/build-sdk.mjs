// dist/sdk: what `npm pack` ships for the browser.
//
//   index.js     ESM with Comlink and idb inside: a page that bundles it installs nothing else
//   worker.js    the dedicated worker, one file without imports, so that it runs as a classic and as a module worker
//   headwater.js the script tag, minified
//   *.d.ts       types of index.js and of what it names
//
// The worker's text is also inside index.js and headwater.js, as HEADWATER_WORKER_SOURCE: it becomes a blob worker
// where no worker can be loaded by URL.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { inRoot, runTool, UserError } from "./project.mjs";

/** Browsers from 2022 on have Web Locks, which the SDK's one-sender rule prefers. */
const TARGET = "es2022";

const outDir = inRoot("dist", "sdk");

export async function buildSdk() {
  rmSync(outDir, { recursive: true, force: true });
  await bundle({ entryPoints: ["sdk/worker.ts"], format: "iife", minify: true });

  const define = { HEADWATER_WORKER_SOURCE: JSON.stringify(workerSource()) };
  await bundle({ entryPoints: ["sdk/index.ts"], format: "esm", define });
  // A classic script has no import.meta: sdk/script.ts learns its own address from document.currentScript instead.
  const logOverride = /** @type {const} */ ({ "empty-import-meta": "silent" });
  await bundle({ entryPoints: { headwater: "sdk/script.ts" }, format: "iife", minify: true, define, logOverride });
  await emitTypes();
}

/** @param {import("esbuild").BuildOptions} options */
async function bundle(options) {
  const { build } = await import("esbuild");
  try {
    await build({
      absWorkingDir: inRoot(),
      outdir: "dist/sdk",
      bundle: true,
      target: TARGET,
      platform: "browser",
      sourcemap: "linked",
      logLevel: "warning",
      ...options,
    });
  } catch {
    throw new UserError("the SDK does not build; see above."); // esbuild has printed why
  }
}

/** Without the line that names the source map: a blob has no address that it could be relative to. */
function workerSource() {
  return readFileSync(join(outDir, "worker.js"), "utf8").replace(/^\/\/# sourceMappingURL=.*\n?/m, "");
}

async function emitTypes() {
  const { code, output } = await runTool("tsc", ["-p", "sdk/tsconfig.build.json"], { capture: true });
  if (code !== 0) throw new UserError(`the SDK's types do not compile:\n${output}`);
  for (const file of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
    if (file.endsWith(".d.ts")) rewriteImports(join(outDir, file));
  }
}

/**
 * In the package, types sit beside types: `#protocol` and `./x.ts` become paths that any TypeScript resolves.
 *
 * @param {string} path
 */
function rewriteImports(path) {
  const protocol = relative(dirname(path), join(outDir, "protocol", "index.js"))
    .split(sep)
    .join("/");
  const text = readFileSync(path, "utf8")
    .replaceAll(`"#protocol"`, JSON.stringify(protocol.startsWith(".") ? protocol : `./${protocol}`))
    .replace(/(["'])(\.{1,2}\/[^"']+)\.ts\1/g, "$1$2.js$1");
  writeFileSync(path, text);
}
