/** The SDK's promises in real Chromium, against the append contract in this process. */
import { describe, expect, it } from "vitest";
import * as scenario from "./scenarios.ts";
import { stubWorld } from "./world.ts";

const here = stubWorld();

describe("durable", () => {
  it("delivers what was acknowledged before the whole browser was killed", () => scenario.survivesKill(here.world));
  it("delivers what was acknowledged, whenever it is killed", () => scenario.survivesKillUnderWay(here.world));
});

describe("exactly once", () => {
  it("over lost replies", () => scenario.survivesLostReplies(here.world, here.context));
  it("when offline", () => scenario.survivesOffline(here.world, here.context));
  it("from two tabs that are closed while the edge is away", () =>
    scenario.survivesTwoTabsClosed(here.world, here.context));
  it("when the leading tab goes", () => scenario.handsOverLeadership(here.world, here.context));
  it.each(["drop before", "503", "429", "hang", "slow"] as const)("over an edge that does this: %s", (fault) =>
    scenario.survivesEdgeFault(here.world, here.context, fault),
  );
  it.each(["close", "navigate"] as const)("when a page tracks and then does this: %s", async (leave) => {
    const sameVisit = await scenario.survivesLeaving(here.world, here.context, leave);
    console.log(`track, then ${leave}: ${sameVisit} of 6 delivered in the same visit`);
  });
  it("when the leading tab is frozen", () => scenario.survivesFrozenLeader(here.world, here.context));
  it("when the leading tab hangs", () => scenario.survivesHungLeader(here.world, here.context));
  it("when the worker dies", () => scenario.survivesWorkerDeath(here.world, here.context));
  it("from both copies of a cloned profile", async () => {
    await scenario.survivesClonedProfile(here.world);
    expect(here.edge.producers).toBe(2);
  });
  it("over a burst and a navigation", () => scenario.survivesBurstThenNavigation(here.world, here.context));
});

describe("as a script tag", () => {
  it("keeps early calls, and captures clicks on ads", async () => {
    await scenario.worksAsScriptTag(here.world, here.context);
    expect(here.edge.events.find(({ id }) => id === "clicked")).toEqual({
      type: "click",
      adId: "ad-1",
      campaignId: "7",
      id: "clicked",
    });
    expect(here.edge.events).toHaveLength(2);
  });
});

describe("the script tag's stub", () => {
  it("keeps the time of a call that was made before the script came", async () => {
    const page = await here.context.newPage();
    const slowMs = 1_500;
    await page.route(/headwater\.js/, async (route) => {
      await scenario.pause(slowMs);
      await route.continue();
    });
    const options = { endpoint: here.world.proxy.url, stream: here.world.stream, key: here.world.writeKey };
    await page.goto(here.world.pages.page({ kind: "script", tracker: options }), { waitUntil: "commit" });
    const began = Date.now();
    await scenario.expectCountedOnce(here.world, ["early"]);
    expect(here.edge.times[0]).toBeLessThan(began + slowMs);
  });
});

describe("asked first", () => {
  it.each(["denied", "pending"] as const)("stores and sends nothing when consent is %s", (consent) =>
    scenario.storesNothingWithoutConsent(here.world, here.context, consent),
  );

  it("sends what has waited once consent is granted", async () => {
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world, { consent: "pending" }));
    await page.evaluate(() => {
      void window.tracker.track("click", { id: "waited" });
      window.tracker.setConsent("granted");
    });
    await scenario.expectCountedOnce(here.world, ["waited"]);
  });

  it("deletes log and producer id on opting out, in a tab that shares them, too", async () => {
    here.world.proxy.fail("drop before");
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world));
    const other = await scenario.openPage(here.context, scenario.pageUrl(here.world));
    await scenario.track(page, ["forgotten"]);
    expect(await scenario.stored(page)).toHaveLength(1);
    await other.close();
    await page.evaluate(() => window.tracker.setConsent("denied"));
    await expect.poll(() => scenario.stored(page)).toEqual([]);
    expect(await page.evaluate(() => window.drops)).toEqual([{ reason: "no_consent", count: 1 }]);
    here.world.proxy.fail("none");
    await page.evaluate(() => window.tracker.setConsent("granted"));
    await scenario.track(page, ["afterwards"]);
    await scenario.expectCountedOnce(here.world, ["afterwards"]);
    expect(here.edge.events).toHaveLength(1);
  });

  it("keeps apart what was tracked before an opt-out and after opting in again, however quickly", async () => {
    for (const worker of ["auto", "page"]) {
      const page = await scenario.openPage(here.context, scenario.pageUrl(here.world, { worker }));
      const outcomes = await page.evaluate(async (prefix) => {
        const outcome = (call: Promise<unknown>) =>
          call.then(
            () => "tracked",
            (error: { code: string }) => error.code,
          );
        const { tracker } = window;
        const calls = [outcome(tracker.track("click", { id: `${prefix}-before` }))];
        // With the first call under way to the log.
        await Promise.resolve();
        tracker.setConsent("denied");
        calls.push(outcome(tracker.track("click", { id: `${prefix}-denied` })));
        tracker.setConsent("granted");
        calls.push(outcome(tracker.track("click", { id: `${prefix}-after` })));
        return Promise.all(calls);
      }, worker);
      expect(outcomes).toEqual(["no_consent", "no_consent", "tracked"]);
      await scenario.expectCountedOnce(here.world, [`${worker}-after`]);
      await page.close();
    }
    // What was tracked before, with consent, may have been on its way already; what was tracked without never leaves.
    const ids = here.edge.events.map(({ id }) => String(id)).filter((id) => !id.endsWith("-before"));
    expect(ids).toEqual(["auto-after", "page-after"]);
  });

  it("honours Global Privacy Control", async () => {
    await here.context.addInitScript(() => Object.defineProperty(navigator, "globalPrivacyControl", { value: true }));
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world));
    const refused = page.evaluate(() =>
      window.tracker.track("click", { id: "unasked" }).catch((e: Error) => e.message),
    );
    expect(await refused).toContain("consent");
    expect(await scenario.stored(page)).toEqual([]);
    await scenario.openPage(here.context, scenario.pageUrl(here.world, { respectGpc: false }));
    expect(here.edge.events).toEqual([]);
  });
});

