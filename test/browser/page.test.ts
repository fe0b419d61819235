/** The page's half of the SDK in real Chromium: what a page may do to its tracker, and how it may end. */
import type { Page } from "playwright-core";
import { beforeEach, describe, expect, it } from "vitest";
import * as scenario from "./scenarios.ts";
import { stubWorld } from "./world.ts";

/** What pages have posted. */
const heard: string[] = [];
const here = stubWorld({
  path: "/parts",
  entry: "test/browser/page-parts.ts",
  posted: (body) => String(heard.push(body)),
});
let page: Page;
let errors: string[];

beforeEach(async () => {
  page = await here.context.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
});

const options = (more: Record<string, unknown> = {}) => ({
  endpoint: here.world.proxy.url,
  stream: here.world.stream,
  writeKey: here.world.writeKey,
  lingerMs: 20,
  ...more,
});

/** A page without a tracker: it has the parts that one is made of. */
const openParts = async (): Promise<void> => {
  await page.goto(`${here.world.pages.url}/parts`);
  await page.waitForFunction(() => window.parts !== undefined);
};

const openTracker = async (more: Record<string, unknown> = {}): Promise<void> => {
  await page.goto(scenario.pageUrl(here.world, more));
  await page.waitForFunction(() => window.tracker !== undefined);
};

const counted = (ids: readonly string[]) => scenario.expectCountedOnce(here.world, ids);

describe("whatever the page hands over", () => {
  it("nothing is thrown, and every call is answered", async () => {
    await openParts();
    const outcomes = await page.evaluate(async (sound) => {
      const throwing = new Proxy(sound, {
        ownKeys: () => {
          throw Object.create(null);
        },
      });
      const odd = { ...sound, onError: 7, context: throwing, worker: {}, workerUrl: null, consent: "perhaps" };
      const outcomes: string[] = [];
      for (const given of [undefined, null, 7, "text", Symbol("s"), throwing, Object.freeze({}), Object.freeze(odd)]) {
        const tracker = window.parts.createTracker(given as never);
        tracker.setContext(throwing as never);
        tracker.setConsent("perhaps" as never);
        tracker.status();
        const call = (promise: Promise<unknown>) =>
          promise.then(
            () => "fine",
            (error: { code?: string }) => error.code ?? "no code",
          );
        const calls = [tracker.track(throwing as never, throwing as never), tracker.click("ad-1", throwing as never)];
        const answers = await Promise.all(calls.map(call));
        outcomes.push([...answers, await call(tracker.flush()), await call(tracker.close())].join());
      }
      return outcomes;
    }, options());
    expect(outcomes.slice(0, -1)).toEqual(Array(7).fill("closed,closed,closed,fine"));
    expect(outcomes.at(-1)).toBe("invalid_event,invalid_event,fine,fine");
    expect(await scenario.stored(page)).toEqual([]);
  });

  it("its status can be had before anything is open", async () => {
    await openParts();
    const status = await page.evaluate((given) => {
      const tracker = window.parts.createTracker(given as never);
      void tracker.track("click");
      return tracker.status();
    }, options());
    expect(status).toEqual({ durability: "memory", pending: 1, acknowledged: 0, lost: {}, leader: false });
  });

  it("callbacks that throw are the page's errors, and nothing else suffers", async () => {
    await openParts();
    await page.evaluate(async (given) => {
      const fail = () => {
        throw new Error("of the page");
      };
      const tracker = window.parts.createTracker({
        ...given,
        onAcknowledged: fail,
        onDrop: fail,
        onError: fail,
      } as never);
      await tracker.track("click", { id: "one" });
      await tracker.flush();
      await tracker.track("click", { id: "two" });
    }, options());
    await counted(["one", "two"]);
    expect(new Set(errors)).toEqual(new Set(["of the page"]));
  });
});

