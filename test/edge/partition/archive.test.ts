/** The archive: what retention trims is kept in a bucket, and every reading reaches back to it. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ViewSpec } from "#engine";
import { Archiving } from "../../../edge/partition/archiving.ts";
import { Database } from "../../../edge/partition/database.ts";
import { FactStore } from "../../../edge/partition/facts.ts";
import { FrozenPartials } from "../../../edge/partition/frozen-partials.ts";
import { Partition } from "../../../edge/partition/partition.ts";
import { queryLog } from "../../../edge/partition/query.ts";
import { Replay } from "../../../edge/partition/replay.ts";
import { Retention } from "../../../edge/partition/retention.ts";
import {
  CLICKS_PER_AD,
  clicks,
  DAY,
  expectOk,
  generation,
  HeldPartition,
  HOUR,
  MINUTE,
  wholeRange,
} from "./held-partition.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;
const BASE = START - DAY;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

const BY_AD = { everyMs: MINUTE, groupBy: ["ad"] };
const BY_MINUTE = { everyMs: MINUTE, groupBy: ["ad", "country"] };

const make = (retentionMs = HOUR) => HeldPartition.make({ retentionMs, archive: true });

/** Time passes, and what is due is done. */
async function pass(held: HeldPartition, ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await held.status();
  // One alarm seals the tail, packs and trims.
  for (let i = 0; i < 3; i++) await held.ring();
}

async function recordsOf(held: HeldPartition, from = 0) {
  const records = [];
  for (let offset = from; ;) {
    const page = expectOk(await held.stub.records(offset, 1_000));
    records.push(...page.records);
    offset = page.next;
    if (offset === page.logEnd) return records;
  }
}

const objectsOf = async (held: HeldPartition) => (await env.ARCHIVE!.list({ prefix: held.config.streamId })).objects;

async function rebuilt(held: HeldPartition, number: number, spec: ViewSpec = CLICKS_PER_AD) {
  const generations = [...held.config.generations, generation({ generation: number, spec })];
  await held.configure({ generations });
  await held.settle();
  return held.generation(number);
}

test("what is trimmed is archived: records, queries and replays reach back to the first click", async () => {
  const held = await make();
  for (let batch = 0; batch < 6; batch++) await held.append(clicks(5_000, BASE + batch * HOUR, 7, batch * 5_000));
  const before = {
    log: await held.queryLog(BY_MINUTE),
    view: await held.queryView(BY_AD),
    records: await recordsOf(held),
  };
  await pass(held, 2 * HOUR);

  const { logStart, logEnd, archive } = await held.status();
  expect(logStart).toBe(logEnd);
  expect(archive).toMatchObject({ start: 0, end: logEnd });
  expect(archive).not.toHaveProperty("error");
  expect(await held.rowCount("segments")).toBe(0);

  const after = await held.queryLog(BY_MINUTE);
  expect(after).toMatchObject({ digest: before.log.digest, missing: [], recordsScanned: 30_000 });
  expect(await recordsOf(held)).toEqual(before.records);
  expect(await rebuilt(held, 2)).toMatchObject({ state: "caught-up", from: 0, missing: [], carried: [] });
  expect((await held.queryView(BY_AD, 2)).digest).toBe(before.view.digest);
});

test("a query reads only the packs that have its minutes", async () => {
  const held = await make();
  for (let day = 0; day < 3; day++) {
    await held.append(clicks(500, BASE + day * HOUR, 7));
    await pass(held, 3 * HOUR);
  }
  expect((await held.status()).archive?.packs).toBe(3);
  const answer = await held.queryLog({ from: BASE + HOUR, to: BASE + 2 * HOUR });
  expect(answer).toMatchObject({ recordsScanned: 500, missing: [] });
});

test("a trim by hand archives first, and cuts within a segment", async () => {
  const held = await make(7 * DAY);
  await held.append(clicks(3_000, BASE));
  const { digest } = await held.queryLog(BY_MINUTE);
  expect(expectOk(await held.stub.trim(1_234)).logStart).toBe(1_234);
  expect((await held.status()).archive).toMatchObject({ start: 0, end: 3_000 });
  expect(await held.queryLog(BY_MINUTE)).toMatchObject({ digest, missing: [], recordsScanned: 3_000 });
  expect((await recordsOf(held)).map(({ offset }) => offset)).toEqual(Array.from({ length: 3_000 }, (_, i) => i));
  await held.append(clicks(10, BASE));
  await held.evict();
  expect((await held.queryLog({ groupBy: [] })).rows).toMatchObject([{ clicks: 3_010 }]);
  await rebuilt(held, 2);
  expect((await held.queryView(BY_AD, 2)).digest).toBe((await held.queryView(BY_AD)).digest);
});

