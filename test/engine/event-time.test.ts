import { describe, expect, test } from "vitest";
import { eventTime, isLate, watermarkOf } from "#engine";

const NOW = 1_763_790_000_000;
const DAY = 86_400_000;

describe("a page's time", () => {
  test.each<[string, number | null, number | null, number]>([
    ["without a time is now", null, null, NOW],
    ["is believed when the clock is right", NOW - 5_000, NOW - 200, NOW - 5_000],
    ["is believed within a minute of skew", NOW - 5_000, NOW - 60_000, NOW - 5_000],
    ["is moved forward when the clock is slow", NOW - 3_600_000 - 5_000, NOW - 3_600_000, NOW - 5_000],
    ["is moved back when the clock is fast", NOW + DAY - 5_000, NOW + DAY, NOW - 5_000],
    ["in the future becomes now", NOW + 30_000, NOW, NOW],
  ])("%s", (_, time, sentAt, expected) => {
    expect(eventTime("write", time, sentAt, NOW)).toEqual({ ok: true, value: expected });
  });

  test("older than 90 days is refused", () => {
    expect(eventTime("write", NOW - 90 * DAY, null, NOW).ok).toBe(true);
    expect(eventTime("write", NOW - 90 * DAY - 1, null, NOW)).toMatchObject({
      ok: false,
      failure: { code: "too_old" },
    });
  });
});

describe("an import's time", () => {
  test("is kept as sent, however old, and whatever the clock says", () => {
    expect(eventTime("import", 1_357_000_000_000, NOW - DAY, NOW)).toEqual({ ok: true, value: 1_357_000_000_000 });
  });

  test("more than a day ahead is refused: it is a mistake of units", () => {
    expect(eventTime("import", NOW + DAY, null, NOW).ok).toBe(true);
    expect(eventTime("import", NOW + DAY + 1, null, NOW)).toMatchObject({ failure: { code: "in_future" } });
  });
});

test("a record is late when its window was final before it was logged", () => {
  expect(isLate(NOW - 60_000, NOW, 60_000)).toBe(false);
  expect(isLate(NOW - 60_001, NOW, 60_000)).toBe(true);
});

test("the watermark follows the greatest event time, never beyond its append time, and the clock less a minute", () => {
  expect(watermarkOf(NOW - 10, NOW, NOW)).toBe(NOW - 10);
  expect(watermarkOf(NOW + DAY, NOW, NOW)).toBe(NOW);
  expect(watermarkOf(NOW - DAY, NOW - DAY, NOW)).toBe(NOW - 60_000);
});
