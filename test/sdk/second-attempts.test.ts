/** Every transaction of the log may run twice, also if it was in fact done the first time: then nothing may show. */
import "fake-indexeddb/auto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openIdbLog } from "../../sdk/log/idb-log.ts";
import type { Log, LogState } from "../../sdk/log/log.ts";
import { randomId } from "../../sdk/random.ts";

const TERM = "term";
const BOUNDS = { eventsMax: 5, bytesMax: 10_000 };
let logs = 0;

const open = () =>
  openIdbLog(`attempts-${logs++}`, { eventsMax: 12, bytesMax: 10_000, sendableBytesMax: 100, randomId });

/** Transactions commit, and say that they have failed. */
async function committedButFailed<T>(work: () => Promise<T>): Promise<T> {
  const commit = IDBTransaction.prototype.commit;
  IDBTransaction.prototype.commit = function () {
    IDBTransaction.prototype.commit = commit;
    commit.call(this);
    throw new DOMException("Connection to Indexed Database server lost", "UnknownError");
  };
  try {
    return await work();
  } finally {
    IDBTransaction.prototype.commit = commit;
  }
}

/** Without what is drawn at random. */
const plain = (state: LogState) => ({ ...state, producerId: "", logId: "", renewed: null });

const action = fc.oneof(
  fc.record({
    kind: fc.constant("append" as const),
    lane: fc.constantFrom("a", "b"),
    count: fc.integer({ min: 1, max: 6 }),
  }),
  fc.record({ kind: fc.constant("settle" as const), rejected: fc.nat({ max: 1 }) }),
  fc.record({ kind: fc.constant("drop" as const) }),
  fc.record({ kind: fc.constant("renew" as const) }),
  fc.record({ kind: fc.constant("expire" as const), at: fc.nat({ max: 30 }) }),
  fc.record({ kind: fc.constant("lease" as const) }),
);
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** Does it, and says what a caller is told. */
async function perform(log: Log, step: Action, lanes: Map<string, number>, at: number): Promise<unknown> {
  const { producerId } = await log.state();
  if (step.kind === "append") {
    const first = lanes.get(step.lane) ?? 0;
    lanes.set(step.lane, first + step.count);
    const events = Array.from({ length: step.count }, (_, i) => JSON.stringify(`${step.lane}-${first + i}`));
    const appended = await log.append({ lane: step.lane, first, events }, at);
    if (!appended.ok) return appended;
    const { runs, commits, sendable, state } = appended.value;
    return { runs, commits: commits.map(([sequence]) => sequence), sendable, state: plain(state) };
  }
  if (step.kind === "lease") {
    const kept = await log.keepLease(TERM, at);
    await log.dropLease(TERM);
    return [kept, await log.takeLease(TERM, at, false), await log.leaseExpired(at)];
  }
  if (step.kind === "expire") {
    const expired = await log.expire(TERM, step.at);
    return expired.ok ? { count: expired.value.count, state: plain(expired.value.state) } : expired;
  }
  const prepared = await log.prepare(TERM, BOUNDS);
  if (!prepared.ok) return prepared;
  if (prepared.value === null) return null;
  const { sequence, events, commits, lost } = prepared.value;
  const end = sequence + events.length;
  if (step.kind === "renew") {
    const renewed = await log.renew(TERM, producerId, commits.slice(0, 1));
    return renewed.ok ? { count: renewed.value.count, state: plain(renewed.value.state) } : renewed;
  }
  const outcome =
    step.kind === "settle"
      ? ({ kind: "delivered", rejected: step.rejected } as const)
      : ({ kind: "dropped", reason: "too_large" } as const);
  const settled = await log.settle(producerId, end, outcome);
  return settled && { lost, events, count: settled.count, state: plain(settled.state) };
}

describe("a transaction that was done, and said that it had failed", () => {
  it("is told and counted as if nothing had happened, whatever it was", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 25 }), async (actions) => {
        const [calm, troubled] = [await open(), await open()];
        const lanes = [new Map<string, number>(), new Map<string, number>()] as const;
        await calm.takeLease(TERM, 0, false);
        await committedButFailed(() => troubled.takeLease(TERM, 0, false));
        for (const [i, step] of actions.entries()) {
          const expected = await perform(calm, step, lanes[0], i);
          // Its first transaction only looks; so each that follows has its turn, too.
          const told = await perform(everyTransactionTwice(troubled), step, lanes[1], i);
          expect(told).toEqual(expected);
        }
        expect(plain(await troubled.state())).toEqual(plain(await calm.state()));
      }),
      { numRuns: 100 },
    );
  });
});

/** A log whose every call commits its first attempt, and hears that it had failed. */
function everyTransactionTwice(log: Log): Log {
  return new Proxy(log, {
    get(target, name: keyof Log) {
      const value = target[name];
      if (typeof value !== "function") return value;
      const call = value.bind(target) as (...given: unknown[]) => Promise<unknown>;
      return (...given: unknown[]) => committedButFailed(() => call(...given));
    },
  });
}
