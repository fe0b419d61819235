/**
 * What tracking costs the page: 2,000 calls on a processor of a sixth of the speed, and Headwater's own latencies.
 *
 * Trackers take turns within a round, and every round has fresh profiles.
 */
import type { Browser, CDPSession, Page } from "playwright-core";
import type { Adapter } from "./adapters.ts";
import type { Pages } from "./pages.ts";
import type { Cost, Latency } from "./results.ts";
import { pause, Turns, Visit } from "./visit.ts";

const CALLS = 2_000;
const THROTTLING = 6;
/** What a tracker puts off is its cost, too: as long as its timers of a few seconds take. */
const AFTERMATH_MS = 6_000;

/** Calls timed together: enough that the clock's steps of 5 µs are a tenth of it, few enough that one slow call shows. */
const CALLS_A_BATCH = 10;
const BATCHES = 1_000;
const DURABLE_SAMPLES = 200;

type Sample = Omit<Cost, "adapter" | "rounds">;

export async function measureCost(
  browser: Browser,
  pages: Pages,
  adapters: readonly Adapter[],
  rounds: number,
): Promise<Cost[]> {
  const samples = new Map<string, Sample[]>(adapters.map(({ id }) => [id, []]));
  for (let round = 0; round < rounds; round++) {
    for (const adapter of adapters) samples.get(adapter.id)?.push(await costOnce(browser, pages, adapter));
  }
  return [...samples].map(([adapter, all]) => {
    const medianOf = (name: keyof Sample) =>
      quantile(
        all.map((sample) => sample[name]),
        0.5,
      );
    return {
      adapter,
      rounds,
      callsMs: medianOf("callsMs"),
      mainThreadMs: medianOf("mainThreadMs"),
      longTasks: medianOf("longTasks"),
      blockingMs: medianOf("blockingMs"),
    };
  });
}

async function costOnce(browser: Browser, pages: Pages, adapter: Adapter): Promise<Sample> {
  const visit = await Visit.start(browser, pages, adapter, new Turns());
  const page = await visit.open();
  const session = await throttle(page);
  await session.send("Performance.enable");
  const before = await taskMs(session);
  const ids = visit.collector.newIds(CALLS);
  const inPage = await page.evaluate(costInPage, { ids, aftermathMs: AFTERMATH_MS });
  const mainThreadMs = (await taskMs(session)) - before;
  await visit.stop();
  return { ...inPage, mainThreadMs };
}

/** Runs in the page. */
async function costInPage({ ids, aftermathMs }: { ids: readonly string[]; aftermathMs: number }) {
  const tasks: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) tasks.push(duration);
  });
  observer.observe({ type: "longtask" });
  // In a task of its own, as a listener's would be.
  const callsMs = await new Promise<number>((resolve) => {
    setTimeout(() => {
      const start = performance.now();
      for (const id of ids) window.bench.track(id, "");
      resolve(performance.now() - start);
    });
  });
  await new Promise((resolve) => setTimeout(resolve, aftermathMs));
  return { callsMs, longTasks: tasks.length, blockingMs: tasks.reduce((sum, ms) => sum + ms - 50, 0) };
}

export async function measureLatency(browser: Browser, pages: Pages, adapter: Adapter): Promise<Latency[]> {
  const latencies: Latency[] = [];
  for (const throttling of [1, THROTTLING]) {
    const visit = await Visit.start(browser, pages, adapter, new Turns());
    const page = await visit.open(undefined, "&isolated");
    const session = await throttle(page, throttling);
    // A browser compiles what is called often; a visitor's first calls are in the median of the cost.
    const calls = await page.evaluate(batchesInPage, { count: BATCHES, size: CALLS_A_BATCH, prefix: "warm" });
    await session.send("Emulation.setCPUThrottlingRate", { rate: 1 });
    await pause(2_000);
    const durable = throttling === 1 ? await page.evaluate(durableInPage, DURABLE_SAMPLES) : null;
    await visit.stop();
    latencies.push({
      throttling,
      callMedianUs: quantile(calls, 0.5) * 1_000,
      callP99Us: quantile(calls, 0.99) * 1_000,
      durableMedianUs: durable === null ? null : quantile(durable, 0.5) * 1_000,
    });
  }
  return latencies;
}

/** Runs in the page. @returns milliseconds a call, batch by batch, each in a task of its own */
async function batchesInPage({ count, size, prefix }: { count: number; size: number; prefix: string }) {
  if (!crossOriginIsolated) throw new Error("the page's clock is coarse: it is not isolated");
  const perCallMs: number[] = [];
  for (let batch = 0; batch < count; batch++) {
    const start = performance.now();
    for (let call = 0; call < size; call++) window.bench.track(`${prefix}-${batch}-${call}`, "");
    perCallMs.push((performance.now() - start) / size);
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  return perCallMs;
}

/** Runs in the page. @returns milliseconds from call to disk, one after the other */
async function durableInPage(count: number) {
  const ms: number[] = [];
  for (let sample = 0; sample < count; sample++) {
    const start = performance.now();
    await window.bench.durable?.(`durable-${sample}`);
    ms.push(performance.now() - start);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return ms;
}

async function throttle(page: Page, rate = THROTTLING): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send("Emulation.setCPUThrottlingRate", { rate });
  return session;
}

/** How long the page's main thread has been in tasks. */
async function taskMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  return (metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0) * 1_000;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
