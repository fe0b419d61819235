/**
 * The spill: what had not reached the log when the page went away, in localStorage, the only storage that can be written
 * while a page ends. Bounded, under the page load's lane, and imported by whichever page comes next. Importing it twice, or
 * after the log had kept its events after all, adds nothing: the log knows how far the lane has come.
 *
 * Storage that refuses (full, forbidden) is no error here: these events were not acknowledged.
 */
import { PAGE_LIMITS } from "./limits.ts";
import type { AppendCall } from "./log/log.ts";

export interface Spill {
  readonly key: string;
  readonly call: AppendCall;
  /** When it was written, in milliseconds since the epoch. */
  readonly at: number;
}

const keyOf = (name: string, lane: string): string => `${prefixOf(name)}${lane}`;
const prefixOf = (name: string): string => `${name}:spill:`;

/** Writes what is pending, as far as it fits, in place of what this lane has spilled before. */
export function writeSpill(storage: Storage, name: string, call: AppendCall, at: number): void {
  const events: string[] = [];
  let chars = 0;
  for (const event of call.events) {
    chars += event.length;
    if (chars > PAGE_LIMITS.spillCharsMax) break;
    events.push(event);
  }
  if (events.length === 0) return;
  try {
    storage.setItem(keyOf(name, call.lane), JSON.stringify({ first: call.first, at, events }));
  } catch {
    // Full or forbidden.
  }
}

export function removeSpill(storage: Storage, name: string, lane: string): void {
  try {
    storage.removeItem(keyOf(name, lane));
  } catch {
    // Forbidden: then there is none.
  }
}

/** The spills of other page loads. What cannot be read is removed: nothing else would ever do so. */
export function readSpills(storage: Storage, name: string, ownLane: string): readonly Spill[] {
  const spills: Spill[] = [];
  try {
    const prefix = prefixOf(name);
    const keys = Object.keys(storage).filter((key) => key.startsWith(prefix) && key !== keyOf(name, ownLane));
    for (const key of keys.slice(0, PAGE_LIMITS.spillsMax)) {
      const spill = parse(key, key.slice(prefix.length), storage.getItem(key));
      if (spill === null) storage.removeItem(key);
      else spills.push(spill);
    }
  } catch {
    // Forbidden: then there are none.
  }
  return spills;
}

/** Takes away the spills of every page load. */
export function eraseSpills(storage: Storage, name: string): void {
  try {
    const prefix = prefixOf(name);
    for (const key of Object.keys(storage)) if (key.startsWith(prefix)) storage.removeItem(key);
  } catch {
    // Forbidden: then there are none.
  }
}

function parse(key: string, lane: string, text: string | null): Spill | null {
  let value: unknown;
  try {
    value = JSON.parse(text ?? "");
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { first, at, events } = value as Record<string, unknown>;
  if (!Number.isSafeInteger(first) || typeof at !== "number" || !Array.isArray(events)) return null;
  if (!events.every((event) => typeof event === "string")) return null;
  return { key, at, call: { lane, first: first as number, events } };
}
