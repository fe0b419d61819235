/** Storage that goes away under open pages: cleared by somebody, or erased because consent was withdrawn elsewhere. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import * as scenario from "./scenarios.ts";
import { stubWorld } from "./world.ts";

const here = stubWorld();

/** As "clear browsing data" does. */
async function clearStorage(page: Page): Promise<void> {
  const session = await here.context.newCDPSession(page);
  await session.send("Storage.clearDataForOrigin", { origin: here.world.pages.url, storageTypes: "all" });
  await session.detach();
}

const open = (options: Record<string, unknown> = {}) =>
  scenario.openPage(here.context, scenario.pageUrl(here.world, options));

describe("storage cleared under open pages", () => {
  it.each(["auto", "page"])("loses nothing that they hold (worker: %s)", async (worker) => {
    const ids = scenario.newIds(9);
    here.world.proxy.fail("drop before");
    const [first, second] = [await open({ worker }), await open({ worker })];
    await scenario.track(first, ids.slice(0, 3));
    await scenario.track(second, ids.slice(3, 6));
    await clearStorage(first);
    await scenario.track(first, ids.slice(6));
    here.world.proxy.fail("none");
    await scenario.expectCountedOnce(here.world, ids);
    await expect.poll(async () => (await scenario.status(first)).pending).toBe(0);
    expect(await scenario.status(first)).toMatchObject({ acknowledged: 9, lost: {} });
  });

  it.each(["none", "drop before", "drop after", "hang"] as const)(
    "neither loses nor doubles what two pages go on tracking (edge: %s)",
    async (fault) => {
      const ids = scenario.newIds(30);
      const [first, second] = [await open(), await open()];
      here.world.proxy.fail(fault);
      await scenario.track(first, ids.slice(0, 10));
      await scenario.track(second, ids.slice(10, 20));
      await scenario.pause(700);
      await clearStorage(second);
      await scenario.track(second, ids.slice(20, 25));
      await scenario.track(first, ids.slice(25));
      here.world.proxy.fail("none");
      await scenario.expectCountedOnce(here.world, ids);
      for (const page of [first, second]) {
        await expect.poll(() => scenario.status(page)).toMatchObject({ pending: 0, lost: {} });
        expect(await page.evaluate(() => window.drops)).toEqual([]);
      }
    },
  );

  it("counts nothing twice that was on its way", async () => {
    const ids = scenario.newIds(6);
    const page = await open();
    here.world.proxy.fail("drop after");
    await scenario.track(page, ids);
    // The edge has them; nobody here knows.
    await expect.poll(() => here.edge.events.length).toBe(6);
    await clearStorage(page);
    here.world.proxy.fail("none");
    await page.evaluate(() => window.tracker.flush());
    await scenario.expectCountedOnce(here.world, ids);
  });

  it("says what no page holds any more, and ends the producer id with what was held", async () => {
    here.world.proxy.fail("drop before");
    const gone = await open();
    await scenario.track(gone, scenario.newIds(4));
    await gone.close();
    const page = await open();
    const [held = "", later = ""] = scenario.newIds(2);
    await scenario.track(page, [held]);
    await clearStorage(page);
    await expect
      .poll(() => page.evaluate(() => window.drops), { timeout: 10_000 })
      .toEqual([{ reason: "cleared", count: 4 }]);
    here.world.proxy.fail("none");
    await page.evaluate(() => window.tracker.flush());
    await scenario.track(page, [later]);
    await scenario.expectCountedOnce(here.world, [held, later]);
    expect(await scenario.status(page)).toMatchObject({ acknowledged: 2, lost: { cleared: 4 } });
    expect(here.edge.lost).toBe(4);
    expect(here.edge.producers).toBe(2);
  });
});

describe("consent withdrawn in another tab", () => {
  it("ends this one too: nothing of it is stored or sent again", async () => {
    here.world.proxy.fail("drop before");
    const [page, other] = [await open(), await open()];
    await scenario.track(other, ["held"]);
    await page.evaluate(() => window.tracker.setConsent("denied"));
    await expect.poll(() => other.evaluate(() => window.problems)).toContain("no_consent");
    const refused = other.evaluate(() => window.tracker.track("click", { id: "later" }).catch((e: Error) => e.message));
    expect(await refused).toContain("consent");
    expect(await other.evaluate(() => window.drops)).toEqual([{ reason: "no_consent", count: 1 }]);
    await expect.poll(() => scenario.stored(page)).toEqual([]);
    here.world.proxy.fail("none");
    await scenario.pause(1_000);
    expect(await scenario.stored(page)).toEqual([]);
    expect(here.edge.events).toEqual([]);
    // Asked again, it may begin anew.
    await other.evaluate(() => window.tracker.setConsent("granted"));
    await scenario.track(other, ["afterwards"]);
    await scenario.expectCountedOnce(here.world, ["afterwards"]);
  });
});
