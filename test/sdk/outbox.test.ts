import { expect, it } from "vitest";
import { PAGE_LIMITS } from "../../sdk/limits.ts";
import { Outbox } from "../../sdk/outbox.ts";
import { TrackerError } from "../../sdk/types.ts";

const quiet = (tracked: Promise<unknown> | null): boolean => {
  tracked?.catch(() => {});
  return tracked !== null;
};

it("holds no more characters than its bound, and has room again once some have left", () => {
  const outbox = new Outbox("lane");
  const quarter = "x".repeat(PAGE_LIMITS.waitingCharsMax / 4);
  for (let i = 0; i < 4; i++) expect(quiet(outbox.add(quarter))).toBe(true);
  expect(quiet(outbox.add("x"))).toBe(false);
  expect(outbox.length).toBe(4);
  outbox.fail(new TrackerError("closed", "given up"));
  expect(quiet(outbox.add(quarter))).toBe(true);
});

it("holds no more events than its bound", () => {
  const outbox = new Outbox("lane");
  let taken = 0;
  while (quiet(outbox.add("{}"))) taken++;
  expect(taken).toBe(PAGE_LIMITS.waitingEventsMax);
});
