import fc from "fast-check";
import { expect, test } from "vitest";
import { KeyedStretches } from "../../edge/engine/keyed-stretches.ts";
import { middleOf } from "../../edge/engine/middle.ts";
import { addTime } from "../../edge/engine/near-times.ts";

const MAX = 1_000;

/** A memory of times as click spam has it. */
class RecentTimes extends KeyedStretches {
  readonly #within: number;

  constructor(within: number, max: number) {
    super(max);
    this.#within = within;
  }

  add(low: number, high: number, time: number): boolean {
    return addTime(this, this.#within, low, high, time);
  }
}

/** Key, time. */
const someTimes = fc.array(fc.tuple(fc.nat(3), fc.nat(60)), { maxLength: 60 });

test("a time is near if one that came before is, as by looking at all of them", () => {
  fc.assert(
    fc.property(someTimes, fc.integer({ min: 1, max: 12 }), (times, within) => {
      const memory = new RecentTimes(within, MAX);
      const seen: [number, number][] = [];
      for (const [key, time] of times) {
        const isNear = seen.some(([other, before]) => other === key && Math.abs(before - time) < within);
        expect(memory.add(key, key, time)).toBe(isNear);
        seen.push([key, time]);
      }
    }),
    { numRuns: 2_000 },
  );
});

test("times that are near each other take one place, however many there are", () => {
  const memory = new RecentTimes(10, MAX);
  for (let time = 0; time < 5_000; time += 2) memory.add(1, 1, time);
  for (let time = 9_000; time > 5_050; time -= 19) memory.add(1, 1, time);
  expect(memory.size).toBe(2);
  for (let time = 5_050; time > 5_000; time -= 19) memory.add(1, 1, time);
  expect(memory.size).toBe(1);
});

test("what was stored, piece by piece or as a whole, remembers the same", () => {
  const scenario = fc.record({
    times: someTimes,
    later: someTimes,
    within: fc.integer({ min: 1, max: 12 }),
    max: fc.integer({ min: 2, max: 20 }),
    storeEvery: fc.integer({ min: 1, max: 10 }),
    wholeEvery: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(scenario, ({ times, later, within, max, storeEvery, wholeEvery }) => {
      const memory = new RecentTimes(within, max);
      let stored: Uint8Array[] = [];
      times.forEach(([key, time], i) => {
        memory.add(key, key, time);
        if (i % storeEvery !== 0 && i < times.length - 1) return;
        const { isWhole, pieces } = memory.take(i % wholeEvery === 0);
        stored = isWhole ? [...pieces] : [...stored, ...pieces];
      });
      const woken = new RecentTimes(within, max);
      for (const piece of stored) woken.absorb(piece);
      expect([woken.size, woken.forgottenTo]).toEqual([memory.size, memory.forgottenTo]);
      expect(woken.take()).toEqual({ isWhole: false, pieces: [] });
      for (const [key, time] of later) expect(woken.add(key, key, time)).toBe(memory.add(key, key, time));
    }),
    { numRuns: 2_000 },
  );
});

test("when there are too many, the older half is forgotten, and told", () => {
  const memory = new RecentTimes(10, 100);
  for (let key = 1; key <= 100; key++) memory.add(key, 0, 1_000 * key);
  expect([memory.size, memory.forgottenTo]).toEqual([100, -Infinity]);
  memory.add(101, 0, 101_000);
  expect([memory.size, memory.forgottenTo]).toEqual([50, 51_000]);
  expect(memory.add(51, 0, 51_000)).toBe(false);
  expect(memory.add(52, 0, 52_000)).toBe(true);
  expect(memory.take().isWhole).toBe(true);
});

test("keys are told apart by both of their words, and times by their key", () => {
  const memory = new RecentTimes(10, MAX);
  memory.add(1, 2, 0);
  expect(memory.add(2, 1, 0)).toBe(false);
  expect(memory.add(1, 3, 0)).toBe(false);
  expect(memory.add(1, 2, 9)).toBe(true);
});

test("many keys, in any order", () => {
  const memory = new RecentTimes(2, 2 ** 18);
  for (let i = 0; i < 20_000; i++) memory.add((i * 2_654_435_761) >>> 0, i, 10 * (i % 7));
  for (let i = 19_999; i >= 0; i--) {
    expect(memory.add((i * 2_654_435_761) >>> 0, i, 10 * (i % 7) + 1)).toBe(true);
    expect(memory.add((i * 2_654_435_761) >>> 0, i, 10 * (i % 7) - 5)).toBe(false);
  }
});

test("the value in the middle is the one that sorting would put there", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 200 }), (values) => {
      const expected = values.toSorted((a, b) => a - b)[values.length >>> 1];
      expect(middleOf(Float64Array.from(values))).toBe(expected);
    }),
  );
});
