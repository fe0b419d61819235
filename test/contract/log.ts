/**
 * What every browser log promises. Run it over each implementation: whatever passes can stand behind the producer.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEASE_LIMITS } from "../../sdk/log/limits.ts";
import type { Appended, Batch, Log, LogOptions } from "../../sdk/log/log.ts";

export type OpenLog = (options: LogOptions) => Promise<Log>;

const BOUNDS = { eventsMax: 100, bytesMax: 100_000 };
const T0 = 1_763_790_000_000;
const TERM = "term-1";

/** Ids that can be told apart, and that no two calls share. */
function ids(): () => string {
  let next = 1;
  return () => (next++).toString(16).padStart(16, "0");
}

const options = (overrides: Partial<LogOptions> = {}): LogOptions => ({
  eventsMax: 1_000,
  bytesMax: 1_000_000,
  sendableBytesMax: 60_000,
  randomId: ids(),
  ...overrides,
});

const events = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => JSON.stringify({ type: "click", n: first + i }));

/** Events as numbers, as {@link events} made them. */
const numbers = (batch: Batch | null): number[] =>
  (batch?.events ?? []).map((event) => (JSON.parse(event) as { n: number }).n);

export function describeLog(name: string, open: OpenLog): void {
  async function opened(overrides?: Partial<LogOptions>) {
    const log = await open(options(overrides));
    const append = async (lane: string, first: number, count: number, at = T0): Promise<Appended> => {
      const appended = await log.append({ lane, first, events: events(first, count) }, at);
      if (!appended.ok) throw new Error(appended.failure.reason);
      return appended.value;
    };
    const prepare = async (term: string | null = null, bounds = BOUNDS): Promise<Batch | null> => {
      const prepared = await log.prepare(term, bounds);
      if (!prepared.ok) throw new Error(prepared.failure.reason);
      return prepared.value;
    };
    const producerId = async () => (await log.state()).producerId;
    return { log, append, prepare, producerId };
  }
  const delivered = { kind: "delivered", rejected: 0 } as const;

  describe(`${name}: append`, () => {
    it("numbers events from 0, without a hole, in the order in which they came", async () => {
      const { append, prepare } = await opened();
      expect((await append("a", 0, 3)).runs).toEqual([[0, 3]]);
      expect((await append("b", 0, 2)).runs).toEqual([[3, 2]]);
      const batch = await prepare();
      expect(batch).toMatchObject({ sequence: 0, lost: 0 });
      expect(numbers(batch)).toEqual([0, 1, 2, 0, 1]);
    });

    it("gives every commit an id of its own, and names it", async () => {
      const { append, prepare } = await opened();
      const first = await append("a", 0, 2);
      const second = await append("a", 2, 1);
      expect(first.commits).toHaveLength(1);
      expect((await prepare())?.commits).toEqual([...first.commits, ...second.commits]);
    });

    it("keeps a call that is made twice once, and answers it the same", async () => {
      const { append, log } = await opened();
      const first = await append("a", 0, 3);
      await append("b", 0, 5);
      const again = await append("a", 0, 3);
      expect(again.runs).toEqual(first.runs);
      expect(again.commits).toEqual([]);
      expect((await log.state()).events).toBe(8);
    });

    it("keeps only what is new of a call that overlaps with an earlier one", async () => {
      const { append, prepare } = await opened();
      await append("a", 0, 3);
      expect((await append("a", 1, 4)).runs).toEqual([
        [1, 2],
        [3, 2],
      ]);
      expect(numbers(await prepare())).toEqual([0, 1, 2, 3, 4]);
    });

    it("refuses what is beyond its bounds, keeps what it has, and leaves a hole that says how much", async () => {
      const { append, prepare, log, producerId } = await opened({ eventsMax: 5 });
      expect((await append("a", 0, 4)).runs).toEqual([[0, 4]]);
      expect((await append("a", 4, 3)).runs).toEqual([[4, 1]]);
      expect((await log.state()).lost).toEqual({ log_full: 2 });
      await log.settle(await producerId(), 5, delivered);
      expect((await append("a", 7, 1)).runs).toEqual([[7, 1]]);
      expect(await prepare()).toMatchObject({ sequence: 7, lost: 2 });
    });

    it("bounds bytes as well as events", async () => {
      const { append, log } = await opened({ bytesMax: 100 });
      await append("a", 0, 50);
      const { bytes, events: held } = await log.state();
      expect(bytes).toBeLessThanOrEqual(100);
      expect(held).toBeLessThan(50);
    });

    it("does not claim that refused events are kept when they come again", async () => {
      const { append } = await opened({ eventsMax: 2 });
      await append("a", 0, 4);
      expect((await append("a", 2, 2)).runs).toEqual([]);
    });

    it("cuts a burst into records that can be read one by one", async () => {
      const { append, prepare } = await opened({ eventsMax: 5_000 });
      const burst = await append("a", 0, 2_500);
      expect(burst.runs).toEqual([[0, 2_500]]);
      expect(burst.commits.length).toBeGreaterThan(1);
      expect((await prepare(null, { eventsMax: 2_500, bytesMax: 1e6 }))?.events).toHaveLength(2_500);
    });

    it("is sendable at once only as long as little is waiting", async () => {
      const { append } = await opened({ sendableBytesMax: 50 });
      expect((await append("a", 0, 1)).sendable).toBe(true);
      expect((await append("a", 1, 9)).sendable).toBe(false);
    });
  });

  describe(`${name}: read`, () => {
    it("has nothing to send when it is empty", async () => {
      const { prepare } = await opened();
      expect(await prepare()).toBeNull();
    });

    it("keeps to the bounds of a batch, but gives at least one event", async () => {
      const { append, prepare } = await opened();
      await append("a", 0, 7);
      expect(numbers(await prepare(null, { eventsMax: 3, bytesMax: 1e6 }))).toEqual([0, 1, 2]);
      expect(numbers(await prepare(null, { eventsMax: 9, bytesMax: 1 }))).toEqual([0]);
    });

    it("reads over many single commits", async () => {
      const { append, prepare } = await opened();
      for (let i = 0; i < 90; i++) await append("a", i, 1);
      expect(numbers(await prepare())).toEqual(Array.from({ length: 90 }, (_, i) => i));
    });

    it("never spans a hole, and declares it before what follows", async () => {
      const { append, prepare, log, producerId } = await opened({ eventsMax: 3 });
      await append("a", 0, 5);
      await log.settle(await producerId(), 1, delivered);
      await append("a", 5, 1);
      expect(await prepare()).toMatchObject({ sequence: 1, lost: 0, events: events(1, 2) });
      await log.settle(await producerId(), 3, delivered);
      expect(await prepare()).toMatchObject({ sequence: 5, lost: 2, events: events(5, 1) });
    });

    it("records that events may be sent before it hands them over", async () => {
      const { append, prepare, log } = await opened({ sendableBytesMax: 0 });
      await append("a", 0, 3);
      expect((await log.state()).sendLimit).toBe(0);
      await prepare();
      expect((await log.state()).sendLimit).toBe(3);
    });
  });

  describe(`${name}: trim`, () => {
    it("gives the room back", async () => {
      const { append, prepare, log, producerId } = await opened();
      await append("a", 0, 4);
      const settled = await log.settle(await producerId(), 4, delivered);
      expect(settled).toMatchObject({ count: 4, state: { events: 0, bytes: 0, delivered: 4, acknowledged: 4 } });
      expect(await prepare()).toBeNull();
    });

    it("goes on inside a commit that was acknowledged in part, and still names it by its beginning", async () => {
      const { append, prepare, log, producerId } = await opened();
      const { commits } = await append("a", 0, 5);
      await log.settle(await producerId(), 2, delivered);
      expect(await prepare()).toMatchObject({ sequence: 2, lost: 0, commits, events: events(2, 3) });
    });

    it("counts an acknowledgement once, however often it is heard", async () => {
      const { append, log, producerId } = await opened();
      await append("a", 0, 4);
      const id = await producerId();
      await log.settle(id, 3, { kind: "delivered", rejected: 1 });
      expect(await log.settle(id, 3, { kind: "delivered", rejected: 1 })).toMatchObject({ count: 0 });
      expect(await log.settle(id, 1, delivered)).toMatchObject({ count: 0 });
      expect(await log.state()).toMatchObject({ delivered: 2, lost: { rejected: 1 }, events: 1, acknowledged: 3 });
    });

    it("declares what it had to drop", async () => {
      const { append, prepare, log, producerId } = await opened();
      await append("a", 0, 3);
      await log.settle(await producerId(), 1, { kind: "dropped", reason: "too_large" });
      expect(await prepare()).toMatchObject({ sequence: 1, lost: 1 });
      expect((await log.state()).lost).toEqual({ too_large: 1 });
    });

    it("ignores what is said of another producer id", async () => {
      const { append, log } = await opened();
      await append("a", 0, 3);
      expect(await log.settle("somebody", 3, delivered)).toBeNull();
      expect((await log.state()).events).toBe(3);
    });

    it("drops what has grown too old, and nothing younger", async () => {
      const { append, prepare, log } = await opened();
      await append("a", 0, 2, T0);
      await append("a", 2, 1, T0 + 10);
      await log.takeLease(TERM, T0, false);
      expect(await log.expire(TERM, T0 + 10)).toMatchObject({ ok: true, value: { count: 2 } });
      expect(await prepare()).toMatchObject({ sequence: 2, lost: 2 });
      expect((await log.state()).lost).toEqual({ expired: 2 });
    });
  });

  describe(`${name}: a new producer id`, () => {
    it("counts matched commits as delivered, and numbers the rest from 0", async () => {
      const { append, prepare, log, producerId } = await opened();
      const first = await append("a", 0, 2);
      await append("a", 2, 2);
      await append("a", 4, 1);
      const old = await producerId();
      await log.takeLease(TERM, T0, false);
      const renewed = await log.renew(TERM, old, [...first.commits, [2, "another history"]]);
      expect(renewed).toMatchObject({ ok: true, value: { count: 2, state: { delivered: 2, events: 3, next: 3 } } });
      const batch = await prepare();
      expect(batch).toMatchObject({ sequence: 0, lost: 0 });
      expect(numbers(batch)).toEqual([2, 3, 4]);
      expect(batch?.producerId).not.toBe(old);
    });

    it("keeps everything when nothing matches, and what was acknowledged stays gone", async () => {
      const { append, prepare, log, producerId } = await opened();
      await append("a", 0, 5);
      await log.settle(await producerId(), 2, delivered);
      await log.takeLease(TERM, T0, false);
      await log.renew(TERM, await producerId(), []);
      const batch = await prepare();
      expect(batch).toMatchObject({ sequence: 0, lost: 0 });
      expect(numbers(batch)).toEqual([2, 3, 4]);
      expect((await append("a", 5, 1)).runs).toEqual([[3, 1]]);
    });

    it("still declares what was dropped before it", async () => {
      const { append, prepare, log, producerId } = await opened();
      await append("a", 0, 5);
      await log.settle(await producerId(), 2, { kind: "dropped", reason: "too_large" });
      await log.takeLease(TERM, T0, false);
      await log.renew(TERM, await producerId(), []);
      expect(await prepare()).toMatchObject({ sequence: 2, lost: 2, events: events(2, 3) });
    });

    it("does not tell again what was dropped, where another history may have told it", async () => {
      const { append, prepare, log, producerId } = await opened({ eventsMax: 2 });
      const { commits } = await append("a", 0, 5);
      expect(await prepare()).toMatchObject({ dropped: { log_full: 3 } });
      await log.takeLease(TERM, T0, false);
      await log.renew(TERM, await producerId(), commits);
      await append("a", 5, 1);
      expect(await prepare()).toMatchObject({ dropped: {} });
      await append("a", 6, 2);
      await log.settle(await producerId(), (await log.state()).next, delivered);
      await append("a", 8, 1);
      expect(await prepare()).toMatchObject({ dropped: { log_full: 1 } });
    });

    it("tells what nobody was told under the old one", async () => {
      const { append, prepare, log, producerId } = await opened({ eventsMax: 2 });
      await append("a", 0, 5);
      await log.takeLease(TERM, T0, false);
      await log.renew(TERM, await producerId(), []);
      expect(await prepare()).toMatchObject({ dropped: { log_full: 3 } });
    });

    it("is taken once, however often it is asked for", async () => {
      const { append, log, producerId } = await opened();
      await append("a", 0, 1);
      const old = await producerId();
      await log.takeLease(TERM, T0, false);
      await log.renew(TERM, old, []);
      const id = await producerId();
      await log.renew(TERM, old, []);
      expect(await producerId()).toBe(id);
    });
  });

  describe(`${name}: the counts`, () => {
    const lane = fc.constantFrom("a", "b");
    const action = fc.oneof(
      fc.record({ kind: fc.constant("append" as const), lane, count: fc.integer({ min: 1, max: 6 }) }),
      // A call that is made again, as its answer was lost.
      fc.record({ kind: fc.constant("again" as const), lane }),
      fc.record({ kind: fc.constant("settle" as const), through: fc.nat(30), rejected: fc.nat(3) }),
      fc.record({ kind: fc.constant("drop" as const), through: fc.nat(30) }),
      fc.record({ kind: fc.constant("renew" as const), known: fc.boolean() }),
      fc.record({ kind: fc.constant("expire" as const), before: fc.nat(30) }),
    );

    it("add up, whatever happens: issued = delivered + pending + lost", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
          const { append, prepare, log, producerId } = await opened({ eventsMax: 10 });
          await log.takeLease(TERM, T0, false);
          const calls = new Map<string, { first: number; count: number }>();
          let issued = 0;
          for (const [i, step] of actions.entries()) {
            if (step.kind === "append") {
              const last = calls.get(step.lane);
              const first = last === undefined ? 0 : last.first + last.count;
              calls.set(step.lane, { first, count: step.count });
              issued += step.count;
              await append(step.lane, first, step.count, T0 + i);
            } else if (step.kind === "again") {
              const last = calls.get(step.lane);
              if (last !== undefined) await append(step.lane, last.first, last.count, T0 + i);
            } else if (step.kind === "settle") {
              // An answer is one for a batch: never for more than was sent.
              const end = Math.min(step.through, (await log.state()).next);
              await log.settle(await producerId(), end, { kind: "delivered", rejected: step.rejected });
            } else if (step.kind === "drop") {
              const end = Math.min(step.through, (await log.state()).next);
              await log.settle(await producerId(), end, { kind: "dropped", reason: "too_large" });
            } else if (step.kind === "renew") {
              const commits = step.known ? ((await prepare())?.commits ?? []) : [];
              await log.renew(TERM, await producerId(), commits);
            } else {
              await log.expire(TERM, T0 + step.before);
            }
            const state = await log.state();
            const lost = Object.values(state.lost).reduce((sum, count) => sum + count, 0);
            expect(state.delivered + state.events + lost).toBe(issued);
            expect(state.appended + (state.lost["log_full"] ?? 0)).toBe(issued);
          }
        }),
        { numRuns: 100 },
      );
    });
  });

  describe(`${name}: the lease`, () => {
    const late = T0 + LEASE_LIMITS.expiresAfterMs + 1;

    it("has one holder, until its heartbeat stops", async () => {
      const { log } = await opened();
      expect(await log.takeLease("one", T0, false)).toBe(true);
      expect(await log.takeLease("two", T0 + 1, false)).toBe(false);
      expect(await log.keepLease("one", T0 + 2_000)).toBe(true);
      expect(await log.takeLease("two", late, false)).toBe(false);
      expect(await log.takeLease("two", late + 2_000, false)).toBe(true);
      expect(await log.keepLease("one", late + 2_001)).toBe(false);
    });

    it("can be taken by force, and is free when it was dropped", async () => {
      const { log } = await opened();
      await log.takeLease("one", T0, false);
      expect(await log.takeLease("two", T0, true)).toBe(true);
      await log.dropLease("one");
      expect(await log.leaseExpired(T0)).toBe(false);
      await log.dropLease("two");
      expect(await log.leaseExpired(T0)).toBe(true);
    });

    it("is not held for ever by a clock that was set back", async () => {
      const { log } = await opened();
      await log.takeLease("one", late + T0, false);
      expect(await log.leaseExpired(T0)).toBe(true);
    });

    it("keeps a leader whose term is over from touching anything", async () => {
      const { append, log, producerId } = await opened();
      await append("a", 0, 2);
      await log.takeLease("one", T0, false);
      await log.takeLease("two", T0, true);
      const failure = { ok: false, failure: { reason: "not_leader" } };
      expect(await log.prepare("one", BOUNDS)).toEqual(failure);
      expect(await log.renew("one", await producerId(), [])).toEqual(failure);
      expect(await log.expire("one", late)).toEqual(failure);
      expect((await log.state()).events).toBe(2);
    });
  });
}