test("a pack that was created before a crash is found, compared and entered", async () => {
  const held = await make();
  await held.append(clicks(1_000, BASE));
  const { digest } = await held.queryLog(BY_MINUTE);
  await inObject(held, async (partition) => {
    partition.checkpoint(Date.now());
    expectOk(await new Archiving(partition).upTo(1_000));
  });
  // As if the object had been lost after the bucket's answer; and more is sealed since.
  await held.sql("DELETE FROM packs");
  await held.evict();
  await held.append(clicks(500, BASE + HOUR));
  await pass(held, 2 * HOUR);
  expect((await held.status()).archive).toMatchObject({ start: 0, end: 1_500, packs: 2 });
  expect(await objectsOf(held)).toHaveLength(2);
  expect((await held.queryLog({ ...BY_MINUTE, to: BASE + HOUR })).digest).toBe(digest);
});

test("another object in a pack's place stops the archiving and the trimming, and is named; nothing is lost", async () => {
  const other = await make();
  await other.append(clicks(50, BASE));
  await pass(other, 2 * HOUR);
  const [foreign] = await objectsOf(other);
  const pack = await (await env.ARCHIVE!.get(foreign!.key))!.arrayBuffer();

  const held = await make();
  await held.append(clicks(100, BASE));
  const key = `${held.config.streamId}/0/${"0".repeat(16)}`;
  for (const [content, trouble] of [
    ["something else", "is damaged"],
    [pack, "holds other records than the log"],
  ] as const) {
    await env.ARCHIVE!.put(key, content);
    await pass(held, 2 * HOUR);
    const { archive, records } = await held.status();
    expect(archive).toMatchObject({ packs: 0, error: expect.stringContaining(`${key} ${trouble}`) as string });
    expect(records).toBe(100);
    expect(await held.stub.trim(50)).toMatchObject({ ok: false, failure: { reason: "archive_unavailable" } });
    expect((await held.queryLog({ groupBy: [] })).rows).toMatchObject([{ clicks: 100 }]);
  }
  await env.ARCHIVE!.delete(key);
  await pass(held, HOUR);
  expect(await held.status()).toMatchObject({ logStart: 100, archive: { packs: 1 } });
  expect((await held.status()).archive).not.toHaveProperty("error");
});

test("a segment that is damaged is not archived, and not trimmed; the partition says so, and goes on", async () => {
  const held = await make();
  await held.append(clicks(100, BASE));
  await inObject(held, async (partition) => partition.checkpoint(Date.now()));
  await held.sql("UPDATE segments SET hot = zeroblob(length(hot))");
  await held.evict();
  await pass(held, 2 * HOUR);
  const { archive, records } = await held.status();
  expect(archive).toMatchObject({ packs: 0, error: expect.stringContaining("the log is damaged") as string });
  expect(records).toBe(100);
  await held.append(clicks(10, BASE));
  expect((await held.queryView({ groupBy: [] })).rows).toMatchObject([{ clicks: 110 }]);
});

test("archived records that cannot be read are missing by name; a replay fails, and what is live goes on", async () => {
  const held = await make();
  await held.append(clicks(100, BASE));
  await pass(held, 2 * HOUR);
  await held.append(clicks(100, BASE + HOUR));
  const [object] = await objectsOf(held);
  const bytes = new Uint8Array(await (await env.ARCHIVE!.get(object!.key))!.arrayBuffer());
  const before = await held.queryView();

  for (const damage of ["flipped", "gone"] as const) {
    if (damage === "gone") await env.ARCHIVE!.delete(object!.key);
    else
      await env.ARCHIVE!.put(
        object!.key,
        bytes.map((byte, i) => (i === bytes.length - 9 ? byte ^ 1 : byte)),
      );
    const answer = await held.queryLog({ groupBy: [] });
    expect(answer.rows).toMatchObject([{ clicks: 100 }]);
    expect(answer.missing).toEqual([{ from: BASE, to: BASE + MINUTE, reason: "archive_unavailable" }]);
    expect(await held.stub.records(0, 10)).toMatchObject({ ok: false, failure: { reason: "archive_unavailable" } });
    const failed = await rebuilt(held, damage === "gone" ? 3 : 2);
    expect(failed).toMatchObject({ state: "failed", error: expect.stringContaining("archive_unavailable") as string });
  }
  expect((await held.queryView()).digest).toBe(before.digest);
});

