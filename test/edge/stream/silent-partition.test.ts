/** A replay one of whose partitions does not answer: which one is told, nothing is decided on a part, and it can be ended. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import type { ReplayJob, ReplayRequest } from "../../../edge/stream/rpc.ts";
import { CLICKS_PER_AD, DEFAULTS, FROM_PHONES } from "./example.ts";
import { HeldStream } from "./held-stream.ts";
import type { ScriptedPartition } from "./scripted-partitions.ts";

const NAME = CLICKS_PER_AD.name;
const START = Date.UTC(2026, 0, 1);
const NETWORK = { error: new Error("network"), failures: Infinity };
const rebuild: ReplayRequest = { view: FROM_PHONES, from: null, mode: "build", promote: "auto", maxDuty: 0.5 };

function expectOk<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

const hang = () => new Promise(() => {});

let held: HeldStream;
let first: ScriptedPartition;
let second: ScriptedPartition;
let id: string;

const job = async (): Promise<ReplayJob> => expectOk(await held.call((stream) => stream.replay(id)));
const inForce = async () => (await held.call((stream) => stream.queryContext()))?.views[0]?.generation;
/** What both say of the generation that is built. */
const built = (changes: Parameters<ScriptedPartition["report"]>[2]) => held.partitions.report(NAME, 2, changes);
const CAUGHT_UP = { state: "caught-up", next: 100, caughtUpAt: START } as const;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: START });
  held = new HeldStream();
  expectOk(await held.call((stream) => stream.put("clicks", held.streamId, { partitions: 2 }, DEFAULTS)));
  [first, second] = held.partitions.all as [ScriptedPartition, ScriptedPartition];
  built({ state: "building", next: 50, caughtUpAt: null });
  id = expectOk(await held.call((stream) => stream.startReplay(rebuild))).id;
  await held.fireAlarm();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a partition that does not answer", () => {
  it("is told, with since when and why, and the replay goes on when it is back", async () => {
    second.trouble = NETWORK;
    built(CAUGHT_UP);
    vi.setSystemTime(START + 1_000);
    await held.fireAlarm();
    const since = START + 1_000;
    for (const lose of [() => {}, () => held.crash()]) {
      lose();
      vi.setSystemTime(Date.now() + 1_000);
      await held.fireAlarm();
      expect(await job()).toMatchObject({
        state: "running",
        etaMs: null,
        partitions: [{ state: "caught-up" }, { state: "building", next: 50, silent: { since, reason: "network" } }],
      });
      expect(await inForce(), "nothing is promoted on a part").toBe(1);
    }

    second.trouble = null;
    second.report(NAME, 2, { state: "building", next: 50 });
    await held.fireAlarm();
    expect((await job()).partitions[1]).not.toHaveProperty("silent");
    second.report(NAME, 2, CAUGHT_UP);
    await held.fireAlarm();
    expect(await job()).toMatchObject({ state: "promoted", recordsDone: 200 });
    expect(await inForce()).toBe(2);
  });

  it("while generations are compared is waited for, however long: the diff is not missed, nor promoted without", async () => {
    built(CAUGHT_UP);
    const { comparedDay } = second;
    second.comparedDay = () => {
      second.trouble = NETWORK;
      return Promise.reject(new Error("network"));
    };
    for (let i = 0; i < 2 * STREAM_LIMITS.comparisonAttemptsMax; i++) await held.fireAlarm();
    expect(await job()).toMatchObject({ state: "running", partitions: [{}, { silent: { reason: "network" } }] });
    expect(await inForce()).toBe(1);
    second.comparedDay = comparedDay;
    second.trouble = null;
    await held.fireAlarm();
    expect(await job()).toMatchObject({ state: "promoted", diff: { rowsCompared: 0 } });
  });

  it("does not keep anybody from cancelling, even if it only hangs; it is told when it is back", async () => {
    const { configure, status } = second;
    Object.assign(second, { configure: hang, status: hang });
    const cancelled = await held.call(async (stream) => {
      vi.useFakeTimers({ toFake: ["Date", "setTimeout"], now: START });
      const cancelling = stream.cancel(id);
      await vi.advanceTimersByTimeAsync(STREAM_LIMITS.partitionCallMs);
      return cancelling;
    });
    vi.useFakeTimers({ toFake: ["Date"], now: START });
    expect(expectOk(cancelled).state).toBe("cancelled");
    expect(first.generations).toEqual([`${NAME}@1`]);
    expect(second.generations, "it does not know yet").toEqual([`${NAME}@1`, `${NAME}@2`]);
    held.crash();
    Object.assign(second, { configure, status });
    await held.fireAlarm();
    expect(second.generations).toEqual([`${NAME}@1`]);
    expect(await job()).toMatchObject({ state: "cancelled" });
  });

  it("for a week ends a replay, also one that waits to be compared", async () => {
    built(CAUGHT_UP);
    second.comparedDay = () => {
      second.trouble = NETWORK;
      return Promise.reject(new Error("network"));
    };
    await held.fireAlarm();
    vi.setSystemTime(START + STREAM_LIMITS.replayMs + 1);
    await held.fireAlarm();
    expect(await job()).toMatchObject({ state: "failed", error: "not compared after 7 days" });
    expect(await inForce()).toBe(1);
  });
});

it("a generation that fails in a partition while it is compared is not promoted", async () => {
  built(CAUGHT_UP);
  second.comparedDay = () => {
    second.report(NAME, 2, { state: "failed", error: "the fold threw" });
    return Promise.reject(new Error("it is gone"));
  };
  await held.fireAlarm();
  for (let i = 0; i < STREAM_LIMITS.comparisonAttemptsMax; i++) await held.fireAlarm();
  expect(await job()).toMatchObject({ state: "failed", error: "partition 1: the fold threw" });
  expect(await inForce()).toBe(1);
});
