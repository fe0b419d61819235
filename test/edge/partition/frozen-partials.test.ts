import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { FrozenPartial } from "#engine";
import { FrozenPartials } from "../../../edge/partition/frozen-partials.ts";
import { PARTITION_LIMITS } from "../../../edge/partition/limits.ts";

const { frozenPartialsMax, frozenBytesMax, frozenMs } = PARTITION_LIMITS;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const partial = (bytes: number) => ({ bytes }) as FrozenPartial;

test("what is held is found until it is released, or its time is over", () => {
  const frozen = new FrozenPartials();
  const [one, two] = [partial(1), partial(2)];
  const [first, second] = [frozen.hold(one) ?? "", frozen.hold(two) ?? ""];
  frozen.release(first);
  expect([frozen.find(first), frozen.find(second)]).toEqual([undefined, two]);
  vi.advanceTimersByTime(frozenMs);
  expect(frozen.find(second)).toBeUndefined();
});

test("no more is held than so many, and so many bytes; what is let go makes room", () => {
  const frozen = new FrozenPartials();
  const ids = Array.from({ length: frozenPartialsMax }, () => frozen.hold(partial(1)));
  expect(ids).not.toContain(null);
  expect(frozen.hold(partial(1))).toBeNull();
  frozen.releaseAll();
  const large = frozen.hold(partial(frozenBytesMax));
  expect(large).not.toBeNull();
  expect(frozen.hold(partial(1))).toBeNull();
  frozen.release(large ?? "");
  frozen.release(large ?? "");
  expect(frozen.hold(partial(frozenBytesMax))).not.toBeNull();
  expect(frozen.hold(partial(1))).toBeNull();
});