describe("asked first", () => {
  it("holds events that wait for consent to a number of characters, and counts what it refuses", async () => {
    await openTracker({ consent: "pending" });
    const { code, waiting, status } = await page.evaluate(async () => {
      const attributes = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`a${i}`, "x".repeat(1_000)]));
      let waiting = 0;
      for (;;) {
        const tracked = window.tracker.track("click", attributes).then(
          () => "tracked",
          (error: { code: string }) => error.code,
        );
        const code = await Promise.race([tracked, new Promise((resolve) => setTimeout(resolve, 5))]);
        if (typeof code === "string") return { code, waiting, status: window.tracker.status() };
        if (++waiting > 1_000) throw new Error("there is no bound");
      }
    });
    expect(code).toBe("log_full");
    expect(status).toMatchObject({ pending: waiting, lost: { log_full: 1 } });
    expect(await page.evaluate(() => window.drops)).toEqual([{ reason: "log_full", count: 1 }]);
  });

  it("stops at pending, and goes on where it was once consent is granted again, however quickly", async () => {
    await openTracker();
    const requests = here.world.proxy.requests;
    await page.evaluate(() => {
      const { tracker } = window;
      tracker.setConsent("pending");
      tracker.setConsent("granted");
      tracker.setConsent("pending");
      void tracker.track("click", { id: "waited" });
    });
    await scenario.pause(400);
    expect(here.world.proxy.requests).toBe(requests);
    expect(await page.evaluate(() => window.tracker.status())).toMatchObject({ pending: 1, leader: false });
    await page.evaluate(() => window.tracker.setConsent("granted"));
    await counted(["waited"]);
  });

  it("does not store what was granted and made pending before the log was open", async () => {
    await openParts();
    await page.evaluate((given) => {
      const tracker = window.parts.createTracker(given as never);
      void tracker.track("click");
      tracker.setConsent("pending");
    }, options());
    await scenario.pause(300);
    expect(await scenario.stored(page)).toEqual([]);
  });

  it("says when opting out is done: log, spills and id are gone, on a closed tracker too", async () => {
    here.world.proxy.fail("drop before");
    for (const closedFirst of [false, true]) {
      await openTracker();
      await scenario.track(page, [`forgotten-${closedFirst}`]);
      const left = await page.evaluate(async (closedFirst) => {
        const { tracker } = window;
        const flushed = tracker.flush().catch((error: { code: string }) => error.code);
        if (closedFirst) await tracker.close();
        const [name] = (await indexedDB.databases()).map(({ name }) => name);
        localStorage.setItem(`${name}:spill:other`, '{"first":0,"at":1,"events":["{}"]}');
        await tracker.optOut();
        const databases = await indexedDB.databases();
        return [databases.length, Object.keys(localStorage).length, await flushed];
      }, closedFirst);
      expect(left).toEqual([0, 0, closedFirst ? "closed" : "no_consent"]);
    }
    expect(here.edge.events).toEqual([]);
  });

  it("says so if opting out fails, and can be asked again", async () => {
    await openTracker();
    await scenario.track(page, ["one"]);
    const outcomes = await page.evaluate(async () => {
      const code = () =>
        window.tracker.optOut().then(
          () => "gone",
          (error: { code: string }) => error.code,
        );
      const { open } = IDBFactory.prototype;
      IDBFactory.prototype.open = () => {
        throw new DOMException("no", "UnknownError");
      };
      const first = await code();
      IDBFactory.prototype.open = open;
      return [first, await code(), (await indexedDB.databases()).length];
    });
    expect(outcomes).toEqual(["erase_failed", "gone", 0]);
    expect(await page.evaluate(() => window.problems)).toEqual(["erase_failed"]);
  });
});

