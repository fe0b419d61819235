/** Tabs that go on while their log is cleared: nothing that they hold is lost or doubled. The edge admits as the real one. */
import "fake-indexeddb/auto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { admit, type ProducerState } from "../../edge/engine/admission.ts";
import { openIdbLog } from "../../sdk/log/idb-log.ts";
import { CLEARED_LIMITS } from "../../sdk/log/limits.ts";
import type { Batch, Log, LogState } from "../../sdk/log/log.ts";
import { randomId } from "../../sdk/random.ts";
import { Retained } from "../../sdk/retained.ts";

const BOUNDS = { eventsMax: 4, bytesMax: 100_000 };
let logs = 0;

/** What a page and its worker do with the log, as far as it matters here. */
class Tab {
  readonly #lane = randomId();
  readonly #retained = new Retained();
  #next = 0;
  readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  async look(): Promise<void> {
    const held = this.#retained.hear(await this.log.state());
    if (held !== null) this.#retained.restored(held, await this.log.restore(held, Date.now()));
  }

  /** Logs events, and says which. */
  async append(count: number): Promise<readonly string[]> {
    const events = Array.from({ length: count }, (_, i) => JSON.stringify(`${this.#lane}-${this.#next + i}`));
    const appended = await this.log.append({ lane: this.#lane, first: this.#next, events }, Date.now());
    if (!appended.ok) throw new Error(appended.failure.reason);
    this.#next += count;
    const { runs, commits, sendable, state } = appended.value;
    const held = this.#retained.hear(state);
    this.#retained.logged({ durability: "disk", runs, commits, sendable, quotaExceeded: false, log: state }, events);
    if (held !== null) this.#retained.restored(held, await this.log.restore(held, Date.now()));
    return events;
  }
}

class Edge {
  readonly counts = new Map<string, number>();
  readonly #producers = new Map<string, ProducerState>();
  readonly #term: string;

  constructor(term: string) {
    this.#term = term;
  }

  /** Admits a batch, and does with the log what the producer would; or the answer gets lost. */
  async take(log: Log, batch: Batch, heard: boolean): Promise<void> {
    const { producerId, events } = batch;
    const verdict = admit(this.#producers.get(producerId), { ...batch, count: events.length, once: false });
    if (verdict.ok) {
      this.#producers.set(producerId, verdict.value.next);
      for (const event of events.slice(verdict.value.duplicates)) {
        this.counts.set(event, (this.counts.get(event) ?? 0) + 1);
      }
      const outcome = { kind: "delivered", rejected: 0 } as const;
      if (heard) await log.settle(producerId, batch.sequence + events.length, outcome);
    } else if (heard) {
      const { failure } = verdict;
      await log.renew(this.#term, producerId, failure.reason === "producer_forked" ? failure.commits : []);
    }
  }
}

/** As the browser does it: all that is stored is gone, and nobody is told. */
async function clear(name: string): Promise<void> {
  const db = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
  });
  const tx = db.transaction(["log", "lanes", "meta"], "readwrite");
  for (const store of ["log", "lanes", "meta"]) tx.objectStore(store).clear();
  await new Promise((resolve) => (tx.oncomplete = resolve));
  db.close();
}

async function opened() {
  const name = `cleared-${logs++}`;
  const options = { eventsMax: 1_000, bytesMax: 1_000_000, sendableBytesMax: 100, randomId };
  const tabs = [new Tab(await openIdbLog(name, options)), new Tab(await openIdbLog(name, options))] as const;
  const [{ log }] = tabs;
  const term = randomId();
  const edge = new Edge(term);
  /** What the leader sends next; who leads is elected anew where the lease went, too. */
  const next = async () => {
    await log.takeLease(term, Date.now(), true);
    const prepared = await log.prepare(term, BOUNDS);
    if (!prepared.ok) throw new Error(prepared.failure.reason);
    return prepared.value;
  };
  const drain = async () => {
    for (let i = 0; i < 1_000; i++) {
      for (const tab of tabs) await tab.look();
      vi.setSystemTime(Date.now() + CLEARED_LIMITS.restoreMaxMs);
      const batch = await next();
      if (batch !== null) await edge.take(log, batch, true);
      else if ((await log.state()).events === 0) return;
    }
    throw new Error("it never gets empty");
  };
  return { name, tabs, log, edge, next, drain };
}

const sum = (lost: LogState["lost"]): number => Object.values(lost).reduce((total, count) => total + count, 0);

describe("a log that is cleared under open tabs", () => {
  beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"] }));
  afterAll(() => void vi.useRealTimers());

  it("loses and doubles nothing of theirs, and its counts add up", async () => {
    const tab = fc.nat({ max: 1 });
    const action = fc.oneof(
      fc.record({ kind: fc.constant("append" as const), tab, count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant("send" as const), outcome: fc.constantFrom("taken", "lost", "refused") }),
      // Every tab looks within the time that it has, whatever it does before.
      fc.constant({ kind: "time" as const }),
      fc.record({ kind: fc.constant("clear" as const), tab }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), async (actions) => {
        const { name, tabs, log, edge, next, drain } = await opened();
        const events = [...(await tabs[0].append(1))];
        for (const step of actions) {
          if (step.kind === "append") events.push(...((await tabs[step.tab]?.append(step.count)) ?? []));
          else if (step.kind === "time") {
            for (const each of tabs) await each.look();
            vi.setSystemTime(Date.now() + CLEARED_LIMITS.restoreMaxMs);
          } else if (step.kind === "clear") {
            // As waiting tabs do every 2 seconds: one that has not would go on with the counts that it knows.
            for (const each of tabs) await each.look();
            await clear(name);
            await tabs[step.tab]?.look();
          } else {
            const batch = await next();
            if (batch !== null && step.outcome !== "refused") await edge.take(log, batch, step.outcome === "taken");
          }
          const { appended, delivered, events: pending, lost } = await log.state();
          expect(delivered + pending + sum(lost)).toBe(appended);
        }
        await drain();
        expect(edge.counts).toEqual(new Map(events.map((event) => [event, 1])));
        expect((await log.state()).lost).toEqual({});
      }),
      { numRuns: 200 },
    );
  });
});
