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
import { ACTIONS, planStep, type Step, type World } from "./actions.ts";
import { Ledger, seconds as inSeconds } from "./ledger.ts";
import { Spells } from "./spells.ts";
import { Tabs } from "./tabs.ts";

const PARTITIONS = 2;

/** Most time between two actions. */
const PAUSE_MAX_MS = 1_000;

/** A quiet time has to be enough for a whole back-off, a request that hung until then, and a lease that has to expire. */
const QUIET_MAX_MS = 120_000;

/** For what is stuck, to see whether it is lost. */
const RESTART_MAX_MS = 45_000;

/** A page that has not spoken for so long does not live; it speaks ten times a second, but on two cores beside others. */
const HEARD_WITHIN_MS = 3_000;

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
  /** How many actions the browser did not obey; see `attempt`. */
  readonly disobeyed: number;
  /** What pages were told of drops, by reason. */
  readonly drops: { readonly [reason: string]: number };
  /** Ids that went wrong; all empty if nothing did. */
  readonly lost: readonly string[];
  readonly stuck: readonly string[];
  readonly twice: readonly string[];
  /** What does not add up, in words. */
  readonly unbalanced: readonly string[];
  /** What is known of the ids that went wrong. */
  readonly fates: readonly string[];
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
  const tabs = new Tabs({
    profile: join(folder, "profile"),
    url: url.href,
    awayUrl: `${pages.url}/away?`,
    hear: (text) => void ledger.hear(text),
  });
  const world = { tabs, proxy, server, spells: new Spells() };
  try {
    const did = await walk(world, ledger, { seconds, seed, say });
    await putRight(world, ledger);
    ledger.stop = true;
    const counts = await settle(stream, ledger, QUIET_MAX_MS);
    const balanced = await balance(stream, ledger);
    const late = missing(ledger, counts).length > 0 ? await afterRestart(world, stream, ledger) : counts;
    return report(seed, did, ledger, { counts, late }, balanced);
  } finally {
    await world.spells.liftAll().catch(() => {});
    await tabs.kill();
    await Promise.all([proxy.stop(), pages.stop(), server.kill()]);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** An action that was taken, and when; with what the world said if it did not obey. */
interface Did {
  readonly name: string;
  readonly atMs: number;
  readonly failed: string | null;
}

async function walk(world: World, ledger: Ledger, { seconds, seed, say }: SoakOptions): Promise<readonly Did[]> {
  const did: Did[] = [];
  await world.tabs.launch();
  await world.tabs.open();
  const end = ledger.nowMs + seconds * 1_000;
  while (ledger.nowMs < end) {
    const step = planStep(seed, did.length);
    const atMs = ledger.nowMs;
    did.push({ name: step.action.name, atMs, failed: await attempt(step, world) });
    if (did.length % 25 === 0) {
      say(`${inSeconds(end - ledger.nowMs)} to go, ${did.length} actions, ${ledger.durable.size} durable`);
    }
    await delay(step.dice() * PAUSE_MAX_MS);
  }
  return did;
}

/** Tabs in states like these do not always do as they are told; then they are closed, which is an action, too. */
async function attempt({ action, dice }: Step, world: World): Promise<string | null> {
  try {
    await action.run(world, dice);
    return null;
  } catch (error) {
    await world.tabs.abandon();
    return String(error).split("\n")[0] ?? "";
  }
}

/** Everything works again, and at least one tab has a page that lives. Nothing is started again. */
async function putRight({ tabs, proxy, spells }: World, ledger: Ledger): Promise<void> {
  tabs.thaw();
  await spells.liftAll();
  proxy.fail("none");
  await delay(HEARD_WITHIN_MS);
  if (ledger.statuses(HEARD_WITHIN_MS).length === 0) await tabs.open();
}

/** What did not arrive in the quiet time may do so after a restart: then it was stuck, not lost. */
async function afterRestart(
  { tabs }: World,
  stream: StreamClient,
  ledger: Ledger,
): Promise<ReadonlyMap<string, number>> {
  await tabs.kill();
  await tabs.launch();
  await tabs.open();
  return settle(stream, ledger, RESTART_MAX_MS);
}

const missing = (ledger: Ledger, counts: ReadonlyMap<string, number>): string[] =>
  [...ledger.durable.keys()].filter((id) => !counts.has(id));

/** Waits until all that is durable has arrived. Resolves with how often each event is in the log. */
async function settle(stream: StreamClient, ledger: Ledger, maxMs: number): Promise<ReadonlyMap<string, number>> {
  const deadline = Date.now() + maxMs;
  for (;;) {
    const counts = await countRecords(stream);
    const statuses = ledger.statuses(HEARD_WITHIN_MS);
    const idle = statuses.length > 0 && statuses.every(({ pending }) => pending === 0);
    // Whatever is sent twice is sent soon: the last look comes a little later.
    if (idle && missing(ledger, counts).length === 0) {
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
  const statuses = ledger.statuses(HEARD_WITHIN_MS);
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
  did: readonly Did[],
  ledger: Ledger,
  { counts, late }: { counts: ReadonlyMap<string, number>; late: ReadonlyMap<string, number> },
  { edge, unbalanced }: { edge: EdgeTotals; unbalanced: string[] },
): SoakReport {
  const lost = missing(ledger, late);
  const stuck = missing(ledger, counts).filter((id) => late.has(id));
  const twice = [...late].filter(([, count]) => count > 1).map(([id]) => id);
  return {
    seed,
    actions: Object.fromEntries(ACTIONS.map(({ name }) => [name, did.filter((one) => one.name === name).length])),
    disobeyed: did.filter(({ failed }) => failed !== null).length,
    tracked: ledger.tracked.size,
    durable: ledger.durable.size,
    counted: counts.size,
    duplicates: edge.duplicates,
    restored: ledger.restored,
    drops: Object.fromEntries(ledger.drops),
    lost,
    stuck,
    twice,
    unbalanced,
    fates: ledger.fates([...lost, ...stuck, ...twice]),
    last: did
      .slice(-ACTIONS_SHOWN)
      .map(({ name, atMs, failed }) => `${inSeconds(atMs)} ${name}${failed === null ? "" : ` (${failed})`}`),
  };
}

/** In words, for people; and whether nothing went wrong. */
export function judge(report: SoakReport): { readonly clean: boolean; readonly text: string } {
  const { lost, stuck, twice, unbalanced, fates, last } = report;
  const clean = lost.length + stuck.length + twice.length + unbalanced.length === 0;
  const actions = Object.entries(report.actions).map(([name, count]) => `${count} × ${name}`);
  const lines = [
    `seed ${report.seed}: ${actions.join(", ")}; ${report.restored} × back from the cache, ${report.disobeyed} × all tabs closed because one hung`,
    `${report.tracked} tracked, ${report.durable} acknowledged as durable, ${report.counted} at the edge, which refused ${report.duplicates} duplicates; pages were told of drops ${JSON.stringify(report.drops)}`,
    `acknowledged-lost ${lost.length}, counted twice ${twice.length}, stuck ${stuck.length}, accounting ${unbalanced.length === 0 ? "equal" : unbalanced.join("; ")}`,
  ];
  if (!clean) lines.push(...fates, `the last actions: ${last.join(" · ")}`);
  return { clean, text: lines.join("\n") };
}
