/**
 * Whether a time lies near an earlier one of the same key: what click spam asks. Times that are so near each other that no time
 * between them is far from both are one stretch: a robot that clicks every second for a day takes as much memory as one click.
 */
import { assert } from "#protocol";
import { type KeyedStretches, NONE } from "./keyed-stretches.ts";

/**
 * Remembers a time of a key.
 *
 * @param within in milliseconds, at least 1; the same for all that the memory holds
 * @returns whether it lies less than `within` from one that was remembered
 */
export function addTime(memory: KeyedStretches, within: number, low: number, high: number, time: number): boolean {
  assert(within >= 1, "nothing is nearer than at the same time");
  memory.seek(low, high, time);
  const { before, after } = memory;
  const sinceBefore = before === NONE ? Infinity : time - memory.lastOf(before);
  const untilAfter = after === NONE ? Infinity : memory.firstOf(after) - time;
  // Any time between two that are less than twice `within` apart is near one of them.
  const reach = 2 * within;
  if (sinceBefore < reach) memory.extend(before, time);
  else if (untilAfter < reach) memory.extend(after, time);
  else memory.make(low, high, time, time, 1);
  if (sinceBefore < reach && untilAfter < reach) memory.join();
  return sinceBefore < within || untilAfter < within;
}
