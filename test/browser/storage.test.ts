/** What a browser's storage does to a log under open pages, beyond being cleared: it hangs, breaks, fills up, comes back. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import * as scenario from "./scenarios.ts";
import { stubWorld } from "./world.ts";

const here = stubWorld();

/** On the page itself, whose IndexedDB these tests can put hands on. */
const open = (options: Record<string, unknown> = {}) =>
  scenario.openPage(here.context, scenario.pageUrl(here.world, { worker: "page", ...options }));

declare global {
  interface Window {
    /** Puts the storage right again. */
    repair: () => void;
  }
}

type Fault = "abort" | "throw" | "hang" | "commit and fail" | "quota" | "close";

/** From now on, every write to IndexedDB (or as many as `times` says) ends like this. */
const breakStorage = (page: Page, fault: Fault, times = Infinity) =>
  page.evaluate(
    ({ fault, times }) => {
      const { put } = IDBObjectStore.prototype;
      const { transaction } = IDBDatabase.prototype;
      const { commit } = IDBTransaction.prototype;
      let left = times;
      window.repair = () => {
        IDBObjectStore.prototype.put = put;
        IDBDatabase.prototype.transaction = transaction;
        IDBTransaction.prototype.commit = commit;
      };
      const use = () => {
        if (--left <= 0) window.repair();
      };
      if (fault === "commit and fail") {
        IDBTransaction.prototype.commit = function () {
          use();
          commit.call(this);
          throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
        };
      } else if (fault === "close") {
        IDBDatabase.prototype.transaction = function (...given: Parameters<typeof transaction>) {
          use();
          this.close();
          return transaction.apply(this, given);
        };
      } else if (fault === "hang") {
        // A transaction that neither completes nor aborts: the requests that keep it open are those of this loop.
        IDBTransaction.prototype.commit = function () {
          use();
          const store = this.objectStore("meta");
          const until = Date.now() + 6_000;
          const again = () => void (Date.now() < until && (store.get("state").onsuccess = again));
          again();
        };
      } else {
        IDBObjectStore.prototype.put = function (...given: Parameters<typeof put>) {
          use();
          if (fault === "throw") throw new DOMException("broken", "UnknownError");
          if (fault === "quota") throw new DOMException("full", "QuotaExceededError");
          const request = put.apply(this, given);
          this.transaction.abort();
          return request;
        };
      }
    },
    { fault, times },
  );

const repair = (page: Page) => page.evaluate(() => window.repair());

describe("storage that fails once", () => {
  it.each(["abort", "throw", "commit and fail", "close", "hang"] as const)("shows nowhere (%s)", async (fault) => {
    const ids = scenario.newIds(6);
    const page = await open();
    await scenario.track(page, ids.slice(0, 2));
    await breakStorage(page, fault, 1);
    const tracked = await scenario.track(page, ids.slice(2));
    expect(tracked.map(({ durability }) => durability)).toEqual(["disk", "disk", "disk", "disk"]);
    await page.evaluate(() => window.tracker.flush());
    await scenario.expectCountedOnce(here.world, ids);
    expect(await scenario.status(page)).toMatchObject({ acknowledged: 6, pending: 0, lost: {} });
  });
});

describe("storage that is broken for a while", () => {
  it.each(["abort", "throw"] as const)("loses neither what it held nor what came after (%s)", async (fault) => {
    const ids = scenario.newIds(9);
    here.world.proxy.fail("drop before");
    const [page, other] = [await open(), await open()];
    await scenario.track(page, ids.slice(0, 3));
    await breakStorage(page, fault);
    const tracked = await scenario.track(page, ids.slice(3, 6));
    expect(tracked.map(({ durability }) => durability)).toEqual(["memory", "memory", "memory"]);
    await repair(page);
    await scenario.track(page, ids.slice(6));
    expect(await scenario.status(page)).toMatchObject({ durability: "memory", pending: 9, lost: {} });
    // Another tab, whose storage works, knows of the log on disk and of nothing else.
    expect(await scenario.status(other)).toMatchObject({ durability: "disk", pending: 3, lost: {} });
    await other.close();
    here.world.proxy.fail("none");
    await page.evaluate(() => window.tracker.flush());
    expect(await scenario.status(page)).toMatchObject({ acknowledged: 6, pending: 3, lost: {} });
    expect(await page.evaluate(() => window.problems)).toContain("storage_failed");
    await page.close();
    // What was on the disk goes with the next visit.
    await open();
    await scenario.expectCountedOnce(here.world, ids);
  });
});

describe("a browser without room", () => {
  it("rejects, counts, keeps what it has acknowledged, and goes on when there is room", async () => {
    const [before = "", after = ""] = scenario.newIds(2);
    here.world.proxy.fail("drop before");
    const page = await open();
    await scenario.track(page, [before]);
    await breakStorage(page, "quota");
    const code = await page.evaluate(() =>
      window.tracker.track("click", { id: "refused" }).catch((error: { code: string }) => error.code),
    );
    expect(code).toBe("log_full");
    expect(await page.evaluate(() => window.drops)).toEqual([{ reason: "log_full", count: 1 }]);
    expect(await scenario.status(page)).toMatchObject({ durability: "disk", pending: 1, lost: { log_full: 1 } });
    await repair(page);
    await scenario.track(page, [after]);
    here.world.proxy.fail("none");
    await page.evaluate(() => window.tracker.flush());
    await scenario.expectCountedOnce(here.world, [before, after]);
    expect(await scenario.status(page)).toMatchObject({ acknowledged: 2, pending: 0, lost: { log_full: 1 } });
  });
});

describe("an opt-out", () => {
  it("ends although a tab that hangs has the log open", async () => {
    here.world.proxy.fail("drop before");
    const [page, other] = [await open({ worker: "auto" }), await open({ worker: "auto" })];
    await scenario.track(page, ["forgotten"]);
    const [worker] = other.workers();
    worker
      ?.evaluate(() => {
        for (;;);
      })
      .catch(() => {});
    await page.evaluate(() => window.tracker.setConsent("denied"));
    // Granting waits for the end of the erasing.
    await page.evaluate(() => window.tracker.setConsent("granted"));
    here.world.proxy.fail("none");
    await scenario.track(page, ["afterwards"]);
    await scenario.expectCountedOnce(here.world, ["afterwards"]);
    expect(here.edge.events).toHaveLength(1);
    expect(await page.evaluate(() => window.problems)).not.toContain("erase_failed");
  });
});
