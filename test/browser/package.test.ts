/** The package in pages that others have bundled. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Packed, packAndUnpack } from "../support/packed.ts";
import { StaticFiles } from "../support/static-files.ts";
import * as scenario from "./scenarios.ts";
import { stubWorld } from "./world.ts";

const here = stubWorld();
let packed: Packed;

beforeAll(async () => {
  packed = packAndUnpack();
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
afterAll(() => rm(packed.consumer, { recursive: true, force: true }));

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

test("waits, and loses nothing, while what it needs cannot be loaded", async () => {
  const folder = join(packed.consumer, "node_modules", "headwater", "dist", "sdk");
  const files = await StaticFiles.serve(folder);
  try {
    const page = await here.context.newPage();
    // A deploy is under way: neither of the rungs is there.
    await page.route(/rung\.js/, (route) => route.fulfill({ status: 404 }));
    await page.goto(`${files.url}/missing.html`);
    const [id = ""] = scenario.newIds(1);
    const options = { endpoint: here.world.proxy.url, stream: here.world.stream, writeKey: here.world.writeKey };
    const content = `import { createTracker } from "/index.js";
      window.tracker = createTracker(${JSON.stringify(options)});
      void window.tracker.click("ad-1", { id: "${id}" });`;
    await page.addScriptTag({ type: "module", content });
    await page.waitForFunction(() => window.tracker !== undefined);
    await expect.poll(() => scenario.status(page)).toMatchObject({ pending: 1, lastError: { code: "worker_failed" } });
    await page.unroute(/rung\.js/);
    await scenario.expectCountedOnce(here.world, [id]);
  } finally {
    await files.stop();
  }
});
