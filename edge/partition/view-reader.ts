/**
 * Reads the windows of a view generation as its answers see them: its own, and those that it carries from older generations;
 * of each, what is stored and what has changed since. Both parts come as tables of their own, because whoever reads them
 * adds them up anyway.
 *
 * In pages, so that a reader can let others have the object in between. A page is read at one moment: the next one may hold
 * what was appended meanwhile.
 */
import {
  type Buckets,
  clipWide,
  createState,
  type CutWindows,
  cutWindows,
  fitsBuckets,
  type FoldState,
  type GroupTable,
  NO_WIDE_WINDOWS,
  uniteWide,
  type WideWindows,
} from "#engine";
import { clipCarried, type Generation } from "./generation.ts";
import type { Views } from "./views.ts";
import type { WindowsPage, WindowStore } from "./window-store.ts";

/**
 * Windows that start in a range, page by page. To be read to the end, or returned from: until then no window is rolled up that
 * its buckets would cut.
 *
 * @param numbering of the keys of what is read from the disk: one for all pages, so that a reader translates each value once
 */
export function* readWindows(
  views: Views,
  windows: WindowStore,
  generation: Generation,
  buckets: Buckets,
  numbering: Pick<FoldState, "interners"> = createState(generation.plan),
): Generator<readonly GroupTable[], void> {
  const sources = sourcesOf(views, generation, buckets.from, buckets.to);
  const places = sources.map((source) => ({ id: source.generation.id, from: source.from, to: source.to }));
  const reading = views.readings.begin(places, (window) => fitsBuckets(buckets, window));
  try {
    for (const [i, source] of sources.entries()) {
      const { id, plan } = source.generation;
      reading.source = i;
      for (let at = source.from; at < source.to; at = reading.at) {
        // A page ends where a stored window does: what has changed of it is read in the turn in which the window is.
        reading.at = windows.pageEnd(id, at, source.to) ?? source.to;
        const stored = windows.read(id, plan, numbering, at, reading.at);
        yield [...stored, ...changedIn(source.generation, at, reading.at)];
      }
    }
  } finally {
    views.readings.end(reading);
  }
}

/** Which windows of any of these generations are wide. */
export const wideWindowsOf = (views: Views, generations: readonly Generation[]): WideWindows =>
  generations
    .flatMap((generation) => sourcesOf(views, generation, 0, Infinity))
    .map((source) => clipWide(source.generation.wide, source))
    .reduce(uniteWide, NO_WIDE_WINDOWS);

/** Those parts of a range that windows were rolled up across: their windows do not say what lies in it, or in its buckets. */
export function cutByRange(views: Views, generation: Generation, buckets: Buckets): readonly CutWindows[] {
  return sourcesOf(views, generation, buckets.from, buckets.to).flatMap((source) =>
    cutWindows(source.generation.wide, { ...buckets, from: source.from, to: Math.min(source.to, buckets.to) }),
  );
}

/** Windows that start in [from, to), where {@link turnEnd} says that they can be read in one turn. */
export function readTurn(
  views: Views,
  windows: WindowStore,
  generation: Generation,
  from: number,
  to: number,
  numbering: Pick<FoldState, "interners">,
): readonly GroupTable[] {
  return sourcesOf(views, generation, from, to).flatMap((source) => {
    const { id, plan } = source.generation;
    const stored = windows.read(id, plan, numbering, source.from, source.to);
    return [...stored, ...changedIn(source.generation, source.from, source.to)];
  });
}

const changedIn = ({ delta }: Generation, from: number, to: number): readonly GroupTable[] =>
  [...delta.windows.values()].filter(({ start }) => start >= from && start < to);

/** The least start of a window that is at least `from`; null if there is none. */
export function nextWindow(views: Views, windows: WindowStore, generation: Generation, from: number): number | null {
  let least = Infinity;
  for (const source of sourcesOf(views, generation, from, Infinity)) {
    const [stored] = windows.changes(source.generation.id, source.from, source.to, 1);
    if (stored !== undefined) least = Math.min(least, stored.start);
    for (const start of source.generation.delta.windows.keys()) {
      if (start >= source.from && start < source.to) least = Math.min(least, start);
    }
  }
  return least === Infinity ? null : least;
}

/** `end`, or the end of the wide window that it would cut. */
const wholeEnd = (generation: Generation, end: number): number => {
  const window = generation.wideWindowAt(end);
  return window === null || window.from === end ? end : window.to;
};

/**
 * How far from `from` on, and at most to `to`, the windows of all these generations can be read in one turn. No wide window of any
 * of them is cut there, provided that none is cut at `to`.
 */
export function turnEnd(
  views: Views,
  windows: WindowStore,
  generations: readonly Generation[],
  from: number,
  to: number,
  page: WindowsPage,
): number {
  const sources = generations.flatMap((generation) => sourcesOf(views, generation, from, to));
  const ends = sources.map((source) => windows.pageEnd(source.generation.id, source.from, source.to, page) ?? to);
  let end = Math.min(to, ...ends);
  for (const source of sources) end = Math.max(end, wholeEnd(source.generation, end));
  return end;
}

/** The start of the widest window that any of these generations has at a time; of none that is wide: the time itself. */
export function widestStart(views: Views, generations: readonly Generation[], time: number): number {
  let start = time;
  for (const generation of generations) {
    for (const source of sourcesOf(views, generation, time, time + 1)) {
      start = Math.min(start, source.generation.wideWindowAt(time)?.from ?? time);
    }
  }
  return start;
}

interface WindowSource {
  readonly generation: Generation;
  readonly from: number;
  readonly to: number;
}

/** Where the windows of [from, to) lie. */
export function sourcesOf(views: Views, generation: Generation, from: number, to: number): readonly WindowSource[] {
  const last = Math.min(to, Number.MAX_SAFE_INTEGER);
  const carried = clipCarried(generation.record.carried, from, last).flatMap((part): WindowSource[] => {
    const origin = views.byId(part.id);
    return origin === undefined ? [] : [{ generation: origin, from: part.from, to: part.to }];
  });
  return [{ generation, from, to: last }, ...carried];
}
