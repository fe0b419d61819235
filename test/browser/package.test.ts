/** The package in pages that others have bundled. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import type { Page } from "playwright-core";
import { build as vite } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Packed, packAndUnpack } from "../support/packed.ts";
import { StaticFiles } from "../support/static-files.ts";
import * as scenario from "./scenarios.ts";
import { stubWorld } from "./world.ts";

const here = stubWorld();
let packed: Packed;
let unbundled: StaticFiles | undefined;

beforeAll(async () => {
  packed = await packAndUnpack();
  const program = `import { createTracker } from "headwater";
    const options = JSON.parse(new URL(location.href).searchParams.get("tracker"));
    window.problems = [];
    window.tracker = createTracker({ ...options, onError: ({ code, detail }) => window.problems.push(code + detail) });`;
  await writeFile(join(packed.consumer, "main.js"), program);
  await writeFile(
    join(packed.consumer, "index.html"),
    `<!doctype html><title>Page</title><script type="module" src="./main.js"></script>`,
  );
});
afterAll(async () => {
  await unbundled?.stop();
  await rm(packed.consumer, { recursive: true, force: true });
});

const BUNDLERS = {
  esbuild: async (outdir: string) => {
    const entry = join(packed.consumer, "main.js");
    await esbuild({ entryPoints: [entry], outdir, bundle: true, splitting: true, minify: true, format: "esm" });
    await writeFile(join(outdir, "index.html"), `<!doctype html><script type="module" src="./main.js"></script>`);
  },
  vite: async (outDir: string) => {
    await vite({ root: packed.consumer, base: "./", configFile: false, logLevel: "error", build: { outDir } });
  },
};

test.each(Object.entries(BUNDLERS))("delivers from a worker when %s has bundled the page", async (name, bundle) => {
  const folder = join(packed.consumer, `dist-${name}`);
  await bundle(folder);
  const files = await StaticFiles.serve(folder);
  try {
    const url = new URL(scenario.pageUrl(here.world));
    const page = await scenario.openPage(here.context, `${files.url}/index.html${url.search}`);
    const [id = ""] = scenario.newIds(1);
    expect(await scenario.track(page, [id])).toEqual([{ sequence: 0, durability: "disk" }]);
    await scenario.expectCountedOnce(here.world, [id]);
    expect(page.workers()).toHaveLength(1);
    expect(await page.evaluate(() => window.problems)).toEqual([]);
  } finally {
    await files.stop();
  }
});

test("works on the page itself where only the worker's half cannot be loaded", async () => {
  const page = await pageWithout(/worker-rung\.js/);
  const [id = ""] = scenario.newIds(1);
  expect(await scenario.track(page, [id])).toEqual([{ sequence: 0, durability: "disk" }]);
  await scenario.expectCountedOnce(here.world, [id]);
  expect(page.workers()).toHaveLength(0);
});

test("waits, and loses nothing, while nothing of what it needs can be loaded", async () => {
  // A deploy is under way: neither of the rungs is there.
  const page = await pageWithout(/rung\.js/);
  const [id = ""] = scenario.newIds(1);
  await page.evaluate((id) => void window.tracker.click("ad-1", { id }), id);
  await expect.poll(() => scenario.status(page)).toMatchObject({ pending: 1, lastError: { code: "worker_failed" } });
  await page.unroute(/rung\.js/);
  await scenario.expectCountedOnce(here.world, [id]);
});

/** A page that loads the package as it is, but for files that are not to be had. */
async function pageWithout(missing: RegExp): Promise<Page> {
  unbundled ??= await StaticFiles.serve(join(packed.consumer, "node_modules", "headwater", "dist", "sdk"));
  const page = await here.context.newPage();
  await page.route(missing, (route) => route.fulfill({ status: 404 }));
  await page.goto(`${unbundled.url}/empty.html`);
  const options = { endpoint: here.world.proxy.url, stream: here.world.stream, writeKey: here.world.writeKey };
  const content = `import { createTracker } from "/index.js";
    window.tracker = createTracker(${JSON.stringify(options)});`;
  await page.addScriptTag({ type: "module", content });
  await page.waitForFunction(() => window.tracker !== undefined);
  return page;
}
