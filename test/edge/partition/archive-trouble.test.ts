/** The archive when something is wrong: nothing is lost that was there, nothing is trimmed that is not archived, and all of it is named. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Archiving } from "../../../edge/partition/archiving.ts";
import { Replay } from "../../../edge/partition/replay.ts";
import { Retention } from "../../../edge/partition/retention.ts";
import {
  BASE,
  BY_MINUTE,
  bucket,
  inObject,
  makeArchived,
  objectsOf,
  pass,
  rebuilt,
  START,
} from "./archived-partition.ts";
import { clicks, expectOk, generation, HOUR, MINUTE } from "./held-partition.ts";

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

test("a pack that was created before a crash is found, compared and entered", async () => {
  const held = await makeArchived();
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
  const other = await makeArchived();
  await other.append(clicks(50, BASE));
  await pass(other, 2 * HOUR);
  const [foreign] = await objectsOf(other);
  const pack = await (await bucket.get(foreign!.key))!.arrayBuffer();

  const held = await makeArchived();
  await held.append(clicks(100, BASE));
  const key = `${held.config.streamId}/0/${"0".repeat(16)}`;
  for (const [content, trouble] of [
    ["something else", "is damaged"],
    [pack, "holds other records than the log"],
  ] as const) {
    await bucket.put(key, content);
    await pass(held, 2 * HOUR);
    const { archive, records } = await held.status();
    expect(archive).toMatchObject({ packs: 0, error: expect.stringContaining(`${key} ${trouble}`) as string });
    expect(records).toBe(100);
    expect(await held.stub.trim(50)).toMatchObject({ ok: false, failure: { reason: "archive_unavailable" } });
    expect((await held.queryLog({ groupBy: [] })).rows).toMatchObject([{ clicks: 100 }]);
  }
  await bucket.delete(key);
  await pass(held, HOUR);
  expect(await held.status()).toMatchObject({ logStart: 100, archive: { packs: 1 } });
  expect((await held.status()).archive).not.toHaveProperty("error");
});

test("a segment that is damaged is not archived, and not trimmed; the partition says so, and goes on", async () => {
  const held = await makeArchived();
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
  const held = await makeArchived();
  await held.append(clicks(100, BASE));
  await pass(held, 2 * HOUR);
  await held.append(clicks(100, BASE + HOUR));
  const [object] = await objectsOf(held);
  const bytes = new Uint8Array(await (await bucket.get(object!.key))!.arrayBuffer());
  const before = await held.queryView();

  for (const damage of ["flipped", "gone"] as const) {
    if (damage === "gone") await bucket.delete(object!.key);
    else
      await bucket.put(
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
  const held = await makeArchived();
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

test("a bucket that does not answer is asked again, later and later; until it does, nothing is trimmed", async () => {
  const held = await makeArchived();
  await held.append(clicks(100, BASE));
  await held.evict();
  vi.setSystemTime(START + 2 * HOUR);
  let isDown = true;
  const answerOf = <T>(answer: () => Promise<T>) => (isDown ? Promise.reject(new Error("R2 is down")) : answer());
  const failing = {
    put: (...args: Parameters<R2Bucket["put"]>) => answerOf(() => bucket.put(...args)),
    get: (key: string) => answerOf(() => bucket.get(key)),
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
