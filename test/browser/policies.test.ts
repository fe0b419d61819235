/** The ladder: which rung holds under which policy, and in which surroundings; and that events arrive from each. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { launchChromium } from "../support/chromium.ts";
import { NONCE } from "../support/sdk-pages.ts";
import * as scenario from "./scenarios.ts";
import { stubWorld } from "./world.ts";

const here = stubWorld();

/** `EDGE` stands for where events go. */
const POLICIES: readonly [what: string, csp: string, options: Record<string, unknown>, rung: "worker" | "page"][] = [
  ["scripts of its own only", "script-src 'self'", {}, "page"],
  ["scripts of its own only, and a worker by URL", "script-src 'self'", { workerUrl: "/worker.js" }, "worker"],
  ["scripts of its own, and workers from blobs", "script-src 'self'; worker-src 'self' blob:", {}, "worker"],
  ["workers of its own only", "worker-src 'self'", {}, "page"],
  ["scripts by nonce, and what they load", `script-src 'nonce-${NONCE}' 'strict-dynamic'`, {}, "worker"],
  ["Trusted Types", "require-trusted-types-for 'script'; trusted-types headwater", {}, "worker"],
  ["Trusted Types that do not know us", "require-trusted-types-for 'script'; trusted-types other", {}, "page"],
  ["nothing but what is named", "default-src 'none'; script-src 'self'; connect-src EDGE", {}, "page"],
  [
    "a script by nonce, and what is named",
    `default-src 'none'; script-src 'nonce-${NONCE}' 'strict-dynamic'; worker-src blob:; connect-src EDGE`,
    {},
    "worker",
  ],
  [
    "nothing but what is named, blobs among it",
    "default-src 'none'; script-src 'self'; worker-src blob:; connect-src EDGE",
    {},
    "worker",
  ],
];

describe("under a policy that allows", () => {
  it.each(POLICIES)("%s", async (_, policy, options, rung) => {
    const [id = ""] = scenario.newIds(1);
    const csp = policy.replace("EDGE", here.world.proxy.url);
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world, options, { csp }));
    expect(await scenario.track(page, [id])).toEqual([{ sequence: 0, durability: "disk" }]);
    await scenario.expectCountedOnce(here.world, [id]);
    expect(page.workers()).toHaveLength(rung === "worker" ? 1 : 0);
  });

  it("everything, for there is none", async () => {
    const [id = ""] = scenario.newIds(1);
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world));
    await scenario.track(page, [id]);
    await scenario.expectCountedOnce(here.world, [id]);
    expect(page.workers()).toHaveLength(1);
  });

  it("no connection to the edge: it is told, and nothing is lost", async () => {
    const [id = ""] = scenario.newIds(1);
    const blocked = await scenario.openPage(
      here.context,
      scenario.pageUrl(here.world, {}, { csp: "connect-src 'self'" }),
    );
    expect(await scenario.track(blocked, [id])).toEqual([{ sequence: 0, durability: "disk" }]);
    await expect.poll(() => blocked.evaluate(() => window.problems)).toContain("unreachable");
    expect(await scenario.status(blocked)).toMatchObject({ pending: 1, lost: {} });
    await blocked.close();
    // Once the policy is put right, the next page delivers.
    await scenario.openPage(here.context, scenario.pageUrl(here.world));
    await scenario.expectCountedOnce(here.world, [id]);
  });

  it("scripts, in a sandbox without an origin: there is no storage, and it says so", async () => {
    const [id = ""] = scenario.newIds(1);
    const csp = "sandbox allow-scripts";
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world, {}, { csp }));
    expect(await scenario.track(page, [id])).toEqual([{ sequence: 0, durability: "memory" }]);
    await scenario.expectCountedOnce(here.world, [id]);
  });
});

/** Two tabs of one log; the leader goes. */
async function expectLeaseToElect(open: () => Promise<Page>): Promise<void> {
  const [first, second] = [await open(), await open()];
  const ids = scenario.newIds(3);
  expect((await scenario.track(first, ids.slice(0, 1)))[0]?.durability).toBe("disk");
  await scenario.track(second, ids.slice(1, 2));
  await scenario.expectCountedOnce(here.world, ids.slice(0, 2));
  await first.close();
  await scenario.track(second, ids.slice(2));
  await scenario.expectCountedOnce(here.world, ids);
  expect(here.edge.producers).toBe(1);
}

describe("without Web Locks, tabs share one log and elect a leader by its lease alone", () => {
  it("in a browser that has none", async () => {
    // A worker has a navigator of its own: without one the page's is the only one.
    await here.context.addInitScript(() => Object.defineProperty(navigator, "locks", { value: undefined }));
    await expectLeaseToElect(() => scenario.openPage(here.context, scenario.pageUrl(here.world, { worker: "page" })));
  });

  it("in an insecure context, which has no crypto.subtle either", async () => {
    const browser = await launchChromium(["--host-resolver-rules=MAP insecure.test 127.0.0.1"]);
    try {
      const context = await browser.newContext();
      const url = new URL(scenario.pageUrl(here.world));
      url.hostname = "insecure.test";
      await expectLeaseToElect(async () => {
        const page = await scenario.openPage(context, url.href);
        const surroundings = await page.evaluate(() => [isSecureContext, "locks" in navigator, "subtle" in crypto]);
        expect(surroundings).toEqual([false, false, false]);
        return page;
      });
    } finally {
      await browser.close();
    }
  });
});
