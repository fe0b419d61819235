/** What a page goes through, from the click to the log of a real edge: the SDK's scenarios, counted in the edge's own records. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as faults from "../browser/fault-scenarios.ts";
import * as scenario from "../browser/scenarios.ts";
import { StreamClient } from "../support/api.ts";
import { launchChromium } from "../support/chromium.ts";
import { FaultProxy, forwardTo } from "../support/fault-proxy.ts";
import { Profiles } from "../support/profiles.ts";
import { SdkPages } from "../support/sdk-pages.ts";
import { type Server, startServer } from "../support/server.ts";

const PARTITIONS = 2;

describe("a page and a real edge", () => {
  let storage: string;
  let server: Server;
  let stream: StreamClient;
  let pages: SdkPages;
  let proxy: FaultProxy;
  let browser: Browser;
  let context: BrowserContext;
  let profiles: Profiles;
  let world: scenario.World;
  let streams = 0;

  /** How often each event is in the log, by its attribute `id`. */
  const counted = async (): Promise<Map<string, number>> => {
    const counts = new Map<string, number>();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (const { id } of await stream.records(partition)) counts.set(String(id), (counts.get(String(id)) ?? 0) + 1);
    }
    return counts;
  };

  beforeAll(async () => {
    storage = await mkdtemp(join(tmpdir(), "headwater-page-"));
    [server, pages, browser] = await Promise.all([
      startServer({ persistTo: storage }),
      SdkPages.start(),
      launchChromium(),
    ]);
    proxy = await FaultProxy.start(forwardTo(server.url));
  });
  afterAll(async () => {
    await browser.close();
    await Promise.all([proxy.stop(), pages.stop(), server.stop()]);
    await rm(storage, { recursive: true, force: true });
  });

  beforeEach(async () => {
    const config = { partitions: PARTITIONS, allowedOrigins: [pages.url] };
    stream = await StreamClient.create(server, `page-${streams++}`, config);
    proxy.fail("none");
    profiles = await Profiles.make();
    context = await browser.newContext();
    world = {
      proxy,
      pages,
      stream: stream.name,
      writeKey: stream.keys.write,
      counted,
      launch: profiles.launch,
      cloneProfile: profiles.clone,
    };
  });
  afterEach(async () => {
    await context.close();
    await profiles.remove();
  });

  test("what was durable before the whole browser was killed is counted once", () => scenario.survivesKill(world));
  test("whenever it is killed, too", () => scenario.survivesKillUnderWay(world));
  test("offline, and online again", () => scenario.survivesOffline(world, context));
  test("from two tabs that are closed while the edge is away", () => scenario.survivesTwoTabsClosed(world, context));
  test("over lost replies", () => scenario.survivesLostReplies(world, context));
  test("from both copies of a cloned profile", () => scenario.survivesClonedProfile(world));

  test.each(["navigate", "close"] as const)("tracked, and gone: %s", (leave) =>
    scenario.survivesLeaving(world, context, leave).then(() => {}),
  );
  test("over a burst and a navigation", () => scenario.survivesBurstThenNavigation(world, context));
  test("over renderers that crash", () => faults.survivesCrash(world, context));
  test("offline, and then a crash", () => faults.survivesOfflineThenCrash(world, context));
  test("in a browser that grants 2 MB", () => faults.survivesQuota(world, context));
  test("when the leading tab is stopped while it sends", () => faults.survivesStoppedLeader(world, context));
  test("from ten tabs", () => faults.survivesTenTabs(world, context));

  test("what a full log refused is known at the edge, by reason and in the same number", async () => {
    proxy.fail("drop before");
    const page = await scenario.openPage(context, scenario.pageUrl(world, { logBytesMax: 2_000 }));
    const ids = scenario.newIds(200);
    const kept = await page.evaluate(async (given) => {
      const outcomes = await Promise.allSettled(given.map((id) => window.tracker.click("ad-1", { id })));
      return given.filter((_, i) => outcomes[i]?.status === "fulfilled");
    }, ids);
    expect(kept.length).toBeGreaterThan(0);
    proxy.fail("none");
    await page.evaluate(() => window.tracker.flush());
    // The batch after the hole tells what it was.
    const [last = ""] = scenario.newIds(1);
    await scenario.track(page, [last]);
    await scenario.expectCountedOnce(world, [...kept, last]);
    const refused = { log_full: ids.length - kept.length };
    expect((await scenario.status(page)).lost).toEqual(refused);
    const { body } = await stream.admin<{ partitions: { lost: number; dropped: Record<string, number> }[] }>("GET");
    const told = body.partitions.find(({ lost }) => lost > 0);
    expect(told).toMatchObject({ lost: refused.log_full, dropped: refused });
    await page.close();
  });

  test("over an edge that is killed in the middle of requests", async () => {
    const ids = scenario.newIds(90);
    const page = await scenario.openPage(context, scenario.pageUrl(world, { lingerMs: 0 }));
    for (let kill = 0; kill < 3; kill++) {
      const tracking = ids.slice(kill * 30, kill * 30 + 30).map(async (id, i) => {
        await scenario.pause(i * 5);
        await scenario.track(page, [id]);
      });
      await scenario.pause(60 + 20 * kill);
      await server.kill();
      await Promise.all(tracking);
      await server.restart();
    }
    await scenario.expectCountedOnce(world, ids);
    await page.close();
  });

  test("over an edge that dies for real, and rises", async () => {
    const ids = scenario.newIds(10);
    const page = await scenario.openPage(context, scenario.pageUrl(world));
    await scenario.track(page, ids.slice(0, 5));
    await server.kill();
    await scenario.track(page, ids.slice(5));
    await server.restart();
    await scenario.expectCountedOnce(world, ids);
    // The view has counted what the log holds.
    expect((await stream.query({ last: "1h" })).rows).toEqual([{ clicks: 10 }]);
    await page.close();
  });
});
