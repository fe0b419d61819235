/** The archive: what retention trims is kept in a bucket, and every reading reaches back to it. */
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ViewSpec } from "#engine";
import { Archiving } from "../../../edge/partition/archiving.ts";
import { FrozenPartials } from "../../../edge/partition/frozen-partials.ts";
import { queryLog } from "../../../edge/partition/query.ts";
import { Replay } from "../../../edge/partition/replay.ts";
import { Retention } from "../../../edge/partition/retention.ts";
import {
  BASE,
  BY_AD,
  BY_MINUTE,
  bucket,
  inObject,
  makeArchived,
  objectsOf,
  pass,
  rebuilt,
  START,
} from "./archived-partition.ts";
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

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

async function recordsOf(held: HeldPartition, from = 0) {
  const records = [];
  for (let offset = from; ;) {
    const page = expectOk(await held.stub.records(offset, 1_000));
    records.push(...page.records);
    offset = page.next;
    if (offset === page.logEnd) return records;
  }
}

test("what is trimmed is archived: records, queries and replays reach back to the first click", async () => {
  const held = await makeArchived();
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
  const held = await makeArchived();
  for (let day = 0; day < 3; day++) {
    await held.append(clicks(500, BASE + day * HOUR, 7));
    await pass(held, 3 * HOUR);
  }
  expect((await held.status()).archive?.packs).toBe(3);
  const answer = await held.queryLog({ from: BASE + HOUR, to: BASE + 2 * HOUR });
  expect(answer).toMatchObject({ recordsScanned: 500, missing: [] });
});

test("a trim by hand archives first, and cuts within a segment", async () => {
  const held = await makeArchived({ retentionMs: 7 * DAY });
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

test("with the stream go its archived records", async () => {
  const held = await makeArchived();
  const other = await makeArchived();
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
  const held = await makeArchived();
  for (let hour = 0; hour < 4; hour++) {
    await held.append(clicks(200, BASE + hour * HOUR + 30 * MINUTE, 50));
    await pass(held, 3 * HOUR);
  }
  expect((await held.status()).archive?.packs).toBe(4);
  const get = vi.spyOn(bucket, "get");
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
  const held = await makeArchived({ retentionMs: 7 * DAY });
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
      const [held, keeper] = [await makeArchived(), await HeldPartition.make({ retentionMs: 400 * DAY })];
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
