/** The stream's object over real storage: what is durable, what is told to partitions, and what a crash leaves to be done. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createState, encodeState, shapeOf, windowOf, type ViewSpec } from "#engine";
import { digestKey } from "../../../edge/stream/keys.ts";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import type { ReplayRequest, StreamChange, StreamConfig } from "../../../edge/stream/rpc.ts";
import { CLICKS_PER_AD, DEFAULTS, FROM_PHONES, view } from "./example.ts";
import { HeldStream } from "./held-stream.ts";

const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 0, 1);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
});
afterEach(() => {
  vi.useRealTimers();
});

const after = (ms: number) => vi.setSystemTime(Date.now() + ms);

function expectOk<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

async function create(held: HeldStream, change: StreamChange = {}, defaults: StreamConfig = DEFAULTS) {
  return expectOk(await held.call((stream) => stream.put("clicks", held.streamId, change, defaults)));
}

const context = (held: HeldStream) => held.call((stream) => stream.queryContext());
const inForce = async (held: HeldStream, name = CLICKS_PER_AD.name) =>
  (await context(held))?.views.find((known) => known.name === name)?.generation;
const job = async (held: HeldStream, id: string) => expectOk(await held.call((stream) => stream.replay(id)));

const rebuild: ReplayRequest = { view: FROM_PHONES, from: null, mode: "build", promote: "manual", maxDuty: 0.5 };
const start = async (held: HeldStream, request: Partial<ReplayRequest> = {}) =>
  expectOk(await held.call((stream) => stream.startReplay({ ...rebuild, ...request }))).id;

describe("creation", () => {
  it("answers with keys once, and with a view that is ready when the partitions are", async () => {
    const held = new HeldStream();
    const { config, keys } = await create(held, { partitions: 3 });
    expect(config).toEqual({ ...DEFAULTS, partitions: 3 });
    expect(keys).toEqual({
      write: expect.stringMatching(/^wk_[\w-]{32}$/),
      read: expect.stringMatching(/^rk_[\w-]{32}$/),
      import: expect.stringMatching(/^ik_[\w-]{32}$/),
    });
    expect(await inForce(held)).toBe(1);
    expect(held.partitions.names).toEqual([0, 1, 2].map((p) => `${held.streamId}/${p}`));
    const again = expectOk(await held.call((stream) => stream.put("clicks", held.streamId, {}, DEFAULTS)));
    expect(again).toEqual({ config });
  });

  it("makes one stream of two requests at once", async () => {
    const held = new HeldStream();
    const both = await held.call((stream) =>
      Promise.all([1, 2].map(() => stream.put("clicks", held.streamId, {}, DEFAULTS))),
    );
    expect(both.filter((put) => expectOk(put).keys !== undefined)).toHaveLength(1);
    expect((await context(held))?.keys).toHaveLength(3);
  });

  it("gives each of the 1,024 slots a partition, in turn", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 3 });
    const slots = (await context(held))?.slots ?? [];
    expect(slots).toHaveLength(1_024);
    expect(slots.slice(0, 4)).toEqual([0, 1, 2, 0]);
    expect(new Set(slots)).toEqual(new Set([0, 1, 2]));
  });

  it("places partitions in the stream's jurisdiction", async () => {
    const held = new HeldStream();
    await create(held, { jurisdiction: "eu" });
    expect(held.partitions.names).toEqual([`eu:${held.streamId}/0`]);
  });

  it("is refused, and not made, where the platform knows no jurisdictions", async () => {
    const held = new HeldStream();
    held.partitions.hasJurisdictions = false;
    const refused = await held.call((stream) => stream.put("clicks", held.streamId, { jurisdiction: "eu" }, DEFAULTS));
    expect(refused).toMatchObject({ failure: { reason: "jurisdiction_unavailable", jurisdiction: "eu" } });
    expect(await context(held)).toBeNull();
    await create(held);
  });

  it("leaves nothing behind when somebody only asks whether a stream is there", async () => {
    const held = new HeldStream();
    expect(await context(held)).toBeNull();
    expect(await held.call((stream) => stream.describe())).toMatchObject({ failure: { reason: "unknown_stream" } });
    expect(await held.call((stream) => stream.resolve("nothing"))).toBeNull();
    expect(await held.dump()).toBe("[]");
  });
});

describe("a change of the configuration", () => {
  it("is with all partitions when it is answered, under a higher version", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 2 });
    const before = (await context(held))?.version ?? 0;
    const { config } = await create(held, { retentionMs: DAY_MS });
    expect(config).toEqual({ ...DEFAULTS, partitions: 2, retentionMs: DAY_MS });
    expect((await context(held))?.version).toBe(before + 1);
    for (const partition of held.partitions.all) {
      expect(partition.config).toMatchObject({ version: before + 1, retentionMs: DAY_MS });
    }
  });

  it("of nothing leaves the version alone", async () => {
    const held = new HeldStream();
    await create(held);
    const before = (await context(held))?.version;
    await create(held, { partitions: 1, retentionMs: DEFAULTS.retentionMs, views: [CLICKS_PER_AD] });
    expect((await context(held))?.version).toBe(before);
  });

  it("cannot move what is fixed at creation, and then changes nothing at all", async () => {
    const held = new HeldStream();
    await create(held);
    for (const field of ["partitions", "jurisdiction"] as const) {
      const change = { retentionMs: 1, [field]: field === "partitions" ? 2 : "eu" } as StreamChange;
      const refused = await held.call((stream) => stream.put("clicks", held.streamId, change, DEFAULTS));
      expect(refused).toEqual({ ok: false, failure: { reason: "fixed_at_creation", field } });
    }
    expect(expectOk(await held.call((stream) => stream.describe())).config).toEqual(DEFAULTS);
  });

  it("reaches a partition that was away as soon as it is back", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 2 });
    const [, away] = held.partitions.all;
    if (away === undefined) throw new Error("two partitions");
    away.trouble = { error: new Error("network"), failures: Infinity };
    await create(held, { retentionMs: DAY_MS });
    expect(held.partitions.all[0]?.config?.retentionMs).toBe(DAY_MS);

    held.crash();
    expect(held.alarmAt).not.toBeNull();
    await held.fireAlarm();
    away.trouble = null;
    const told = held.partitions.all[0]?.told.length;
    await held.fireAlarm();
    expect(away.config?.retentionMs).toBe(DAY_MS);
    expect(await held.fireAlarm(), "and then nothing is due").toBe(false);
    expect(held.partitions.all[0]?.told.length, "who holds it is not told again").toBe(told);
  });

  it("is tried once more at once where the platform says that it may help, and never against overload", async () => {
    const held = new HeldStream();
    await create(held);
    const [partition] = held.partitions.all;
    if (partition === undefined) throw new Error("one partition");
    partition.trouble = { error: Object.assign(new Error("moved"), { retryable: true }), failures: 1 };
    await create(held, { retentionMs: 1 });
    expect(partition.config?.retentionMs).toBe(1);
    partition.trouble = { error: Object.assign(new Error("busy"), { retryable: true, overloaded: true }), failures: 1 };
    await create(held, { retentionMs: 2 });
    expect(partition.config?.retentionMs).toBe(1);
  });

  it("reaches a partition again that has lost what it was told", async () => {
    const held = new HeldStream();
    await create(held);
    const [partition] = held.partitions.all;
    if (partition === undefined) throw new Error("one partition");
    partition.config = null;
    expect(expectOk(await held.call((stream) => stream.describe())).partitions).toEqual([
      { partition: 0, error: "config_needed" },
    ]);
    await held.fireAlarm();
    expect(partition.config).not.toBeNull();
  });
});

describe("keys", () => {
  it("are stored as digests only", async () => {
    const held = new HeldStream();
    const { keys } = await create(held);
    const made = expectOk(await held.call((stream) => stream.createKey("read", 1_000)));
    const stored = await held.dump();
    for (const key of [...Object.values(keys ?? {}), made.key]) {
      expect(stored).not.toContain(key);
      expect(stored).not.toContain(key.slice(3));
      expect(stored).toContain(await digestKey(key));
    }
  });

  it("rotate with a grace, and can be revoked now", async () => {
    const held = new HeldStream();
    const { keys } = await create(held);
    const digests = async () => (await context(held))?.keys.map(({ digest }) => digest) ?? [];
    const old = await digestKey(keys?.write ?? "");
    const second = expectOk(await held.call((stream) => stream.createKey("write", 60_000)));
    expect(second.key).toMatch(/^wk_/);
    expect(await digests()).toContain(old);
    after(60_000);
    expect(await digests()).not.toContain(old);

    const third = expectOk(await held.call((stream) => stream.createKey("write", 0)));
    expect(await digests()).not.toContain(await digestKey(second.key));
    expect(await digests()).toContain(await digestKey(third.key));
    expect(await digests(), "keys of other kinds stay").toContain(await digestKey(keys?.read ?? ""));
    held.crash();
    expect(await held.dump()).not.toContain(await digestKey(second.key));
    expect(await digests()).toHaveLength(3);
  });

  it("that are about to end do not live longer because another one is made", async () => {
    const held = new HeldStream();
    const { keys } = await create(held);
    await held.call((stream) => stream.createKey("write", 1_000));
    await held.call((stream) => stream.createKey("write", DAY_MS));
    after(1_000);
    const digests = (await context(held))?.keys.map(({ digest }) => digest);
    expect(digests).not.toContain(await digestKey(keys?.write ?? ""));
    expect(digests).toHaveLength(4);
  });

  it("of one kind are bounded: the oldest ends first", async () => {
    const held = new HeldStream();
    const { keys } = await create(held);
    for (let i = 0; i < STREAM_LIMITS.keysPerKindMax; i++) {
      after(1);
      expectOk(await held.call((stream) => stream.createKey("read", DAY_MS)));
    }
    const known = (await context(held))?.keys ?? [];
    expect(known.filter(({ kind }) => kind === "read")).toHaveLength(STREAM_LIMITS.keysPerKindMax);
    expect(known.map(({ digest }) => digest)).not.toContain(await digestKey(keys?.read ?? ""));
  });

  it("make a new version, so that no Worker goes on with the old ones", async () => {
    const held = new HeldStream();
    await create(held);
    const before = (await context(held))?.version ?? 0;
    await held.call((stream) => stream.createKey("write", 0));
    expect(held.partitions.all[0]?.config?.version).toBe(before + 1);
  });
});

describe("a replay", () => {
  it("goes through build, promotion, roll back and promotion again, with a crash between any two steps", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 2 });
    const [first, second] = held.partitions.all;
    held.partitions.instant = false;
    held.partitions.report(CLICKS_PER_AD.name, 1, { state: "caught-up" });

    held.crash();
    const id = await start(held);
    expect(id).toBe("clicks_per_ad-2");
    expect(first?.generations).toEqual(["clicks_per_ad@1", "clicks_per_ad@2"]);
    expect(first?.config?.generations[1]).toMatchObject({ mode: "build", against: 1, maxDuty: 0.5 });

    held.crash();
    after(1_000);
    first?.report(CLICKS_PER_AD.name, 2, { next: 100, state: "caught-up", caughtUpAt: START + 900 });
    second?.report(CLICKS_PER_AD.name, 2, { next: 50 });
    await held.fireAlarm();
    expect(await job(held, id)).toMatchObject({
      state: "running",
      recordsDone: 150,
      recordsTotal: 200,
      progress: 0.75,
    });
    expect(await inForce(held)).toBe(1);

    held.crash();
    second?.report(CLICKS_PER_AD.name, 2, { next: 100, state: "caught-up", caughtUpAt: START + 2_000 });
    await held.fireAlarm();
    expect(await job(held, id)).toMatchObject({ state: "caught-up", progress: 1, recordsPerSecond: 100 });
    expect(await inForce(held)).toBe(1);

    held.crash();
    expect(expectOk(await held.call((stream) => stream.promote(id))).state).toBe("promoted");
    expect(await inForce(held)).toBe(2);
    expect(first?.generations).toEqual(["clicks_per_ad@2", "clicks_per_ad@1"]);

    held.crash();
    const back = expectOk(await held.call((stream) => stream.rollback(CLICKS_PER_AD.name)));
    expect(back).toMatchObject({ generation: 1, previousGeneration: 2, state: "ready", where: {} });
    expect(await inForce(held)).toBe(1);

    held.crash();
    expectOk(await held.call((stream) => stream.promote(id)));
    expect(await inForce(held)).toBe(2);
    after(STREAM_LIMITS.previousKeptMs);
    held.crash();
    await held.fireAlarm();
    expect(first?.generations).toEqual(["clicks_per_ad@2"]);
    expect(await held.call((stream) => stream.rollback(CLICKS_PER_AD.name))).toMatchObject({
      failure: { reason: "nothing_to_roll_back" },
    });
  });

  it("wakes by itself until it is done, soon for a short one and once a second for a long one", async () => {
    const held = new HeldStream();
    await create(held);
    held.partitions.instant = false;
    await start(held);
    const delays: number[] = [];
    for (let i = 0; i < 40 && Date.now() < START + 20_000; i++) {
      const due = (held.alarmAt ?? Infinity) - Date.now();
      delays.push(due);
      after(due);
      await held.fireAlarm();
    }
    expect(delays[0]).toBe(STREAM_LIMITS.pollMsMin);
    expect(delays.at(-1)).toBe(STREAM_LIMITS.pollMsMax);
    held.partitions.instant = true;
    await held.fireAlarm();
    expect((await job(held, "clicks_per_ad-2")).state).toBe("caught-up");
    await held.fireAlarm();
    expect((held.alarmAt ?? 0) - Date.now(), "then only the expiry is due").toBe(STREAM_LIMITS.unpromotedKeptMs);
  });

  it("is promoted by itself if that was asked for", async () => {
    const held = new HeldStream();
    await create(held);
    const id = await start(held, { promote: "auto" });
    await held.fireAlarm();
    expect((await job(held, id)).state).toBe("promoted");
    expect(await inForce(held)).toBe(2);
    expect((await context(held))?.views[0]?.spec.where).toEqual(FROM_PHONES.where);
  });

  it("is not promoted while a partition does not answer, or does not have it", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 2 });
    const id = await start(held);
    await held.fireAlarm();
    const [, second] = held.partitions.all;
    if (second === undefined) throw new Error("two partitions");
    second.trouble = { error: new Error("network"), failures: 1 };
    expect(await held.call((stream) => stream.promote(id))).toEqual({
      ok: false,
      failure: { reason: "partition_unavailable", partition: 1, detail: "network" },
    });
    second.report(CLICKS_PER_AD.name, 2, { state: "failed", error: "the fold threw" });
    expect(await held.call((stream) => stream.promote(id))).toMatchObject({
      failure: { reason: "replay_state", state: "failed" },
    });
    expect(await job(held, id)).toMatchObject({ state: "failed", error: "partition 1: the fold threw" });
    expect(await inForce(held)).toBe(1);
    await held.fireAlarm();
    expect(second.generations, "what has failed is dropped").toEqual(["clicks_per_ad@1"]);
  });

  it("that is cancelled is dropped by all partitions", async () => {
    const held = new HeldStream();
    await create(held);
    held.partitions.instant = false;
    const id = await start(held);
    expect(expectOk(await held.call((stream) => stream.cancel(id))).state).toBe("cancelled");
    expect(held.partitions.all[0]?.generations).toEqual(["clicks_per_ad@1"]);
    expect(await held.call((stream) => stream.promote(id))).toMatchObject({ failure: { reason: "replay_state" } });
    expect(await start(held), "and its number is not used again").toBe("clicks_per_ad-3");
  });

  it("that verifies says so, and its generation is dropped", async () => {
    const held = new HeldStream();
    await create(held);
    const id = await start(held, { view: CLICKS_PER_AD.name, mode: "verify" });
    expect(held.partitions.all[0]?.config?.generations[1]).toMatchObject({ mode: "verify", against: 1 });
    held.partitions.report(CLICKS_PER_AD.name, 2, { verification: { compared: 7, differing: 0, skipped: 2 } });
    await held.fireAlarm();
    expect(await job(held, id)).toMatchObject({
      state: "verified",
      verification: { compared: 7, differing: 0, skipped: 2 },
    });
    expect(held.partitions.all[0]?.generations).toEqual(["clicks_per_ad@1"]);
  });

  it("that nobody promotes is dropped after 24 h", async () => {
    const held = new HeldStream();
    await create(held);
    const id = await start(held);
    await held.fireAlarm();
    after(STREAM_LIMITS.unpromotedKeptMs);
    held.crash();
    await held.fireAlarm();
    expect((await job(held, id)).state).toBe("cancelled");
    expect(held.partitions.all[0]?.generations).toEqual(["clicks_per_ad@1"]);
  });

  it("list is bounded, and forgets the oldest that are over", async () => {
    const held = new HeldStream();
    await create(held);
    for (let i = 0; i < STREAM_LIMITS.replaysKeptMax + 5; i++) {
      after(1);
      await held.call(async (stream) => stream.cancel(expectOk(await stream.startReplay(rebuild)).id));
    }
    held.crash();
    const known = expectOk(await held.call((stream) => stream.replays()));
    expect(known).toHaveLength(STREAM_LIMITS.replaysKeptMax);
    expect(known[0]?.id).toBe(`clicks_per_ad-${STREAM_LIMITS.replaysKeptMax + 6}`);
  });
});

describe("the diff", () => {
  /** One window of counts by ad, as a partition would have frozen it. */
  function pieces(spec: ViewSpec, time: number, counts: Readonly<Record<string, number>>): Uint8Array[] {
    const shape = shapeOf(spec.groupBy, spec.measures);
    const state = createState(shape);
    const table = windowOf(shape, state, time);
    const ads = Object.keys(counts);
    const codes = Uint32Array.from(ads, (ad) => state.interners[0]?.intern(ad) ?? 0);
    const ids = new Int32Array(ads.length);
    table.assign([codes], 0, ads.length, ids);
    ads.forEach((ad, i) => (table.records[ids[i] as number] = counts[ad] as number));
    state.groups = ads.length;
    return [...encodeState(shape, state)];
  }

  const day = (n: number, before: Record<string, number>, afterwards: Record<string, number>) => ({
    day: n * DAY_MS,
    before: pieces(CLICKS_PER_AD, n * DAY_MS, before),
    after: Object.keys(afterwards).length === 0 ? [] : pieces(FROM_PHONES, n * DAY_MS, afterwards),
    both: [],
    values: [],
  });

  it("is merged over partitions, day by day, and frozen in the job", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 2 });
    const [first, second] = held.partitions.all;
    if (first === undefined || second === undefined) throw new Error("two partitions");
    first.days = [day(3, { x: 5, y: 1 }, { x: 2 }), day(4, { x: 1 }, { x: 1 })];
    second.days = [day(3, { x: 4 }, { x: 4 }), day(9, { z: 8 }, {})];
    const id = await start(held);
    await held.fireAlarm();
    const expected = {
      rowsCompared: 4,
      rowsChanged: 3,
      totals: { clicks: { before: 19, after: 7 } },
      largest: [
        { time: 9 * DAY_MS, adId: "z", clicks: { before: 8, after: 0 } },
        { time: 3 * DAY_MS, adId: "x", clicks: { before: 9, after: 6 } },
        { time: 3 * DAY_MS, adId: "y", clicks: { before: 1, after: 0 } },
      ],
    };
    expect(await job(held, id)).toMatchObject({ state: "caught-up", diff: expected });
    held.crash();
    first.days = [];
    expect((await job(held, id)).diff).toEqual(expected);
  });

  it("goes on where it was interrupted, and is done without if that never ends", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 2 });
    const [first, second] = held.partitions.all;
    if (first === undefined || second === undefined) throw new Error("two partitions");
    first.days = [day(3, { x: 5 }, { x: 2 })];
    second.days = [day(3, { x: 4 }, { x: 4 })];
    const id = await start(held);
    const { status, comparedDay } = second;
    second.comparedDay = () => Promise.reject(new Error("network"));
    await held.fireAlarm();
    expect((await job(held, id)).state).toBe("running");
    second.comparedDay = comparedDay;
    await held.fireAlarm();
    expect(await job(held, id)).toMatchObject({
      state: "caught-up",
      diff: { totals: { clicks: { before: 9, after: 6 } } },
    });
    expect(second.status).toBe(status);

    await held.call((stream) => stream.cancel(id));
    const other = await start(held, { promote: "auto" });
    second.comparedDay = () => Promise.reject(new Error("network"));
    for (let i = 0; i < STREAM_LIMITS.comparisonAttemptsMax; i++) await held.fireAlarm();
    expect(await job(held, other)).toMatchObject({ state: "promoted", error: "no diff: partition 1: network" });
  });

  it("of views that share little compares what they share", async () => {
    const held = new HeldStream();
    await create(held);
    const [first] = held.partitions.all;
    if (first === undefined) throw new Error("one partition");
    const hourly = view(CLICKS_PER_AD.name, { windowMs: 3_600_000, measures: { events: { count: true } } });
    const before = [...pieces(CLICKS_PER_AD, 0, { x: 2 }), ...pieces(CLICKS_PER_AD, 60_000, { x: 3, y: 1 })];
    first.days = [{ day: 0, before, after: pieces(hourly, 0, { x: 5, y: 2 }), both: [], values: [] }];
    const id = await start(held, { view: hourly });
    await held.fireAlarm();
    expect((await job(held, id)).diff).toEqual({
      rowsCompared: 2,
      rowsChanged: 1,
      totals: { records: { before: 6, after: 7 } },
      largest: [{ time: 0, adId: "y", records: { before: 1, after: 2 } }],
    });
  });
});

