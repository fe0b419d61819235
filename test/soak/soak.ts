/**
 * The soak: for some minutes, everything happens to a browser and an edge that can happen to them, in an order that a seed
 * decides; then all is put right, and every click that a page was told is durable has to be in the edge's log, once.
 *
 *   acknowledged-lost   the page was told that it is durable, and it is not at the edge
 *   counted twice       it is there twice, acknowledged or not
 *   stuck               it arrives only after another restart: a quiet minute did not do
 *   accounting          what the SDK says was delivered and lost, and what the edge says it has, are the same numbers
 *
 * Real Chromium on a real profile, the real worker; between them a proxy that fails on demand. The same seed makes the same
 * plan of actions, not the same timing.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StreamClient } from "../support/api.ts";
import { FaultProxy, forwardTo } from "../support/fault-proxy.ts";
import { SdkPages } from "../support/sdk-pages.ts";
import { startServer } from "../support/server.ts";
import { ACTIONS, type Action, pickAction, type World } from "./actions.ts";
import { Ledger } from "./ledger.ts";
import { random } from "./random.ts";
import { Tabs } from "./tabs.ts";

const PARTITIONS = 2;

/** Most time between two actions. */
const PAUSE_MAX_MS = 1_000;

/** A quiet time has to be enough for a whole back-off, a request that hung until then, and a lease that has to expire. */
const QUIET_MAX_MS = 120_000;

/** How many of the last actions a failure shows. */
const ACTIONS_SHOWN = 50;

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface SoakReport {
  readonly seed: number;
  readonly actions: { readonly [name: string]: number };
  readonly tracked: number;
  readonly durable: number;
  /** Records at the edge. */
  readonly counted: number;
  /** Events that the edge was sent again, and refused as known. */
  readonly duplicates: number;
  readonly restored: number;
  /** Ids that went wrong; all empty if nothing did. */
  readonly lost: readonly string[];
  readonly twice: readonly string[];
  /** What does not add up, in words. */
  readonly unbalanced: readonly string[];
  readonly last: readonly string[];
}

