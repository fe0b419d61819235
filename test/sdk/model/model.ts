/**
 * A model of how events get from tabs to the edge, small enough to try everything: two tabs, a disk (or two: a copied profile),
 * a network that loses, delays and repeats, and an edge. What is decided is decided by the real code, plan.ts, admission.ts and
 * verdict.ts; the model adds who does what when, one atomic step at a time, in every order.
 *
 *   a tab     appends · takes the lease, by force or not · prepares a batch and sends it · sends a hide-time tail · crashes
 *   network   a request arrives, also twice, or is lost; a reply is heard, or is lost
 *   disk      loses in a power cut what was written since the last strict transaction · is copied, and both copies go on
 *
 * What must hold in every state: no event is counted twice, and every event that was acknowledged (and not taken back by a
 * power cut) is at the edge or in a log that will send it. And from every state, peace is enough to deliver everything.
 */
import { admit, type ProducerState } from "#engine";
import type { AppendReply, CommitPoint } from "#protocol";
import { endOfBatch } from "../../../sdk/batch.ts";
import type { Batch, LogOptions, LogRecord, LogState } from "../../../sdk/log/log.ts";
import { endOf, freshState, planAppend, planRenew, planSettle, takeBatch } from "../../../sdk/log/plan.ts";
import { judge } from "../../../sdk/verdict.ts";

/** How often each thing may happen. */
export interface Bounds {
  readonly events: number;
  readonly requests: number;
  readonly terms: number;
  readonly tails: number;
  readonly powerCuts: number;
  readonly copies: number;
  readonly crashes: number;
}

export interface Disk {
  readonly state: LogState;
  readonly records: readonly LogRecord[];
  readonly lease: number;
}

interface Tab {
  readonly disk: number;
  /** 0: it does not believe that it leads. */
  readonly term: number;
  /** It waits for an answer. */
  readonly busy: boolean;
}

interface Request {
  readonly tab: number;
  /** Null for a tail: whoever hears of it needs no term. */
  readonly term: number | null;
  readonly batch: Batch;
  /** What the edge has answered; null before it has arrived. */
  readonly answer: { readonly status: number; readonly body: string } | null;
  /** Whether anybody listens: a tab that has crashed does not. */
  readonly heard: boolean;
}

export interface World {
  readonly disks: readonly Disk[];
  /** What a power cut leaves of each. */
  readonly strict: readonly Disk[];
  readonly tabs: readonly Tab[];
  readonly network: readonly Request[];
  readonly producers: { readonly [id: string]: ProducerState };
  /** How often each event was counted. */
  readonly counted: { readonly [event: string]: number };
  /** Events that were acknowledged to a page, and the disk that they are on. */
  readonly durable: { readonly [event: string]: number };
  readonly used: Bounds;
  /** For ids that nobody has drawn before. */
  readonly drawn: number;
}

/** How far to go, and rules that a test may break, to see that the model finds out. */
export interface Rules {
  readonly bounds: Bounds;
  readonly nameCommits: boolean;
  readonly strictBeforeSending: boolean;
}

/** Some of everything. */
export const REAL_RULES: Rules = {
  bounds: { events: 3, requests: 2, terms: 3, tails: 1, powerCuts: 1, copies: 1, crashes: 2 },
  nameCommits: true,
  strictBeforeSending: true,
};

const emptyDisk: Disk = { state: freshState("producer-0", "log"), records: [], lease: 0 };
const unused: Bounds = { events: 0, requests: 0, terms: 0, tails: 0, powerCuts: 0, copies: 0, crashes: 0 };

export const START: World = {
  disks: [emptyDisk],
  strict: [emptyDisk],
  tabs: [0, 1].map(() => ({ disk: 0, term: 0, busy: false })),
  network: [],
  producers: {},
  counted: {},
  durable: {},
  used: unused,
  drawn: 1,
};

export type Step = readonly [name: string, next: World];

const replaced = <T>(list: readonly T[], index: number, item: T): readonly T[] =>
  list.map((old, i) => (i === index ? item : old));
const spend = (world: World, what: keyof Bounds): World => ({
  ...world,
  used: { ...world.used, [what]: world.used[what] + 1 },
});
const must = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error("assertion failed: it is there");
  return value;
};

function write(world: World, disk: number, next: Disk, durability: "strict" | "relaxed"): World {
  const strict = durability === "strict" ? replaced(world.strict, disk, next) : world.strict;
  return { ...world, disks: replaced(world.disks, disk, next), strict };
}

const setTab = (world: World, tab: number, change: Partial<Tab>): World => ({
  ...world,
  tabs: replaced(world.tabs, tab, { ...must(world.tabs[tab]), ...change }),
});