describe("views", () => {
  it("are made, changed, deleted and made again under the same name", async () => {
    const held = new HeldStream();
    await create(held);
    const made = expectOk(await held.call((stream) => stream.putView(view("per_country", { groupBy: ["country"] }))));
    expect(made).toMatchObject({
      created: true,
      replay: "per_country-1",
      view: { state: "building", generation: null },
    });
    await held.fireAlarm();
    const changed = expectOk(await held.call((stream) => stream.putView(view("per_country", { groupBy: ["device"] }))));
    expect(changed).toMatchObject({ created: false, replay: "per_country-2", view: { state: "ready", generation: 1 } });
    await held.fireAlarm();
    expect(await inForce(held, "per_country")).toBe(2);

    expectOk(await held.call((stream) => stream.deleteView("per_country")));
    expect(held.partitions.all[0]?.generations).toEqual(["clicks_per_ad@1"]);
    expect(await held.call((stream) => stream.deleteView("per_country"))).toMatchObject({
      failure: { reason: "unknown_view" },
    });
    held.crash();
    const again = expectOk(await held.call((stream) => stream.putView(view("per_country"))));
    expect(again).toMatchObject({ created: true, replay: "per_country-3" });
    await held.fireAlarm();
    expect(expectOk(await held.call((stream) => stream.views()))).toMatchObject([
      { name: "clicks_per_ad", generation: 1 },
      { name: "per_country", generation: 3, previousGeneration: null, outdated: false },
    ]);
  });

  it("become what a PUT of the stream lists", async () => {
    const held = new HeldStream();
    await create(held, { views: [view("a"), view("b")] });
    await create(held, { views: [view("c"), view("b", { retentionMs: 9 }), view("d")] });
    await held.fireAlarm();
    expect(
      expectOk(await held.call((stream) => stream.views())).map(({ name, retentionMs }) => [name, retentionMs]),
    ).toEqual([
      ["b", 9],
      ["c", CLICKS_PER_AD.retentionMs],
      ["d", CLICKS_PER_AD.retentionMs],
    ]);
    expect(await inForce(held, "b"), "retention alone is no reason to replay").toBe(1);
  });

  it("whose fold has failed in a partition say so, though they were promoted", async () => {
    const held = new HeldStream();
    await create(held);
    held.partitions.report(CLICKS_PER_AD.name, 1, { state: "failed", error: "the fold threw" });
    expect(expectOk(await held.call((stream) => stream.views()))).toMatchObject([
      { state: "failed", generation: 1, error: "partition 0: the fold threw" },
    ]);
  });
});