export async function soak({ seconds, seed, say }: SoakOptions): Promise<SoakReport> {
  const ledger = new Ledger();
  const folder = await mkdtemp(join(tmpdir(), "headwater-soak-"));
  const pages = await SdkPages.start({
    path: "/soak",
    entry: "test/soak/soak-page.ts",
    posted: (body) => ledger.hear(body),
  });
  const server = await startServer({ persistTo: join(folder, "edge") });
  const proxy = await FaultProxy.start(forwardTo(server.url));
  const stream = await StreamClient.create(server, "soak", { partitions: PARTITIONS, allowedOrigins: [pages.url] });
  const url = new URL(pages.page({ tracker: { endpoint: proxy.url, stream: "soak", writeKey: stream.keys.write } }));
  url.pathname = "/soak";
  const tabs = new Tabs(join(folder, "profile"), url.href, `${pages.url}/away?`);
  const world = { tabs, proxy, server, dice: random(seed) };
  const did: string[] = [];
  try {
    await tabs.launch();
    await tabs.open();
    const end = Date.now() + seconds * 1_000;
    while (Date.now() < end) {
      const action = pickAction(world.dice);
      const started = Date.now();
      const outcome = await attempt(action, world);
      did.push(`${action.name}${outcome}`);
      if (did.length % 25 === 0) {
        say(`${Math.round((end - Date.now()) / 1_000)} s to go, ${did.length} actions, ${ledger.durable.size} durable`);
      }
      if (Date.now() - started < PAUSE_MAX_MS) await delay(world.dice() * PAUSE_MAX_MS);
    }
    await putRight(world);
    ledger.stop = true;
    return report(seed, did, ledger, await settle(stream, ledger), await balance(stream, ledger));
  } finally {
    await tabs.kill();
    await Promise.all([proxy.stop(), pages.stop(), server.kill()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Tabs in states like these do not always do as they are told; then they are closed, which is an action, too. */
async function attempt(action: Action, world: World): Promise<string> {
  try {
    await action.run(world);
    return "";
  } catch (error) {
    await world.tabs.abandon();
    return ` (${String(error).split("\n")[0]})`;
  }
}

/** Everything works again, and at least one tab is open. Nothing is started again. */
async function putRight({ tabs, proxy, server }: World): Promise<void> {
  tabs.thaw();
  await tabs.online();
  if (!server.running) await server.restart();
  proxy.fail("none");
  if (tabs.count === 0) await tabs.open();
}

/** Waits until all that is durable has arrived. Resolves with how often each event is in the log. */
async function settle(stream: StreamClient, ledger: Ledger): Promise<ReadonlyMap<string, number>> {
  const deadline = Date.now() + QUIET_MAX_MS;
  for (;;) {
    const counts = await countRecords(stream);
    const arrived = [...ledger.durable].every((id) => counts.has(id));
    // Whatever is sent twice is sent soon: the last look comes a little later.
    if (arrived && ledger.statuses(1_000).every(({ pending }) => pending === 0)) {
      await delay(2_000);
      return countRecords(stream);
    }
    if (Date.now() > deadline) return counts;
    await delay(500);
  }
}

async function countRecords(stream: StreamClient): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const { id } of await stream.records(partition)) counts.set(String(id), (counts.get(String(id)) ?? 0) + 1);
  }
  return counts;
}

interface EdgeTotals {
  readonly records: number;
  readonly duplicates: number;
  readonly lost: number;
  readonly rejected: number;
}

async function edgeTotals(stream: StreamClient): Promise<EdgeTotals> {
  const { body } = await stream.admin<{ partitions: readonly EdgeTotals[] }>("GET");
  const sum = (name: keyof EdgeTotals) => body.partitions.reduce((total, partition) => total + partition[name], 0);
  return { records: sum("records"), duplicates: sum("duplicates"), lost: sum("lost"), rejected: sum("rejected") };
}

/** What the SDK says became of all that was ever logged, beside what the edge says. */
async function balance(stream: StreamClient, ledger: Ledger): Promise<{ edge: EdgeTotals; unbalanced: string[] }> {
  const edge = await edgeTotals(stream);
  const unbalanced: string[] = [];
  const statuses = ledger.statuses(2_000);
  if (statuses.length === 0) unbalanced.push("no page speaks any more");
  for (const { acknowledged, pending, lost } of statuses) {
    const dropped = Object.values(lost).reduce((sum: number, count) => sum + (count ?? 0), 0);
    if (pending !== 0) unbalanced.push(`${pending} are pending`);
    if (acknowledged !== edge.records) unbalanced.push(`${acknowledged} acknowledged, ${edge.records} at the edge`);
    if (dropped !== edge.lost + edge.rejected) {
      unbalanced.push(`${JSON.stringify(lost)} lost here, ${edge.lost} and ${edge.rejected} rejected at the edge`);
    }
  }
  return { edge, unbalanced };
}

function report(
  seed: number,
  did: readonly string[],
  ledger: Ledger,
  counts: ReadonlyMap<string, number>,
  { edge, unbalanced }: { edge: EdgeTotals; unbalanced: string[] },
): SoakReport {
  const named = (name: string) => did.filter((action) => action === name || action.startsWith(`${name} (`)).length;
  return {
    seed,
    actions: Object.fromEntries(ACTIONS.map(({ name }) => [name, named(name)])),
    tracked: ledger.tracked.size,
    durable: ledger.durable.size,
    counted: counts.size,
    duplicates: edge.duplicates,
    restored: ledger.restored,
    lost: [...ledger.durable].filter((id) => !counts.has(id)),
    twice: [...counts].filter(([, count]) => count > 1).map(([id]) => id),
    unbalanced,
    last: did.slice(-ACTIONS_SHOWN),
  };
}

/** In words, for people; and whether nothing went wrong. */
export function judge(report: SoakReport): { readonly clean: boolean; readonly text: string } {
  const { lost, twice, unbalanced } = report;
  const clean = lost.length === 0 && twice.length === 0 && unbalanced.length === 0;
  const actions = Object.entries(report.actions).map(([name, count]) => `${count} × ${name}`);
  const lines = [
    `seed ${report.seed}: ${actions.join(", ")}; ${report.restored} × back from the cache`,
    `${report.tracked} tracked, ${report.durable} acknowledged as durable, ${report.counted} at the edge, which refused ${report.duplicates} duplicates`,
    `acknowledged-lost ${lost.length}, counted twice ${twice.length}, accounting ${unbalanced.length === 0 ? "equal" : unbalanced.join("; ")}`,
  ];
  if (!clean)
    lines.push(`lost: ${lost.slice(0, 20)}`, `twice: ${twice.slice(0, 20)}`, `last: ${report.last.join(" · ")}`);
  return { clean, text: lines.join("\n") };
}
