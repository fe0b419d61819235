import { runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Database } from "../../../edge/partition/database.ts";
import { FactStore } from "../../../edge/partition/facts.ts";
import { PARTITION_LIMITS } from "../../../edge/partition/limits.ts";
import { Partition } from "../../../edge/partition/partition.ts";
import { Replay } from "../../../edge/partition/replay.ts";
import { BASE_TIME } from "../../support/events.ts";
import { clicks, DAY, generation, HeldPartition, MINUTE } from "./held-partition.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;
const BASE_MINUTE = Math.floor(BASE_TIME / MINUTE) * MINUTE;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

test("a build that is lost between the steps of a checkpoint goes on from the one before, and counts nothing twice", async () => {
  const held = await HeldPartition.make({ generations: [] });
  // So many windows in each segment that it is followed by a checkpoint of many steps; the second reaches those of the first.
  for (let i = 0; i < 3; i++) await held.append(clicks(8_000, BASE_MINUTE + i * DAY, 43_000, 8_000 * i));
  await held.configure({ generations: [generation()] });
  await runInDurableObject(held.stub, (_, ctx) => {
    const open = () => {
      const database = new Database(ctx.storage);
      const partition = new Partition(database, new FactStore(database), held.config, START);
      return { partition, replay: new Replay(partition) };
    };
    let { partition, replay } = open();
    const stored = () => partition.views.find("clicks", 1)?.record.next;
    const lostAfter = [1, 2, 40, 150];
    for (let steps = 0; partition.views.building.length > 0; steps++) {
      replay.buildStep(START);
      if (steps !== lostAfter[0]) continue;
      lostAfter.shift();
      const before = stored();
      ({ partition, replay } = open());
      expect(stored()).toBe(before);
      steps = 0;
    }
    expect(lostAfter).toEqual([]);
  });
  await held.abort();
  expect((await held.queryView()).digest).toBe((await held.queryLog()).digest);
});

test("a build whose checkpoint takes longer than an alarm works is stored all the same, and comes to its end", async () => {
  const held = await HeldPartition.make({ generations: [] });
  for (let i = 0; i < 2; i++) await held.append(clicks(8_000, BASE_MINUTE + i * DAY, 43_000, 8_000 * i));
  await held.configure({ generations: [generation({ maxDuty: 0.01 })] });
  const limits: { replayAlarmMs: number } = PARTITION_LIMITS;
  const { replayAlarmMs } = limits;
  // One slice an alarm.
  limits.replayAlarmMs = 0;
  try {
    await runInDurableObject(held.stub, async (_, ctx) => {
      const database = new Database(ctx.storage);
      const partition = new Partition(database, new FactStore(database), held.config, START);
      const replay = new Replay(partition);
      let alarms = 0;
      // Dictionaries are renewed in the middle of it: then what was encoded is encoded again.
      vi.spyOn(partition.windows, "dictionaryGeneration", "get").mockImplementation(() => (alarms < 20 ? 0 : 1));
      for (; partition.views.building.length > 0 && alarms < 1_000; alarms++) await replay.run();
      expect(alarms, "a checkpoint of many steps").toBeGreaterThan(50);
      expect(partition.views.find("clicks", 1)?.phase).toBe("caught-up");
    });
  } finally {
    limits.replayAlarmMs = replayAlarmMs;
  }
  await held.abort();
  expect((await held.queryView()).digest).toBe((await held.queryLog()).digest);
});
