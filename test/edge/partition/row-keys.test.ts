import fc from "fast-check";
import { expect, test } from "vitest";
import { PARTITION_LIMITS } from "../../../edge/partition/limits.ts";
import {
  comparisonKey,
  comparisonKeyFrom,
  comparisonPlaceOf,
  startOfKey,
  windowKey,
  windowKeyFrom,
} from "../../../edge/partition/row-keys.ts";
import { DAY, MINUTE } from "./held-partition.ts";

const LAST = { generation: 2 ** 19 - 1, minute: 2 ** 26 - 1, day: 2 ** 16 - 1, part: 2 ** 16 - 1, side: 3 };

/** Small numbers and the greatest ones: where one field would run over into the next. */
const upTo = (max: number) => fc.oneof(fc.integer({ min: 0, max }), fc.constantFrom(0, 1, max - 1, max));
const windows = fc.tuple(upTo(LAST.generation), upTo(LAST.minute), upTo(PARTITION_LIMITS.windowRowsMax - 1));
const comparisons = fc.tuple(upTo(LAST.generation), upTo(LAST.day), upTo(LAST.part), upTo(LAST.side));

const compareFields = (a: readonly number[], b: readonly number[]): number =>
  a.map((field, i) => field - (b[i] as number)).find((difference) => difference !== 0) ?? 0;

test("keys are exact numbers, and are ordered as generation, start and part are", () => {
  fc.assert(
    fc.property(windows, windows, (a, b) => {
      const [first, second] = [a, b].map(([generation, minute, part]) =>
        windowKey(generation, minute * MINUTE, part),
      ) as [number, number];
      expect(Number.isSafeInteger(first)).toBe(true);
      expect(Math.sign(first - second)).toBe(Math.sign(compareFields(a, b)));
      expect(startOfKey(first)).toBe(a[1] * MINUTE);
    }),
  );
});

test("keys of comparisons are exact numbers, ordered as generation, day, part and side are, and come apart again", () => {
  fc.assert(
    fc.property(comparisons, comparisons, (a, b) => {
      const [first, second] = [a, b].map(([generation, day, part, side]) =>
        comparisonKey(generation, { day: day * DAY, part, side }),
      ) as [number, number];
      expect(Number.isSafeInteger(first)).toBe(true);
      expect(Math.sign(first - second)).toBe(Math.sign(compareFields(a, b)));
      expect(comparisonPlaceOf(first)).toEqual({ day: a[1] * DAY, part: a[2], side: a[3] });
    }),
  );
});

test("a range of times holds the windows that start in it, whatever its ends are", () => {
  const time = fc.oneof(
    fc.constantFrom(-Infinity, -1, 0, Infinity, Number.MAX_SAFE_INTEGER),
    fc.integer({ min: 0, max: 2 ** 26 * MINUTE }),
  );
  fc.assert(
    fc.property(windows, upTo(LAST.generation), time, ([generation, minute, part], asked, from) => {
      const start = minute * MINUTE;
      const key = windowKey(generation, start, part);
      const isAfter = generation > asked || (generation === asked && start >= from);
      expect(key >= windowKeyFrom(asked, from)).toBe(isAfter);
      const day = Math.floor(start / DAY) * DAY;
      const compared = comparisonKey(generation, { day, part, side: 0 });
      expect(compared >= comparisonKeyFrom(asked, from)).toBe(
        generation > asked || (generation === asked && day >= from),
      );
    }),
  );
});

test("what has no room in a key is no key", () => {
  expect(() => windowKey(2 ** 19, 0, 0)).toThrow();
  expect(() => windowKey(1, 2 ** 26 * MINUTE, 0)).toThrow();
  expect(() => windowKey(1, 0, PARTITION_LIMITS.windowRowsMax)).toThrow();
  expect(() => windowKey(1, MINUTE / 2, 0)).toThrow();
  expect(() => comparisonKey(1, { day: 0, part: 2 ** 16, side: 0 })).toThrow();
});
