/**
 * Reads the windows of a view generation as its answers see them: its own, and those that it carries from older generations;
 * of each, what is stored and what has changed since. Both parts come as tables of their own, because whoever reads them
 * adds them up anyway.
 *
 * In pages, so that a reader can let others have the object in between. A page is read at one moment: the next one may hold
 * what was appended meanwhile.
 */
import { createState, type FoldState, type GroupTable } from "#engine";
import { clipCarried, type Generation } from "./generation.ts";
import type { Views } from "./views.ts";
import type { WindowsPage, WindowStore } from "./window-store.ts";

/**
 * Windows that start in [from, to), page by page.
 *
 * @param numbering of the keys of what is read from the disk: one for all pages, so that a reader translates each value once
 */
export function* readWindows(
  views: Views,
  windows: WindowStore,
  generation: Generation,
  from: number,
  to: number,
  numbering: Pick<FoldState, "interners"> = createState(generation.plan),
): Generator<readonly GroupTable[], void> {
  for (const source of sourcesOf(views, generation, from, to)) {
    let at: number | null = source.from;
    while (at !== null) {
      const { id, plan } = source.generation;
      const page = windows.page(id, plan, numbering, at, source.to);
      yield [...page.tables, ...changedIn(source.generation, at, page.next ?? source.to)];
      at = page.next;
    }
  }
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

/** How far from `from` on, and at most to `to`, the windows of all these generations can be read in one turn. */
export function turnEnd(
  views: Views,
  windows: WindowStore,
  generations: readonly Generation[],
  from: number,
  to: number,
  page: WindowsPage,
): number {
  const ends = generations
    .flatMap((generation) => sourcesOf(views, generation, from, to))
    .map((source) => windows.pageEnd(source.generation.id, source.from, source.to, page) ?? to);
  return Math.min(to, ...ends);
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
