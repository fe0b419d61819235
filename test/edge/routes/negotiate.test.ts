import { expect, it } from "vitest";
import { negotiate } from "../../../edge/routes/negotiate.ts";

const OFFERED = ["application/json", "text/csv"] as const;

it.each([
  [undefined, "application/json"],
  ["", "application/json"],
  ["*/*", "application/json"],
  ["text/csv", "text/csv"],
  ["TEXT/CSV; charset=utf-8", "text/csv"],
  ["text/*", "text/csv"],
  ["text/csv;q=0.5, application/json;q=0.4", "text/csv"],
  ["text/html, */*;q=0.1", "application/json"],
  ["application/json;q=0, */*", "text/csv"],
  ["text/html", undefined],
  ["application/json;q=0", undefined],
  ["text/csv;q=nonsense", undefined],
])("Accept: %s is answered with %s", (accept, type) => {
  expect(negotiate(accept, OFFERED)).toBe(type);
});