test("what went while nothing was archived is missing by name, between what is archived and the log", async () => {
  const held = await make();
  await held.append(clicks(100, BASE));
  await pass(held, 2 * HOUR);
  await held.configure({ archive: false });
  await held.append(clicks(100, BASE + HOUR));
  await pass(held, 2 * HOUR);
  await held.configure({ archive: true });
  await held.append(clicks(100, BASE + 2 * HOUR));
  const gone = [{ from: BASE + HOUR, to: BASE + HOUR + MINUTE, reason: "trimmed" }];
  for (const reading of ["log", "archive"] as const) {
    if (reading === "archive") await pass(held, 2 * HOUR);
    expect((await held.status()).archive?.packs).toBe(reading === "log" ? 1 : 2);
    expect(await held.queryLog({ groupBy: [] })).toMatchObject({ rows: [{ clicks: 200 }], missing: gone });
    const trimmed = { ok: false, failure: { reason: "offset_trimmed", readableFrom: 200 } };
    expect(await held.stub.records(150, 10)).toMatchObject(trimmed);
    expect(expectOk(await held.stub.records(50, 1_000))).toMatchObject({ next: 100 });
    const number = reading === "log" ? 2 : 3;
    expect(await rebuilt(held, number)).toMatchObject({ state: "caught-up", from: 0 });
    const view = await held.queryView({ groupBy: [] }, number);
    expect(view).toMatchObject({ rows: [{ clicks: 200 }], missing: gone });
  }
});

test("with the stream go its archived records", async () => {
  const held = await make();
  const other = await make();
  for (const one of [held, other]) {
    await one.append(clicks(100, BASE));
    expectOk(await one.stub.trim(100));
  }
  expect(await objectsOf(held)).toHaveLength(1);
  await held.stub.destroy();
  expect(await objectsOf(held)).toEqual([]);
  expect(await objectsOf(other)).toHaveLength(1);
});

test("a replay from a time on fetches no pack that lies before it, as far as its rule looks", async () => {
  const held = await make();
  for (let hour = 0; hour < 4; hour++) {
    await held.append(clicks(200, BASE + hour * HOUR + 30 * MINUTE, 50));
    await pass(held, 3 * HOUR);
  }
  expect((await held.status()).archive?.packs).toBe(4);
  const get = vi.spyOn(env.ARCHIVE!, "get");
  const from = BASE + 2 * HOUR;
  const counts: number[] = [];
  for (const [number, within] of [MINUTE, 40 * MINUTE].entries()) {
    get.mockClear();
    const spec = { ...SPAM, spam: { by: ["userId"], within } };
    const config = generation({ view: `spam-${number}`, spec, from });
    await inObject(held, async (partition) => {
      partition.configure({ ...held.config, generations: [config] }, Date.now());
      const replay = new Replay(partition);
      for (let i = 0; i < 5; i++) await replay.run();
      expect(partition.views.find(`spam-${number}`, 1)?.phase).toBe("caught-up");
    });
    counts.push(get.mock.calls.length);
  }
  // The hours from `from` on; and the one before it, of which the last clicks lie within the rule's reach.
  expect(counts).toEqual([2, 3]);
});

test("a scan reads what was trimmed under it from the archive", async () => {
  const held = await make(7 * DAY);
  await inObject(held, async (partition) => {
    for (let segment = 0; segment < 40; segment++) {
      partition.commit([held.request(clicks(10, BASE + segment * MINUTE))], Date.now());
      partition.checkpoint(Date.now());
    }
    expectOk(await new Archiving(partition).upTo(400));
    const query = wholeRange({ groupBy: [] });
    const scan = queryLog(partition, { configVersion: 1, query, source: { kind: "log" } }, new FrozenPartials());
    // It has read one segment, and waits for its next turn.
    while (new Retention(partition).trimBefore(400, Date.now()));
    expect(partition.log.start).toBe(400);
    expect(expectOk(await scan)).toMatchObject({ recordsScanned: 400, missing: [] });
  });
});

const SPAM: ViewSpec = {
  ...CLICKS_PER_AD,
  measures: { clicks: { count: true }, spam: { count: "invalid" } },
  spam: { by: ["userId", "ad"], within: 90_000 },
};

const someStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("append"), count: fc.integer({ min: 1, max: 400 }), hour: fc.nat(5) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("pass"), hours: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("evict") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("trim"), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("replay") }) },
) as fc.Arbitrary<{ kind: string; count: number; hour: number; hours: number; share: number }>;

