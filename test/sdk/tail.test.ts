/** The tail on the page is always the beginning of what the log would answer. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeBatch, endOfBatch } from "../../sdk/batch.ts";
import { PAGE_LIMITS, SEND_LIMITS } from "../../sdk/limits.ts";
import type { LogOptions, LogState } from "../../sdk/log/log.ts";
import { MemoryLog } from "../../sdk/log/memory-log.ts";
import { Tail } from "../../sdk/tail.ts";
import type { Logged } from "../../sdk/worker-api.ts";

const BOUNDS = {
  eventsMax: SEND_LIMITS.batchEventsMax,
  bytesMax: PAGE_LIMITS.tailBytesMax - PAGE_LIMITS.tailEnvelopeBytes,
};

function opened() {
  let ids = 0;
  const options: LogOptions = {
    eventsMax: 5_000,
    bytesMax: 1e6,
    sendableBytesMax: BOUNDS.bytesMax,
    randomId: () => (ids++).toString(16).padStart(16, "0"),
  };
  const log = new MemoryLog(options);
  const tail = new Tail();
  const lanes = new Map<string, number>();
  const ask = async () => {
    const prepared = await log.prepare(null, BOUNDS);
    tail.replace(prepared.ok ? prepared.value : null);
  };
  const append = async (lane: string, count: number, size = 10) => {
    const first = lanes.get(lane) ?? 0;
    lanes.set(lane, first + count);
    const events = Array.from({ length: count }, (_, i) => JSON.stringify({ n: first + i, text: "x".repeat(size) }));
    const appended = await log.append({ lane, first, events }, 1);
    if (!appended.ok) throw new Error("refused");
    const { runs, commits, sendable, state } = appended.value;
    return {
      events,
      logged: { durability: "disk", runs, commits, sendable, quotaExceeded: false, log: state } as Logged,
    };
  };
  const track = async (count: number, size?: number) => {
    const { logged, events } = await append("own", count, size);
    if (!tail.logged(logged, events)) await ask();
  };
  const hear = async (state: LogState) => {
    if (!tail.settled(state)) await ask();
  };
  const settle = async (upTo: number) => {
    const { producerId, floor, next } = await log.state();
    const settled = await log.settle(producerId, Math.min(floor + upTo, next), { kind: "delivered", rejected: 0 });
    if (settled !== null) await hear(settled.state);
  };
  /** Another tab logs, and tells. */
  const others = async (count: number) => void (await append("another", count).then(({ logged }) => logged));
  const renew = async () => {
    await log.takeLease("term", 0, true);
    const renewed = await log.renew("term", (await log.state()).producerId, []);
    if (renewed.ok) await hear(renewed.value.state);
  };
  return { log, tail, track, settle, others, renew };
}

describe("the hide-time tail", () => {
  it("grows by what the page logs, and shrinks by what is acknowledged", async () => {
    const { tail, track, settle } = opened();
    await track(2);
    await track(1);
    await settle(1);
    expect(tail.take()).toMatchObject({ sequence: 1, lost: 0, events: { length: 2 }, commits: { length: 2 } });
  });

  it("is given out once, until the page is looked at again or there is more", async () => {
    const { tail, track } = opened();
    await track(1);
    expect(tail.take()).not.toBeNull();
    expect(tail.take()).toBeNull();
    await track(1);
    expect(tail.take()?.events).toHaveLength(2);
    tail.shown();
    expect(tail.take()?.events).toHaveLength(2);
  });

  it("fits one keepalive request, however much there is", async () => {
    const { tail, track } = opened();
    for (let i = 0; i < 50; i++) await track(7, 500);
    const batch = tail.take();
    expect(batch?.sequence).toBe(0);
    const bytes = new TextEncoder().encode(encodeBatch(batch!, Date.now())).length;
    expect(bytes).toBeLessThanOrEqual(PAGE_LIMITS.tailBytesMax);
    expect(bytes).toBeGreaterThan(PAGE_LIMITS.tailBytesMax * 0.8);
  });

  it("is the beginning of what the log holds, whatever happens in whichever order", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("track" as const), count: fc.integer({ min: 1, max: 40 }) }),
      fc.record({ do: fc.constant("settle" as const), count: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ do: fc.constant("others" as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ do: fc.constant("renew" as const), count: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 600 }), async (steps, size) => {
        const { log, tail, track, settle, others, renew } = opened();
        for (const { do: what, count } of steps) {
          if (what === "track") await track(count, size);
          else if (what === "settle") await settle(count);
          else if (what === "others") await others(count);
          else await renew();
          tail.shown();
          const batch = tail.take();
          if (batch === null) continue;
          const held = await log.prepare(null, { eventsMax: batch.events.length, bytesMax: 1e9 });
          if (!held.ok) throw new Error("unreachable");
          expect(batch).toEqual(held.value);
          expect(endOfBatch(batch)).toBeLessThanOrEqual((await log.state()).sendLimit);
        }
      }),
      { numRuns: 200 },
    );
  });
});