/** Everything that may happen next. */
export function steps(world: World, rules: Rules): readonly Step[] {
  const found: Step[] = [];
  const may = (what: keyof Bounds) => world.used[what] < rules.bounds[what];
  world.tabs.forEach((tab, t) => {
    if (may("events")) found.push([`tab ${t} appends`, append(world, t)]);
    if (may("terms") && tab.term === 0) found.push([`tab ${t} takes the lease`, lead(world, t)]);
    if (tab.term !== 0 && !tab.busy && may("requests")) found.push([`tab ${t} sends`, send(world, t, rules)]);
    if (may("tails")) found.push([`tab ${t} hides`, spend(sendTail(world, t, rules), "tails")]);
    if (may("crashes")) found.push([`tab ${t} crashes`, spend(crash(world, t), "crashes")]);
  });
  world.network.forEach(({ answer, heard }, r) => {
    if (answer === null) {
      found.push([`request ${r} arrives`, arrive(world, r, false)]);
      if (heard) found.push([`request ${r} arrives, and will again`, arrive(world, r, true)]);
      found.push([`request ${r} is lost`, fade(world, r)]);
    } else {
      if (heard) found.push([`answer ${r} is heard`, hear(world, r)]);
      found.push([`answer ${r} is lost`, fade(world, r)]);
    }
  });
  if (may("powerCuts")) found.push(["the power is cut", spend(powerCut(world), "powerCuts")]);
  if (may("copies")) found.push(["the profile is copied", spend(copy(world), "copies")]);
  return found;
}

function append(world: World, t: number): World {
  const { disk: d } = must(world.tabs[t]);
  const disk = must(world.disks[d]);
  const event = `e${world.used.events}`;
  const options: LogOptions = {
    eventsMax: 100,
    bytesMax: 10_000,
    sendableBytesMax: 0,
    randomId: () => `commit-${world.drawn}`,
  };
  const plan = planAppend(disk.state, undefined, { lane: event, first: 0, events: [event] }, 0, options);
  const next = { ...disk, state: plan.state, records: [...disk.records, ...plan.records] };
  const written = write(world, d, next, "relaxed");
  return spend({ ...written, durable: { ...world.durable, [event]: d }, drawn: world.drawn + 1 }, "events");
}

/** By force: whether the other is alive cannot be known. */
function lead(world: World, t: number): World {
  const { disk: d } = must(world.tabs[t]);
  const term = world.drawn;
  const next = write(world, d, { ...must(world.disks[d]), lease: term }, "relaxed");
  return spend(setTab({ ...next, drawn: term + 1 }, t, { term, busy: false }), "terms");
}

const BATCH = { eventsMax: 2, bytesMax: 10_000 };

function send(world: World, t: number, rules: Rules): World {
  const { disk: d, term } = must(world.tabs[t]);
  if (must(world.disks[d]).lease !== term) return setTab(world, t, { term: 0 });
  const prepared = prepare(world, d, rules);
  if (prepared === null) return world;
  return spend(setTab(enqueue(prepared, t, term), t, { busy: true }), "requests");
}

function sendTail(world: World, t: number, rules: Rules): World {
  const prepared = prepare(world, must(world.tabs[t]).disk, rules);
  return prepared === null ? world : enqueue(prepared, t, null);
}

/** Before a byte leaves, the disk knows how far sending has gone. */
function prepare(world: World, d: number, rules: Rules): { world: World; batch: Batch } | null {
  const disk = must(world.disks[d]);
  const batch = takeBatch(disk.state, disk.records, BATCH);
  if (batch === null) return null;
  const state = { ...disk.state, sendLimit: disk.state.next };
  const written = write(world, d, { ...disk, state }, rules.strictBeforeSending ? "strict" : "relaxed");
  return { world: written, batch: rules.nameCommits ? batch : { ...batch, commits: [] } };
}

const enqueue = ({ world, batch }: { world: World; batch: Batch }, tab: number, term: number | null): World => ({
  ...world,
  network: [...world.network, { tab, term, batch, answer: null, heard: true }],
});

function arrive(world: World, r: number, again: boolean): World {
  const request = must(world.network[r]);
  const { batch } = request;
  const { producerId, events, ...rest } = batch;
  const admitted = admit(world.producers[producerId], { ...rest, count: events.length, once: false });
  const answered = (answer: Request["answer"]): readonly Request[] => {
    const network = replaced(world.network, r, { ...request, answer });
    // A browser repeats a request whose connection was cut; nobody hears the second answer.
    return again ? [...network, { ...request, heard: false }] : network;
  };
  if (!admitted.ok) {
    const { reason, ...numbers } = admitted.failure;
    const body = JSON.stringify({ type: "about:blank", title: reason, status: 409, code: reason, ...numbers });
    return { ...world, network: answered({ status: 409, body }) };
  }
  const { duplicates, next } = admitted.value;
  const counted = { ...world.counted };
  for (const event of events.slice(duplicates)) counted[event] = (counted[event] ?? 0) + 1;
  const accepted = events.length - duplicates;
  const reply: AppendReply = {
    partition: 0,
    offset: accepted > 0 ? 0 : null,
    accepted,
    duplicates,
    rejected: [],
    lastSequence: next.last,
  };
  const producers = { ...world.producers, [producerId]: next };
  return { ...world, counted, producers, network: answered({ status: 200, body: JSON.stringify(reply) }) };
}

