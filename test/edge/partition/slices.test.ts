import fc from "fast-check";
import { expect, test } from "vitest";
import { type Clock, runSlices } from "../../../edge/partition/slices.ts";

/** Time passes only when it is said to; like the platform's, this clock stands still until the next wait. */
class SteppedClock implements Clock {
  workedMs = 0;
  #shown = 0;
  #real = 0;
  readonly #oversleepMs: number;

  constructor(oversleepMs: number) {
    this.#oversleepMs = oversleepMs;
  }

  work(ms: number): void {
    this.workedMs += ms;
    this.#real += ms;
  }

  get real(): number {
    return this.#real;
  }

  now(): number {
    return this.#shown;
  }

  async wait(ms: number): Promise<void> {
    this.#real += ms > 0 ? ms + this.#oversleepMs : 0;
    this.#shown = Math.floor(this.#real);
  }
}

const someWork = fc.record({
  costs: fc.array(fc.double({ min: 0.01, max: 40, noNaN: true }), { minLength: 1, maxLength: 400 }),
  duty: fc.constantFrom(0.1, 0.25, 0.5, 0.9, 1),
  oversleepMs: fc.constantFrom(0, 0.3, 2),
});

test("work takes no more than its share of the time, whatever its steps cost", async () => {
  await fc.assert(
    fc.asyncProperty(someWork, async ({ costs, duty, oversleepMs }) => {
      const clock = new SteppedClock(oversleepMs);
      let next = 0;
      let greatestSlice = 0;
      let slice = 0;
      let before = 0;
      const step = () => {
        if (clock.now() !== before) slice = 0;
        before = clock.now();
        slice += costs[next] as number;
        greatestSlice = Math.max(greatestSlice, slice);
        clock.work(costs[next++] as number);
        return next < costs.length;
      };
      await runSlices(
        { step, size: () => ({ ms: 15, stepsMax: 64 }), duty: () => duty, forMs: Infinity, isStopped: () => false },
        clock,
      );
      expect(next).toBe(costs.length);
      // The last slice has no rest after it, and the clock tells whole milliseconds: one of either is allowed.
      const allowed = duty * (clock.real + 2) + greatestSlice + 1;
      expect(clock.workedMs).toBeLessThanOrEqual(allowed);
    }),
  );
});

test("at a duty of one there is no rest, and a slice takes about as long as it is told to", async () => {
  const clock = new SteppedClock(0);
  let steps = 0;
  const slices: number[] = [];
  const step = () => {
    clock.work(1);
    slices[clock.now()] = (slices[clock.now()] ?? 0) + 1;
    return ++steps < 2_000;
  };
  await runSlices(
    { step, size: () => ({ ms: 15, stepsMax: 64 }), duty: () => 1, forMs: Infinity, isStopped: () => false },
    clock,
  );
  expect(clock.real).toBe(2_000);
  const lengths = Object.values(slices);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(16);
  expect(lengths.length).toBeLessThan(300);
});

test("work that is stopped does nothing more, and work that has had its time says that there is more", async () => {
  const clock = new SteppedClock(0);
  let steps = 0;
  const step = () => {
    clock.work(1);
    steps++;
    return true;
  };
  const slices = { step, size: () => ({ ms: 4, stepsMax: 8 }), duty: () => 1 };
  expect(await runSlices({ ...slices, forMs: Infinity, isStopped: () => steps >= 10 }, clock)).toBe(false);
  expect(steps).toBeLessThan(20);
  expect(await runSlices({ ...slices, forMs: 50, isStopped: () => false }, clock)).toBe(true);
  expect(steps).toBeLessThan(80);
});

test("work that has run out waits for more, as long as there is more to come, and does not rest for the waiting", async () => {
  const clock = new SteppedClock(0);
  let [left, refills, steps] = [5, 3, 0];
  const step = () => {
    clock.work(1);
    steps += 1;
    return --left > 0;
  };
  const refill = async () => {
    await clock.wait(1_000);
    if (refills-- === 0) return false;
    left = 5;
    return true;
  };
  const size = () => ({ ms: 15, stepsMax: 64 });
  await runSlices({ step, refill, size, duty: () => 0.5, forMs: Infinity, isStopped: () => false }, clock);
  expect(steps).toBe(20);
  expect(clock.real).toBeLessThan(4_000 + 2 * 20 + 10);
});
