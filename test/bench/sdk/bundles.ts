/**
 * The trackers' pages, bundled as an application would bundle them. The same page that is measured is weighed: it starts the
 * tracker and tracks, and holds nothing else.
 */
import { build, type BuildOptions } from "esbuild";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import type { Adapter } from "./adapters.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const PEERS = join(import.meta.dirname, "peers");

/** Bytes after brotli at its best. */
export interface Weight {
  /** What the page loads before it can track. */
  readonly initial: number;
  /** With everything that the tracker may import later. */
  readonly total: number;
}

/** One module, imports that are loaded later included. */
export async function bundleOf({ id }: Adapter): Promise<string> {
  const { outputFiles } = await build(options(id));
  return outputFiles[0]?.text ?? "";
}

export async function weigh(adapter: Adapter): Promise<Weight> {
  const total = brotli(Buffer.from(await bundleOf(adapter)));
  const { outputFiles, metafile } = await build({ ...options(adapter.id), splitting: true, metafile: true });
  const outputs = metafile.outputs;
  const initial = new Set<string>();
  const follow = (path: string): void => {
    if (initial.has(path)) return;
    initial.add(path);
    for (const { path: imported, kind } of outputs[path]?.imports ?? []) {
      if (kind === "import-statement") follow(imported);
    }
  };
  follow(`${adapter.id}.js`);
  const files = outputFiles.filter(({ path }) => initial.has(relative(ROOT, path)));
  return { initial: files.reduce((sum, { contents }) => sum + brotli(contents), 0), total };
}

/** The version that was measured, from the package that was. */
export function versionOf({ package: name }: Adapter): string {
  const path = name === undefined ? ROOT : join(PEERS, "node_modules", name);
  return (JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as { version: string }).version;
}

const options = (id: string) =>
  ({
    absWorkingDir: ROOT,
    outdir: ROOT, // in name only
    entryPoints: [join(PEERS, `${id}.js`)],
    alias: { headwater: join(ROOT, "dist", "sdk", "index.js") },
    bundle: true,
    minify: true,
    write: false as const,
    format: "esm" as const,
    target: "es2022",
    platform: "browser" as const,
    logLevel: "error" as const,
  }) satisfies BuildOptions;

const brotli = (data: Uint8Array): number =>
  brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } }).length;