test("whatever is archived, trimmed and lost from memory: log, live view and replay are those of a log that keeps all", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(someStep, { minLength: 3, maxLength: 14 }), async (steps) => {
      const [held, keeper] = [await make(), await HeldPartition.make({ retentionMs: 400 * DAY })];
      for (const one of [held, keeper]) {
        await one.configure({ generations: [generation(), generation({ view: "billed", spec: SPAM })] });
      }
      let appended = 0;
      let replays = 1;
      for (const { kind, count, hour, hours, share } of [...steps, { kind: "replay" } as (typeof steps)[number]]) {
        if (kind === "append") {
          const rows = clicks(count, BASE + hour * HOUR, 700, appended);
          await held.append(rows);
          await keeper.append(rows);
          appended += count;
        } else if (kind === "pass") await pass(held, hours * HOUR);
        else if (kind === "evict") await held.evict();
        else if (kind === "trim") expectOk(await held.stub.trim(Math.floor(share * appended)));
        else {
          const number = ++replays;
          const again = [
            generation({ generation: number }),
            generation({ view: "billed", spec: SPAM, generation: number }),
          ];
          await held.configure({ generations: [...held.config.generations.slice(0, 2), ...again] });
          await held.settle();
          for (const [view, query] of [
            ["clicks", {}],
            ["billed", { measures: SPAM.measures }],
          ] as const) {
            const expected = (await keeper.queryView({ ...BY_AD, ...query }, 1, view)).digest;
            expect((await held.queryView({ ...BY_AD, ...query }, 1, view)).digest).toBe(expected);
            const replayed = await held.queryView({ ...BY_AD, ...query }, number, view);
            expect(replayed).toMatchObject({ digest: expected, missing: [], carried: [] });
          }
        }
        const log = await held.queryLog(BY_MINUTE);
        expect(log).toMatchObject({ missing: [], recordsScanned: appended });
        expect(log.digest).toBe((await keeper.queryLog(BY_MINUTE)).digest);
      }
      const records = (all: Awaited<ReturnType<typeof recordsOf>>) =>
        all.map((record) => ({ ...record, appendTime: 0 }));
      expect(records(await recordsOf(held))).toEqual(records(await recordsOf(keeper)));
    }),
    { numRuns: 12 },
  );
});

test("a bucket that does not answer is asked again, later and later; until it does, nothing is trimmed", async () => {
  const held = await make();
  await held.append(clicks(100, BASE));
  await held.evict();
  vi.setSystemTime(START + 2 * HOUR);
  let isDown = true;
  const answerOf = <T>(answer: () => Promise<T>) => (isDown ? Promise.reject(new Error("R2 is down")) : answer());
  const failing = {
    put: (...args: Parameters<R2Bucket["put"]>) => answerOf(() => env.ARCHIVE!.put(...args)),
    get: (key: string) => answerOf(() => env.ARCHIVE!.get(key)),
  } as unknown as R2Bucket;
  await inObject(
    held,
    async (partition) => {
      partition.checkpoint(Date.now());
      const [archiving, retention] = [new Archiving(partition), new Retention(partition)];
      for (const waitMs of [1_000, 2_000, 4_000]) {
        const now = Date.now();
        expect(archiving.due(now)).toBeLessThanOrEqual(now);
        await archiving.run();
        expect(archiving.due(now)).toBe(now + waitMs);
        expect(archiving.status).toMatchObject({ packs: 0, error: "R2 is down" });
        // Nothing that would ring the alarm again and again.
        expect(retention.due(now)).toBe(null);
        expect(retention.turn(now)).toBe(false);
        vi.setSystemTime(now + waitMs);
      }
      isDown = false;
      await archiving.run();
      await retention.run();
      expect(partition.log.start).toBe(100);

      const replay = new Replay(partition);
      partition.configure({ ...held.config, generations: [generation(), generation({ generation: 2 })] }, Date.now());
      isDown = true;
      await replay.run();
      expect(replay.due(Date.now())).toBe(Date.now() + 1_000);
      expect(partition.views.find("clicks", 2)?.phase).toBe("building");
      isDown = false;
      vi.setSystemTime(Date.now() + 1_000);
      await replay.run();
      expect(partition.views.find("clicks", 2)?.phase).toBe("caught-up");
    },
    failing,
  );
});

/** Works on a partition of its own over the object's storage; the object itself is not awake. */
const inObject = (held: HeldPartition, work: (partition: Partition) => Promise<void>, bucket = env.ARCHIVE!) =>
  runInDurableObject(held.stub, (_, { storage }) => {
    const database = new Database(storage);
    return work(new Partition(database, new FactStore(database), held.config, Date.now(), bucket));
  });
