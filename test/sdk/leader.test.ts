/** Leadership over locks and leases that do what the test wants. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Leadership } from "../../sdk/leader.ts";
import { LEASE_LIMITS } from "../../sdk/log/limits.ts";
import { MemoryLog } from "../../sdk/log/memory-log.ts";
import { randomId } from "../../sdk/random.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Web Locks with one lock: who holds it, and who waits. */
class FakeLocks {
  #holder: { lost: (error: Error) => void } | null = null;
  #waiting: (() => void)[] = [];

  request(_: string, options: { signal?: AbortSignal; steal?: boolean }, serve: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const grant = () => {
        const holder = { lost: reject };
        this.#holder = holder;
        const free = () => {
          if (this.#holder !== holder) return;
          this.#holder = null;
          this.#waiting.shift()?.();
        };
        serve().then(resolve, reject).finally(free);
      };
      if (options.steal) {
        this.#holder?.lost(new DOMException("stolen", "AbortError"));
        return grant();
      }
      if (this.#holder === null) return grant();
      this.#waiting.push(grant);
      options.signal?.addEventListener("abort", () => {
        if (!this.#waiting.includes(grant)) return;
        this.#waiting = this.#waiting.filter((waiting) => waiting !== grant);
        reject(new DOMException("aborted", "AbortError"));
      });
    });
  }
}

function tabs(withLocks: boolean) {
  const log = new MemoryLog({ eventsMax: 1, bytesMax: 1, sendableBytesMax: 1, randomId });
  const locks = withLocks ? (new FakeLocks() as unknown as LockManager) : null;
  const leading = new Set<string>();
  const errors: unknown[] = [];
  const tab = (name: string, lead = untilAborted, store: typeof log = log) => {
    const options = { log: store, name: "log", locks, now: () => Date.now(), randomId };
    return new Leadership({
      ...options,
      lead,
      onChange: (leader) => void (leader ? leading.add(name) : leading.delete(name)),
      onError: (error) => void errors.push(error),
    });
  };
  return { log, tab, leading, errors };
}

const untilAborted = (_: string, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve()));

describe.each([
  ["with Web Locks", true],
  ["by the lease alone", false],
])("leadership %s", (_, withLocks) => {
  it("is one tab's, and another's once that has withdrawn", async () => {
    const { tab, leading } = tabs(withLocks);
    const [first, second] = [tab("first"), tab("second")];
    first.stand();
    await pass(10);
    second.stand();
    await pass(60_000);
    expect([...leading]).toEqual(["first"]);
    await first.withdraw();
    await pass(2_000);
    expect([...leading]).toEqual(["second"]);
    await second.withdraw();
    expect([...leading]).toEqual([]);
  });

  it("begins again after a term that ended in an error", async () => {
    const { tab, errors } = tabs(withLocks);
    let terms = 0;
    const failing = async () => {
      if (++terms < 3) throw new Error("storage");
      await new Promise(() => {});
    };
    tab("only", failing).stand();
    await pass(10_000);
    expect(terms).toBe(3);
    expect(errors).toHaveLength(2);
  });

  it("is taken from a holder whose heartbeat has stopped, and whose term is over when it wakes", async () => {
    const { tab, log, leading } = tabs(withLocks);
    // It cannot reach the log any more, as if it were frozen, but believes that it leads.
    let frozen = false;
    const stuck = Object.create(log) as MemoryLog;
    stuck.keepLease = (term, now) => (frozen ? new Promise(() => {}) : log.keepLease(term, now));
    const ended: string[] = [];
    const lead = async (term: string, signal: AbortSignal) => {
      await untilAborted(term, signal);
      ended.push(term);
    };
    stuck.takeLease = (...args) => log.takeLease(...args);
    stuck.dropLease = (term) => log.dropLease(term);
    stuck.leaseExpired = (now) => log.leaseExpired(now);
    tab("frozen", lead, stuck).stand();
    await pass(10);
    tab("waiting").stand();
    await pass(1_000);
    frozen = true;
    await pass(LEASE_LIMITS.expiresAfterMs + 10_000);
    expect(leading.has("waiting")).toBe(true);
    expect(ended).toEqual([]);
    frozen = false;
    await pass(2_000);
    expect(ended).toHaveLength(1);
    expect([...leading]).toEqual(["waiting"]);
  });

  it("is not stood for any more after withdrawing while waiting", async () => {
    const { tab, leading } = tabs(withLocks);
    const [first, second] = [tab("first"), tab("second")];
    first.stand();
    await pass(10);
    second.stand();
    await pass(10);
    await second.withdraw();
    await first.withdraw();
    await pass(60_000);
    expect([...leading]).toEqual([]);
  });
});