/** Whoever waited finds out that nothing came back. */
function fade(world: World, r: number): World {
  const { tab, term, heard } = must(world.network[r]);
  const network = world.network.filter((_, i) => i !== r);
  const waits = heard && term !== null && must(world.tabs[tab]).term === term;
  return waits ? setTab({ ...world, network }, tab, { busy: false }) : { ...world, network };
}

function hear(world: World, r: number): World {
  const { tab: t, term, batch, answer, heard } = must(world.network[r]);
  const next = fade(world, r);
  if (!heard || answer === null) return next;
  const { disk: d } = must(world.tabs[t]);
  const disk = must(next.disks[d]);
  const verdict = judge({ ...answer, retryAfter: null }, batch, 0);
  if (verdict.kind === "taken") {
    if (disk.state.producerId !== batch.producerId) return next;
    const plan = planSettle(disk.state, disk.records, endOfBatch(batch), { kind: "delivered", rejected: 0 });
    const records = disk.records.filter(({ sequence }) => !plan.removed.includes(sequence));
    return write(next, d, { ...disk, state: plan.state, records }, "relaxed");
  }
  // A tail's other answers are left to the leader, who will be told the same.
  if (term === null || disk.lease !== term) return next;
  if (disk.state.producerId !== batch.producerId) return next;
  const points: readonly CommitPoint[] = verdict.kind === "forked" ? verdict.points : [];
  const plan = planRenew(disk.state, disk.records, points, `producer-${next.drawn}`);
  const renewed = { ...disk, state: plan.state, records: plan.records };
  return write({ ...next, drawn: next.drawn + 1 }, d, renewed, "strict");
}

function crash(world: World, t: number): World {
  const network = world.network.map((request) => (request.tab === t ? { ...request, heard: false } : request));
  return setTab({ ...world, network }, t, { term: 0, busy: false });
}

/** Everything stops; what was not strictly durable is gone, and what was acknowledged of it is not promised any more. */
function powerCut(world: World): World {
  let next: World = { ...world, disks: world.strict };
  for (const t of world.tabs.keys()) next = crash(next, t);
  const kept = Object.entries(world.durable).filter(([event, d]) => {
    const inLog = must(world.strict[d]).records.some(({ events }) => events.includes(event));
    return inLog || (world.counted[event] ?? 0) > 0;
  });
  return { ...next, durable: Object.fromEntries(kept) };
}

/** The browser is closed, its profile copied, and both are opened: the second tab is the copy's. */
function copy(world: World): World {
  const disk = must(world.disks[0]);
  let next: World = { ...world, disks: [disk, disk], strict: [disk, disk] };
  for (const t of world.tabs.keys()) next = crash(next, t);
  return setTab(next, 1, { disk: 1 });
}

/** @returns what is wrong, in words; null if nothing is */
export function violation(world: World): string | null {
  for (const [event, count] of Object.entries(world.counted))
    if (count > 1) return `${event} was counted ${count} times`;
  for (const [event, d] of Object.entries(world.durable)) {
    if ((world.counted[event] ?? 0) > 0) continue;
    const { state, records } = must(world.disks[d]);
    const waits = records.some(
      (record) => endOf(record) > state.floor && record.sequence + record.events.indexOf(event) >= state.floor,
    );
    if (!waits || !records.some(({ events }) => events.includes(event))) return `${event} is nowhere`;
  }
  return null;
}

/** Peace: no more faults, and each profile's tab leads and sends until it has nothing left. */
export function inPeace(world: World, rules: Rules): World {
  let next: World = { ...world, network: [], used: { ...world.used, requests: 0, terms: 0 } };
  for (const t of world.tabs.keys()) next = crash(next, t);
  for (const [t, { disk: d }] of world.tabs.entries()) {
    next = lead(next, t);
    for (let round = 0; round < ROUNDS_MAX && must(next.disks[d]).state.events > 0; round++) {
      next = { ...send(next, t, rules), used: world.used };
      const last = next.network.length - 1;
      if (last >= 0) next = hear(arrive(next, last, false), last);
    }
  }
  return next;
}

/** Enough for every batch, and for a new producer id in between. */
const ROUNDS_MAX = 10;
