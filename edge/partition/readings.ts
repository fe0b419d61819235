/**
 * Who is reading windows just now, and how far each has come. A reader lets others have the object between two pages, and a
 * roll-up in between could move windows that it has read already to where it has yet to read, or the other way round. So a
 * window is rolled up only if all who have yet to read it can read it whole.
 */
import type { TimeInterval } from "#engine";

/** Windows that start in [from, to), of the generation with that row id. */
export interface ReadWindows extends TimeInterval {
  readonly id: number;
}

export interface Reading {
  /** In the order in which they are read. */
  readonly sources: readonly ReadWindows[];
  /** Which of them is being read, and the start of the first window of it that was not. */
  source: number;
  at: number;
  /** Whether a window of any width is of use to the reader as a whole. */
  fits(window: TimeInterval): boolean;
}

export class Readings {
  readonly #underWay = new Set<Reading>();

  begin(sources: readonly ReadWindows[], fits: Reading["fits"]): Reading {
    const reading: Reading = { sources, source: 0, at: sources[0]?.from ?? 0, fits };
    this.#underWay.add(reading);
    return reading;
  }

  end(reading: Reading): void {
    this.#underWay.delete(reading);
  }

  /** Whether all windows of a generation within `window` can become one. */
  allow(id: number, window: TimeInterval): boolean {
    for (const reading of this.#underWay) {
      for (let i = reading.source; i < reading.sources.length; i++) {
        const source = reading.sources[i] as ReadWindows;
        const from = i === reading.source ? reading.at : source.from;
        const isAhead = source.id === id && window.to > from && window.from < source.to;
        if (isAhead && (window.from < from || !reading.fits(window))) return false;
      }
    }
    return true;
  }
}