describe("deletion", () => {
  it("is final: nothing is kept but the mark that it was deleted", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 2 });
    expectOk(await held.call((stream) => stream.destroy()));
    expect(held.partitions.all.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    expect(held.alarmAt).toBeNull();
    for (const wake of [() => {}, () => held.crash()]) {
      wake();
      expect(await context(held)).toBeNull();
      expect(await held.call((stream) => stream.destroy())).toMatchObject({ failure: { reason: "unknown_stream" } });
      expect(await held.call((stream) => stream.put("clicks", held.streamId, {}, DEFAULTS))).toMatchObject({
        failure: { reason: "unknown_stream" },
      });
    }
    expect(await held.dump()).not.toMatch(/digest|secret|clicks/);
  });

  it("holds at once, and empties a partition that was away when it is back", async () => {
    const held = new HeldStream();
    await create(held, { partitions: 2 });
    const [, away] = held.partitions.all;
    if (away === undefined) throw new Error("two partitions");
    away.trouble = { error: new Error("network"), failures: Infinity };
    expectOk(await held.call((stream) => stream.destroy()));
    expect(await context(held)).toBeNull();
    held.crash();
    expect(await context(held)).toBeNull();
    await held.fireAlarm();
    expect(away.destroyed).toBe(false);
    away.trouble = null;
    await held.fireAlarm();
    expect(away.destroyed).toBe(true);
    expect(await held.fireAlarm()).toBe(false);
  });
});

describe("an alarm that was lost", () => {
  it("is set again by the next request", async () => {
    const held = new HeldStream();
    await create(held);
    held.partitions.instant = false;
    await start(held);
    held.alarmAt = null;
    after(STREAM_LIMITS.alarmOverdueMs + STREAM_LIMITS.pollMsMin + 1);
    await held.call((stream) => stream.replays());
    expect(held.alarmAt).not.toBeNull();
  });
});
