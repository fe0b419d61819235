/**
 * Takes away what views need no longer: windows that nothing has changed for longer than the view keeps them, and all windows
 * of generations that nobody wants any more.
 *
 * A window that goes is missing by name from then on, and whatever else comes for it is not folded: it would be a part that
 * passes for the whole.
 */
import { addInterval, type Intervals } from "#engine";
import type { FactStore } from "./facts.ts";
import type { Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { runSlices } from "./slices.ts";
import type { WindowsPage } from "./window-store.ts";

const DAY_MS = 86_400_000;

const DROPPED_PAGE: WindowsPage = {
  rowsMax: PARTITION_LIMITS.droppedWindowsMax,
  bytesMax: PARTITION_LIMITS.droppedBytesMax,
};

export class ViewRetention {
  readonly #partition: Partition;
  readonly #facts: FactStore;

  constructor(partition: Partition, facts: FactStore) {
    this.#partition = partition;
    this.#facts = facts;
  }

  due(now: number): number | null {
    const { views } = this.#partition;
    if (views.all.some(({ phase }) => phase === "dropped")) return now;
    if (views.live.length === 0) return null;
    const begun = Math.min(...views.live.map(({ record }) => record.startedAt));
    return (this.#facts.get("viewRetention")?.at ?? begun) + PARTITION_LIMITS.viewRetentionEveryMs;
  }

  async run(): Promise<void> {
    const now = Date.now();
    for (const generation of this.#partition.views.all) {
      if (this.#partition.isClosed) return;
      if (generation.phase === "dropped") await this.#inTurns(() => this.#drop(generation));
    }
    const last = this.#facts.get("viewRetention")?.at ?? 0;
    if (now - last < PARTITION_LIMITS.viewRetentionEveryMs) return;
    for (const generation of this.#partition.views.live) {
      if (this.#partition.isClosed) return;
      let from: number | null = 0;
      await this.#inTurns(() => {
        if (from !== null && generation.isLive) from = this.expirePage(generation, from, now);
        return from !== null && generation.isLive;
      });
    }
    if (this.#partition.isClosed) return;
    const { database, views, windows } = this.#partition;
    const kept = Math.max(0, ...views.all.map(({ config }) => config.retentionMs));
    database.transaction(() => {
      this.#facts.put("viewRetention", { at: now });
      // Whatever is left was changed, and so stored, since.
      windows.releaseDictionaries(now - kept);
    });
  }

  async #inTurns(step: () => boolean): Promise<void> {
    await runSlices({
      step,
      size: () => PARTITION_LIMITS.sliceOfOneStep,
      duty: () => 0.5,
      forMs: Infinity,
      isStopped: () => this.#partition.isClosed,
    });
  }

  /** Removes a page of a dropped generation's windows; in the end, the generation. @returns whether there is more to do */
  #drop(generation: Generation): boolean {
    const { database, windows, views, comparisons } = this.#partition;
    return database.transaction(() => {
      if (!windows.isEmpty(generation.id)) {
        // By bytes as well as rows: a large window is as much work to delete as it was to write.
        const end = Number.MAX_SAFE_INTEGER;
        windows.remove(generation.id, 0, windows.pageEnd(generation.id, 0, end, DROPPED_PAGE) ?? end);
        return true;
      }
      if (comparisons.removeSome(generation.id)) return true;
      views.forget(generation);
      return false;
    });
  }

  /** Expires a page of a generation's windows. @returns where the next page begins, null after the last one */
  expirePage(generation: Generation, from: number, now: number): number | null {
    const { database, windows, views } = this.#partition;
    const cutoff = now - generation.config.retentionMs;
    // Event times are at most a day ahead of append times: a window that starts later was changed later.
    const to = cutoff + DAY_MS;
    const page = windows.changes(generation.id, from, to, PARTITION_LIMITS.windowsPageMax);
    const last = page.at(-1);
    if (last === undefined) return null;
    const expired = expiredRuns(page, cutoff, generation);
    if (expired.length > 0) {
      database.transaction(() => {
        for (const run of expired) windows.remove(generation.id, run.from, run.to);
        views.expire(generation, expired);
      });
    }
    return page.length < PARTITION_LIMITS.windowsPageMax ? null : last.start + 1;
  }
}

/** Runs of windows that have expired, each from the first one's start to the last one's end, kept windows in between none. */
function expiredRuns(
  page: readonly { readonly start: number; readonly changedAt: number }[],
  cutoff: number,
  generation: Generation,
): Intervals {
  let runs: Intervals = [];
  let first: number | null = null;
  const inMemory = [...generation.delta.windows.keys()].sort((a, b) => a - b);
  let next = 0;
  for (const { start, changedAt } of page) {
    // A window that is in memory only is as good as a kept one: no run goes over it.
    for (; (inMemory[next] ?? Infinity) < start; next++) first = null;
    const end = generation.endOf(start);
    const isExpired = changedAt < cutoff && (inMemory[next] ?? Infinity) >= end;
    if (!isExpired) {
      first = null;
      continue;
    }
    first ??= start;
    runs = addInterval(runs, { from: first, to: end });
  }
  return runs;
}
