import { expect, it } from "vitest";
import { parseDuration } from "../../../edge/routes/duration.ts";

it.each([
  ["90s", 90_000],
  ["15m", 900_000],
  ["24h", 86_400_000],
  ["7d", 604_800_000],
  ["0s", 0],
  [60_000, 60_000],
  ["60000", 60_000],
])("reads %j as %d ms", (input, durationMs) => {
  expect(parseDuration(input)).toBe(durationMs);
});

it.each(["", "m", "1.5h", "-5m", "5 m", "5M", "5w", "1e3", "9999999999999d", -1, 1.5, Number.NaN, Infinity])(
  "takes %j for no duration",
  (input) => {
    expect(parseDuration(input)).toBeUndefined();
  },
);
