import { expect, test } from "vitest";
import { createState, ENGINE_LIMITS, type GroupTable, shapeOf, windowOf } from "#engine";

const shape = shapeOf(["a"], {});

/** Windows that were written to one after the other, with so many groups each. */
function writtenWindows(count: number, groups: number): readonly GroupTable[] {
  const state = createState(shape);
  state.interners[0]?.settle({ size: groups, valueOf: () => null, codeOf: () => undefined });
  const keys = [Uint32Array.from({ length: groups }, (_, code) => code)];
  const ids = new Int32Array(groups);
  return Array.from({ length: count }, (_, start) => {
    const table = windowOf(shape, state, start);
    table.assign(keys, 0, groups, ids);
    table.countRecords(ids, 0, groups);
    return table;
  });
}

/** Counts are wide while a table is written to, and as narrow as can be when it is closed. */
const isOpen = ({ records }: GroupTable): boolean => records instanceof Float64Array;

test("of many small windows those that were written to last stay open", () => {
  const windows = writtenWindows(ENGINE_LIMITS.openWindowsMax + 3, 2);
  expect(windows.map(isOpen)).toEqual(windows.map((_, i) => i >= 3));
});

test("of large windows only so many stay open as have a bounded number of groups together", () => {
  const windows = writtenWindows(6, Math.ceil(ENGINE_LIMITS.openGroupsMax / 3));
  // Two before the one that is written to: three would be too many.
  expect(windows.map(isOpen)).toEqual([false, false, false, true, true, true]);
});

test("a window that is too large alone stays open while it is written to", () => {
  const windows = writtenWindows(2, ENGINE_LIMITS.openGroupsMax + 1);
  expect(windows.map(isOpen)).toEqual([false, true]);
  expect(windows.map(({ size }) => size)).toEqual([ENGINE_LIMITS.openGroupsMax + 1, ENGINE_LIMITS.openGroupsMax + 1]);
});
