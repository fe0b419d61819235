import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addWide,
  canBeRolledUp,
  cutWindows,
  DAY_MS,
  fitsBuckets,
  HOUR_MS,
  MINUTE_MS,
  NO_WIDE_WINDOWS,
  removeWide,
  wideWindowAt,
  type WideWindows,
  windowOfWidth,
} from "#engine";

const DAYS = 5;

/** Hours and days of a few days that were rolled up, in any order: hours to days among them. */
const someWide = fc
  .array(fc.record({ widthMs: fc.constantFrom(HOUR_MS, HOUR_MS, DAY_MS), at: fc.nat({ max: DAYS * DAY_MS - 1 }) }), {
    maxLength: 60,
  })
  .map((rolled) =>
    rolled.reduce<WideWindows>((wide, { widthMs, at }) => {
      // Days are never taken apart again.
      if ((wideWindowAt(wide, at)?.to ?? 0) - (wideWindowAt(wide, at)?.from ?? 0) >= widthMs) return wide;
      return addWide(wide, windowOfWidth(widthMs, at), widthMs);
    }, NO_WIDE_WINDOWS),
  );

const minutes = fc.nat({ max: DAYS * 1440 }).map((minute) => minute * MINUTE_MS);
const someBuckets = fc
  .record({
    from: minutes,
    length: minutes,
    everyMs: fc.constantFrom(null, MINUTE_MS, HOUR_MS, 90 * MINUTE_MS, 6 * HOUR_MS, DAY_MS, 7 * DAY_MS),
  })
  .map(({ from, length, everyMs }) => ({ from, to: from + length + MINUTE_MS, everyMs }));

test("what is not cut lies in windows that lie in the range and in one bucket; what lies in one that is cut is named", () => {
  fc.assert(
    fc.property(someWide, someBuckets, (wide, buckets) => {
      const cut = cutWindows(wide, buckets);
      const { everyMs } = buckets;
      for (let time = buckets.from; time < buckets.to; time += MINUTE_MS) {
        const window = wideWindowAt(wide, time);
        const isNamed = cut.some(({ from, to }) => from <= time && time < to);
        if (window === null) expect(isNamed).toBe(false);
        else if (!fitsBuckets(buckets, window)) expect(isNamed).toBe(true);
        // A bucket of 90 minutes cuts every other hour: no more is made of the rest.
        else if (everyMs === null || everyMs % (window.to - window.from) === 0) expect(isNamed).toBe(false);
      }
      for (const { from, to } of cut) {
        expect(from).toBeGreaterThanOrEqual(buckets.from);
        expect(to).toBeLessThanOrEqual(buckets.to);
      }
    }),
  );
});

test("a time lies in one wide window at most, and in none that was taken away", () => {
  fc.assert(
    fc.property(someWide, minutes, (wide, time) => {
      const window = wideWindowAt(wide, time);
      if (window === null) return;
      expect(window.from % (window.to - window.from)).toBe(0);
      for (const at of [window.from, window.to - 1]) expect(wideWindowAt(wide, at)).toEqual(window);
      const gone = removeWide(wide, [window]);
      expect(wideWindowAt(gone, time)).toBe(null);
      if (window.to < DAYS * DAY_MS) expect(wideWindowAt(gone, window.to)).toEqual(wideWindowAt(wide, window.to));
    }),
  );
});

test("windows are rolled up only where they divide what they become", () => {
  const widths = (windowMs: number) => [HOUR_MS, DAY_MS].map((widthMs) => canBeRolledUp(windowMs, widthMs));
  expect(widths(MINUTE_MS)).toEqual([true, true]);
  expect(widths(HOUR_MS)).toEqual([false, true]);
  expect(widths(45 * MINUTE_MS)).toEqual([false, true]);
  expect(widths(7 * MINUTE_MS)).toEqual([false, false]);
  expect(widths(DAY_MS)).toEqual([false, false]);
});
