/**
 * The spill: what had not reached the log when the page went away, in localStorage, the only storage that can be written
 * while a page ends. Bounded, under the page load's lane, and imported by whichever page comes next. Importing it twice, or
 * after the log had kept its events after all, adds nothing: the log knows how far the lane has come.
 *
 * Storage that refuses (full, or forbidden: the mere look at it throws then) is no error here: these events were not
 * acknowledged.
 */
import { PAGE_LIMITS } from "./limits.ts";
import type { AppendCall } from "./log/log.ts";

export interface Spill {
  readonly call: AppendCall;
  /** How many events after those of the call there was no room for. */
  readonly cut: number;
  /** When it was written, in milliseconds since the epoch. */
  readonly at: number;
}

/** The window, or what stands for it in a test. */
type Page = Pick<Window, "localStorage">;

const keyOf = (name: string, lane: string): string => `${prefixOf(name)}${lane}`;
const prefixOf = (name: string): string => `${name}:spill:`;

/**
 * Writes what is pending, as far as it fits, in place of what this lane has spilled before. What does not fit is counted in
 * it: if the page never runs again, nobody else would know.
 */
export function writeSpill(page: Page, name: string, { lane, first, events }: AppendCall, at: number): void {
  let kept = 0;
  for (let chars = 0; kept < events.length; kept++) {
    chars += events[kept]?.length ?? 0;
    if (chars > PAGE_LIMITS.spillCharsMax) break;
  }
  // A storage that is nearly full may take the half of it, or at least the count.
  for (;;) {
    try {
      const spill = { first, at, events: events.slice(0, kept), cut: events.length - kept };
      return page.localStorage.setItem(keyOf(name, lane), JSON.stringify(spill));
    } catch {
      // Full or forbidden.
    }
    if (kept === 0) return;
    kept >>= 1;
  }
}

export function removeSpill(page: Page, name: string, lane: string): void {
  try {
    page.localStorage.removeItem(keyOf(name, lane));
  } catch {
    // Forbidden: then there is none.
  }
}

/** The spills of other page loads. What cannot be read is removed: nothing else would ever do so. */
export function readSpills(page: Page, name: string, ownLane: string): readonly Spill[] {
  const lanes = lanesOf(page, name).filter((lane) => lane !== ownLane);
  return lanes.slice(0, PAGE_LIMITS.spillsMax).flatMap((lane) => {
    try {
      return [parse(lane, page.localStorage.getItem(keyOf(name, lane)) ?? "")];
    } catch {
      removeSpill(page, name, lane);
      return [];
    }
  });
}

/** Takes away the spills of every page load. */
export const eraseSpills = (page: Page, name: string): void =>
  lanesOf(page, name).forEach((lane) => removeSpill(page, name, lane));

function lanesOf(page: Page, name: string): readonly string[] {
  const prefix = prefixOf(name);
  try {
    const keys = Object.keys(page.localStorage).filter((key) => key.startsWith(prefix));
    return keys.map((key) => key.slice(prefix.length));
  } catch {
    return [];
  }
}

/** @throws for what is no spill */
function parse(lane: string, text: string): Spill {
  const { first, at, events, cut = 0 } = JSON.parse(text) as Record<string, unknown>;
  const sound =
    isCount(first) &&
    isCount(cut) &&
    typeof at === "number" &&
    Array.isArray(events) &&
    events.every((event): event is string => typeof event === "string");
  if (!sound) throw new TypeError("no spill");
  return { at, cut, call: { lane, first, events } };
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