describe("however it ends", () => {
  it("logs what was tracked in the same breath as the tracker was made and closed", async () => {
    await openParts();
    const outcome = await page.evaluate(async (given) => {
      const tracker = window.parts.createTracker(given as never);
      const tracked = tracker.track("click", { id: "brief" });
      const late = Promise.all([tracker.close(), tracker.close()]).then(() => tracker.track("click"));
      return [(await tracked).durability, await late.catch((error: { code: string }) => error.code)];
    }, options());
    expect(outcome).toEqual(["disk", "closed"]);
    await openTracker();
    await counted(["brief"]);
  });

  it.each(["close", "optOut"] as const)("answers %s, with a worker that hangs as it opens the log", async (end) => {
    await page.addInitScript(() => {
      const { Worker } = window;
      window.Worker = class extends Worker {
        #asked = 0;
        override postMessage(message: unknown): void {
          // It answers the handshake, and then no more.
          if (this.#asked++ === 0) super.postMessage(message);
        }
      } as typeof Worker;
    });
    await openParts();
    const outcomes = await page.evaluate(
      async ({ given, end }) => {
        const tracker = window.parts.createTracker(given as never);
        const tracked = tracker.track("click", { id: "one" }).then(
          ({ durability }) => durability,
          (error: { code: string }) => error.code,
        );
        await new Promise((resolve) => setTimeout(resolve, 200));
        await tracker[end]();
        return tracked;
      },
      { given: options(), end },
    );
    expect(outcomes).toBe(end === "close" ? "disk" : "no_consent");
    expect(page.workers()).toHaveLength(0);
  });

  it("keeps what a page tracks with its last breath, after the tracker has heard of its end", async () => {
    await openTracker();
    await page.waitForFunction(() => window.tracker.status().durability === "disk");
    await page.evaluate(() => {
      addEventListener("pagehide", () => void window.tracker.track("click", { id: "last words" }));
      location.href = "about:blank";
    });
    await page.waitForURL("about:blank");
    await openTracker();
    await counted(["last words"]);
  });

  it("counts what it could not spill", async () => {
    await openParts();
    // Nothing is ever logged: only the spill is left.
    await page.evaluate((given) => {
      window.Worker = undefined as never;
      const { open } = IDBFactory.prototype;
      IDBFactory.prototype.open = function () {
        const request = open.call(this, "never heard of");
        request.addEventListener = () => {};
        return request;
      };
      const tracker = window.parts.createTracker(given as never);
      for (let i = 0; i < 600; i++) void tracker.track("click", { i, text: "x".repeat(1_000) });
    }, options());
    await page.goto(`${here.world.pages.url}/parts`);
    const [kept, cut] = await page.evaluate(() => {
      const [spill] = Object.values(localStorage).map((text) => JSON.parse(String(text)));
      return [spill.events.length as number, spill.cut as number];
    });
    expect(kept).toBeGreaterThan(100);
    expect(kept + cut).toBe(600);
    await openTracker();
    await page.evaluate(() => window.tracker.flush());
    await expect.poll(() => page.evaluate(() => window.drops)).toEqual([{ reason: "spill_full", count: cut }]);
    expect(here.edge.events).toHaveLength(kept);
  });

  it("counts a spill once that two tabs bring in at the same time", async () => {
    await openParts();
    await page.evaluate((name) => {
      const events = Array.from({ length: 50 }, (_, i) => JSON.stringify({ type: "click", id: `spilled-${i}` }));
      localStorage.setItem(`${name}:spill:gone`, JSON.stringify({ first: 7, at: Date.now(), events }));
    }, `headwater:${here.world.proxy.url}:${here.world.stream}`);
    await page.evaluate((given) => {
      for (let i = 0; i < 3; i++) window.parts.createTracker(given as never);
    }, options());
    await counted(Array.from({ length: 50 }, (_, i) => `spilled-${i}`));
    expect(here.edge.producers).toBe(1);
  });

  it("sends what was being logged as the page was hidden, once it is", async () => {
    await openTracker({ lingerMs: 60_000 });
    await page.waitForFunction(() => window.tracker.status().durability === "disk");
    await page.evaluate(() => {
      Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
      void window.tracker.track("click", { id: "hidden" });
      document.dispatchEvent(new Event("visibilitychange"));
    });
    await counted(["hidden"]);
    expect(await scenario.stored(page)).toHaveLength(1);
  });
});

describe("prerendered", () => {
  it("waits until it is seen; closing it waits for nothing", async () => {
    await page.addInitScript(() => {
      Object.defineProperty(document, "prerendering", { value: true, configurable: true });
    });
    await openParts();
    const code = await page.evaluate(async (given) => {
      const tracker = window.parts.createTracker(given as never);
      const tracked = tracker.track("click").catch((error: { code: string }) => error.code);
      await tracker.close();
      return tracked;
    }, options());
    expect(code).toBe("closed");
    await page.evaluate((given) => {
      window.tracker = window.parts.createTracker(given as never);
      void window.tracker.track("click", { id: "seen" });
    }, options());
    await scenario.pause(300);
    expect(await scenario.stored(page)).toEqual([]);
    await page.evaluate(() => {
      Object.defineProperty(document, "prerendering", { value: false });
      document.dispatchEvent(new Event("prerenderingchange"));
    });
    await counted(["seen"]);
    // The one that was closed stays closed.
    expect(page.workers()).toHaveLength(1);
  });
});

it("comes back from the back/forward cache, with its log, its worker and its lead", async () => {
  // Only a browser with a profile has the cache, and playwright cannot talk to a page that comes back from there.
  const visit = await here.world.launch();
  try {
    await visit.context.addInitScript(() => {
      if (location.pathname !== "/") return setTimeout(() => history.back(), 500);
      return addEventListener("pageshow", ({ persisted }) => {
        if (!persisted) return;
        void fetch("/heard", { method: "POST", body: "restored" });
        void window.tracker.track("click", { id: "restored" });
      });
    });
    const first = await scenario.openPage(visit.context, scenario.pageUrl(here.world));
    await first.waitForFunction(() => window.tracker.status().leader);
    await first.evaluate(() => {
      void window.tracker.track("click", { id: "left" });
      setTimeout(() => (location.href = "/elsewhere"), 100);
    });
    await counted(["left", "restored"]);
    expect(heard).toEqual(["restored"]);
    expect(here.edge.producers).toBe(1);
  } finally {
    await visit.kill();
  }
});