describe("the ladder", () => {
  it("says so, and goes on, where there is no IndexedDB", async () => {
    await here.context.addInitScript(() => {
      // A worker has its own global: without a worker the page's is the only one.
      Object.defineProperty(window, "indexedDB", { value: undefined });
    });
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world, { worker: "page" }));
    expect(await scenario.track(page, ["in memory"])).toEqual([{ sequence: 0, durability: "memory" }]);
    await scenario.expectCountedOnce(here.world, ["in memory"]);
    expect(await scenario.status(page)).toMatchObject({ durability: "memory", leader: true });
  });
});

describe("toward the page", () => {
  it("rejects with a stable code, and throws nothing", async () => {
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world));
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    const codes = await page.evaluate(async () => {
      const code = (call: Promise<unknown>) =>
        call.then(
          () => "fine",
          (error: { code: string }) => error.code,
        );
      const { tracker } = window;
      void tracker.track("click", { "not a name": 1 });
      const invalid = await code(tracker.track("click", { nested: {} } as unknown as Record<string, string>));
      const tooLong = await code(tracker.track("click", { text: "x".repeat(2_000) }));
      tracker.setContext(null as unknown as Record<string, string>);
      await tracker.close();
      return [invalid, tooLong, await code(tracker.track("click")), await code(tracker.flush())];
    });
    expect(codes).toEqual(["invalid_event", "invalid_event", "closed", "closed"]);
    expect(errors).toEqual([]);
  });

  it("lays its context under every event, as it was when the event was tracked", async () => {
    const page = await scenario.openPage(
      here.context,
      scenario.pageUrl(here.world, { context: { userId: "u-1", site: "a" } }),
    );
    await page.evaluate(async () => {
      void window.tracker.click("ad-1", { id: "one" });
      window.tracker.setContext({ userId: "u-2", site: undefined });
      void window.tracker.click("ad-1", { id: "two" });
      await window.tracker.flush();
    });
    expect(here.edge.events).toEqual([
      { type: "click", userId: "u-1", site: "a", id: "one", adId: "ad-1" },
      { type: "click", userId: "u-2", id: "two", adId: "ad-1" },
    ]);
  });

  it("rejects a flush that the edge refuses, and keeps the events", async () => {
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world, { writeKey: "wk_wrong" }));
    await scenario.track(page, ["kept"]);
    const refused = await page.evaluate(() => window.tracker.flush().catch((error: { code: string }) => error.code));
    expect(refused).toBe("refused");
    expect(await scenario.status(page)).toMatchObject({ pending: 1, lastError: { code: "unauthorized", status: 401 } });
    expect(await page.evaluate(() => window.problems)).toEqual(["unauthorized"]);
  });

  it("registers no listener that costs the page its back/forward cache", async () => {
    await here.context.addInitScript(() => {
      const listened: string[] = ((window as unknown as { listened: string[] }).listened = []);
      const original = EventTarget.prototype.addEventListener;
      EventTarget.prototype.addEventListener = function (type: string, ...rest: unknown[]) {
        listened.push(type);
        return Reflect.apply(original, this, [type, ...rest]) as void;
      };
    });
    const page = await scenario.openPage(here.context, scenario.pageUrl(here.world, { autocapture: true }));
    await scenario.track(page, ["one"]);
    const listened = await page.evaluate(() => (window as unknown as { listened: string[] }).listened);
    expect(listened).toContain("pagehide");
    expect(listened).not.toContain("unload");
    expect(listened).not.toContain("beforeunload");
  });
});
