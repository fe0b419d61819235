/**
 * Looks for windows that are to be rolled up: minutes to hours, hours to days, so that a year of answers takes rows by the
 * hundred, not by the hundred thousand.
 *
 *   ... ├─── days ───┤├──────── hours ────────┤├── as the view says ──► now
 *                     90 d                     7 d
 *
 * A wide window is due when all of it is over, and unchanged, for as long as its view says. Both, so that history which is imported,
 * or corrected late, stays as fine as that for a while, and is not written again with each correction. What comes for it later
 * still is merged into it (window-store.ts). Rests while a generation of the view is built or compared: two that are compared
 * keep their widths, and what one carries over from another stays whole.
 */
import {
  canBeRolledUp,
  DAY_MS,
  HOUR_MS,
  meets,
  NO_WIDE_WINDOWS,
  ROLLUP_DEFAULTS,
  type TimeInterval,
  type WideWindows,
  windowOfWidth,
} from "#engine";
import { divisionsOf } from "./carrying.ts";
import type { FactStore } from "./facts.ts";
import type { Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { runSlices } from "./slices.ts";
import { WindowRollup } from "./window-rollup.ts";

/** One look through all windows of all live generations. */
interface Pass {
  readonly now: number;
  readonly left: Generation[];
  /** Windows of the first of them that start before it were looked at. */
  from: number;
  /** Under way. */
  window: WindowRollup | null;
}

export class Rollup {
  readonly #partition: Partition;
  readonly #facts: FactStore;
  #pass: Pass | null = null;

  constructor(partition: Partition, facts: FactStore) {
    this.#partition = partition;
    this.#facts = facts;
  }

  due(now: number): number | null {
    if (this.#pass !== null) return now;
    const ages = this.#partition.views.live.flatMap((generation) => widthsOf(generation).map(({ afterMs }) => afterMs));
    if (ages.length === 0) return null;
    const begun = Math.min(...this.#partition.views.live.map(({ record }) => record.startedAt));
    const everyMs = Math.min(PARTITION_LIMITS.rollup.everyMaxMs, ...ages);
    return (this.#facts.get("rollup")?.at ?? begun) + everyMs;
  }

  async run(): Promise<void> {
    this.begin(Date.now());
    await runSlices({
      step: () => this.step(),
      size: () => PARTITION_LIMITS.sliceOfOneStep,
      duty: () => 0.5,
      forMs: PARTITION_LIMITS.rollup.alarmMs,
      isStopped: () => this.#partition.isClosed,
    });
  }

  /** Begins to look through all windows, unless that is under way. */
  begin(now: number): void {
    this.#pass ??= { now, left: [...this.#partition.views.live], from: 0, window: null };
  }

  /** @returns whether there is more to do */
  step(): boolean {
    const pass = this.#pass;
    if (pass === null) return false;
    if (pass.window !== null) {
      if (pass.window.step()) return true;
      pass.from = pass.window.lookedTo;
      pass.window = null;
      return true;
    }
    const [generation] = pass.left;
    if (generation === undefined) {
      this.#facts.put("rollup", { at: pass.now });
      this.#pass = null;
      return false;
    }
    if (!this.#mayChange(generation) || !this.#findNext(pass, generation)) {
      pass.left.shift();
      pass.from = 0;
    }
    return true;
  }

  /** Begins with the next window that is due, among a page of windows. @returns whether there may be more */
  #findNext(pass: Pass, generation: Generation): boolean {
    const { windows } = this.#partition;
    const widths = widthsOf(generation);
    const latest = pass.now - Math.min(...widths.map(({ afterMs }) => afterMs));
    const page = windows.changes(generation.id, pass.from, latest, PARTITION_LIMITS.windowsPageMax);
    /** By width: the last window that was looked at. */
    const looked = widths.map(() => -1);
    for (const { start } of page) {
      const storedMs = generation.endOf(start) - start;
      for (const [i, { widthMs, afterMs }] of widths.entries()) {
        const window = windowOfWidth(widthMs, start);
        if (storedMs >= widthMs || looked[i] === window.from) continue;
        looked[i] = window.from;
        const isDue = () =>
          this.#mayChange(generation) &&
          this.#isDue(generation, window, pass.now - afterMs - PARTITION_LIMITS.rollup.marginMs);
        if (!isDue()) continue;
        pass.window = new WindowRollup(this.#partition, generation, window, isDue);
        return true;
      }
    }
    pass.from = (page.at(-1)?.start ?? latest) + 1;
    return page.length === PARTITION_LIMITS.windowsPageMax;
  }

  /** Whether a window was over, and unchanged, before `cutoff`, and nothing stands in its way. */
  #isDue(generation: Generation, window: TimeInterval, cutoff: number): boolean {
    const { views, windows } = this.#partition;
    const { from, to } = window;
    const { id, record } = generation;
    const { rollup } = PARTITION_LIMITS;
    return (
      to <= cutoff &&
      !isTooLarge(record.tooLarge, window) &&
      !generation.hasChangedIn(from, to) &&
      hasRoom(generation, window) &&
      divisionsOf(generation, views.all).every((time) => time <= from || time >= to) &&
      windows.changes(id, from, to, rollup.windowsMax).every(({ changedAt }) => changedAt < cutoff) &&
      windows.bytes(id, from, to) <= rollup.bytesMax
    );
  }

  #mayChange(generation: Generation): boolean {
    const { views } = this.#partition;
    const isOfView = ({ config }: Generation) => config.view === generation.config.view;
    return generation.isLive && ![...views.building, ...views.comparing].some(isOfView);
  }
}

/** To which widths windows of a generation are rolled up, and after how long, the widest first. */
function widthsOf({ config }: Generation): readonly { readonly widthMs: number; readonly afterMs: number }[] {
  const { hourAfterMs, dayAfterMs } = config.rollup ?? ROLLUP_DEFAULTS;
  return [
    { widthMs: DAY_MS, afterMs: dayAfterMs },
    { widthMs: HOUR_MS, afterMs: hourAfterMs },
  ].filter(({ widthMs }) => canBeRolledUp(config.spec.windowMs, widthMs));
}

/** Whether a window was found to be too large, or a part of it. */
function isTooLarge({ hours, days }: WideWindows = NO_WIDE_WINDOWS, { from, to }: TimeInterval): boolean {
  return meets(hours, from, to) || (to - from === DAY_MS && meets(days, from, to));
}

/** Whether the list of wide windows stays bounded. */
function hasRoom({ wide }: Generation, { from, to }: TimeInterval): boolean {
  const alike = to - from === DAY_MS ? wide.days : wide.hours;
  const isBeside = alike.some((interval) => interval.to === from || interval.from === to);
  return isBeside || alike.length < PARTITION_LIMITS.rollup.intervalsMax;
}
