/**
 * Answers this partition's part of a query: from the stored windows of a view, or by folding the log. Both go through it in
 * slices, and both end in one partial state, which is merged with the other partitions' elsewhere.
 *
 * A scan of the log is pinned to the log's end at its start: first the tail is folded, in the turn in which it begins, then
 * what lies before it, which never changes: archived packs, and the segments of the log. What retention takes away before it was
 * read is named as missing, and so is what the archive does not give.
 */
import { fail, ok, type Result } from "#protocol";
import {
  addInterval,
  clip,
  type ColumnBatch,
  compileQuery,
  compileRollup,
  createState,
  type CutWindows,
  ENGINE_LIMITS,
  fold,
  type FoldPlan,
  type FoldState,
  type Intervals,
  meets,
  MINUTE_MS,
  type Query,
  rollUp,
  sourceFromView,
} from "#engine";
import type { FrozenPartials } from "./frozen-partials.ts";
import { clipCarried, type Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { partialOf } from "./partial.ts";
import type { PartitionAnswer, PartitionQuery, PartitionQueryFailure } from "./rpc.ts";
import { endOf, zoneMinutes } from "./segment-zones.ts";
import { runSlices, sliceSize } from "./slices.ts";
import { cutByRange, readWindows } from "./view-reader.ts";

type Answered = Result<PartitionAnswer, PartitionQueryFailure>;

const tooManyGroups = fail({ reason: "too_many_groups", max: ENGINE_LIMITS.groupsMax } as const);

/** Answers from a view; the caller has found that its windows hold the answer. */
export async function queryView(
  partition: Partition,
  { query, source, early }: PartitionQuery & { source: { kind: "view" } },
  frozen: FrozenPartials,
): Promise<Answered> {
  const { view } = source;
  const generation = partition.views.find(view, source.generation);
  if (generation?.phase === "failed") {
    return fail({ reason: "view_failed", view, detail: generation.record.error ?? "" });
  }
  if (generation === undefined || generation.phase !== "caught-up") return fail({ reason: "view_not_ready", view });
  const cut = cutByRange(partition.views, generation, query);
  if (cut.length > 0 && source.leaveOutCut !== true) return fail(notAligned(partition, view, query, cut));
  const logEnd = partition.log.end;
  const watermark = partition.watermark(Date.now());
  const rolledUp = await rollUpView(partition, generation, query, cut);
  if (partition.isClosed) return fail({ reason: "deleted" });
  if (rolledUp === null) return tooManyGroups;
  // It may have been retired meanwhile, and what it carries taken away.
  if (generation.phase !== "caught-up" || !generation.isWanted) return fail({ reason: "view_not_ready", view });
  const { carried, missing } = generation.record;
  return ok({
    watermark,
    logEnd,
    missing: [
      ...clip(missing, query.from, query.to).map(({ from, to }) => ({ from, to, reason: "trimmed" as const })),
      ...cut.map(({ from, to }) => ({ from, to, reason: "rolled_up" as const })),
    ],
    carried: clipCarried(carried, query.from, query.to).map(({ from, to, generation: number }) => {
      return { from, to, generation: number };
    }),
    recordsScanned: 0,
    ...partialOf(query, rolledUp.plan, rolledUp.state, early, frozen),
  });
}

/** Why a view cannot answer, and how much of the range would be missing from each answer that can be given all the same. */
function notAligned({ trimmed }: Partition, view: string, { from, to }: Query, cut: readonly CutWindows[]) {
  return {
    reason: "range_not_aligned",
    view,
    windowMs: Math.max(...cut.map(({ widthMs }) => widthMs)),
    rolledUpTo: Math.max(...cut.map((windows) => windows.to)),
    missingMs: { view: lengthOf(cut), log: lengthOf(trimmed.within(from, to)) },
  } as const;
}

const lengthOf = (intervals: Intervals): number => intervals.reduce((sum, { from, to }) => sum + (to - from), 0);

async function rollUpView(
  partition: Partition,
  generation: Generation,
  query: Query,
  leftOut: Intervals,
): Promise<{ plan: FoldPlan; state: FoldState } | null> {
  const { config } = generation;
  const stored = { name: config.view, generation: config.generation, spec: config.spec };
  const chosen = sourceFromView(query, stored);
  if (!chosen.ok) throw new Error(`a view was asked what it cannot answer: ${chosen.failure.detail}`);
  const rollup = compileRollup(config.spec, query, chosen.value.residual);
  const state = createState(rollup.query);
  const pages = readWindows(partition.views, partition.windows, generation, query);
  let isTooLarge = false;
  try {
    await runSlices({
      step: () => {
        const page = pages.next();
        if (page.done === true) return false;
        for (const table of page.value) {
          if (!meets(leftOut, table.start, table.start + 1)) rollUp(rollup, state, table);
        }
        isTooLarge = state.groups > ENGINE_LIMITS.groupsMax;
        return !isTooLarge;
      },
      size: () => sliceSize(partition.lastAppendTime),
      duty: () => 1,
      forMs: Infinity,
      isStopped: () => partition.isClosed,
    });
  } finally {
    pages.return();
  }
  return isTooLarge ? null : { plan: rollup.query, state };
}

/** Folds the log. */
export async function queryLog(
  partition: Partition,
  { query, early }: PartitionQuery,
  frozen: FrozenPartials,
): Promise<Answered> {
  const { log, history, trimmed } = partition;
  const plan = compileQuery(query);
  const state = createState(plan, partition.config.seed);
  const logEnd = log.end;
  const watermark = partition.watermark(Date.now());
  const segmentsEnd = log.sealedEnd;
  let missing = trimmed.within(query.from, query.to);
  let recordsScanned = 0;
  const scan = (batch: Parameters<typeof fold>[2]) => {
    fold(plan, state, batch, 0, batch.count);
    recordsScanned += batch.count;
  };
  const minuteFrom = query.from / MINUTE_MS;
  const minuteTo = query.to / MINUTE_MS;
  for (const batch of log.tail) if (batch.minuteMax >= minuteFrom && batch.minuteMin < minuteTo) scan(batch);

  let offset = history.start;
  /** Scans what `next` gives, from `offset` on, until it gives nothing. */
  const scanAll = (next: () => ColumnBatch | null | undefined) =>
    runSlices({
      step: () => {
        if (state.groups > ENGINE_LIMITS.groupsMax) return false;
        const segment = next();
        if (segment === undefined || segment === null) return false;
        scan(segment);
        offset = endOf(segment);
        return true;
      },
      size: () => sliceSize(partition.lastAppendTime),
      duty: () => 1,
      forMs: Infinity,
      isStopped: () => partition.isClosed,
    });
  const isOver = () => partition.isClosed || state.groups > ENGINE_LIMITS.groupsMax;
  let unavailable: Intervals = [];
  /** Goes on there. Records went before they were read: which of what is trimmed by now they held is not known, so all is named. */
  const skipTo = (start: number) => {
    if (start <= offset) return;
    missing = union(missing, trimmed.within(query.from, query.to));
    offset = start;
  };
  for (let isAtEnd = false; !isAtEnd && !isOver();) {
    skipTo(history.start);
    const zone = history.packAfter(offset, minuteFrom, minuteTo);
    if (zone !== undefined) {
      const pack = await history.fetch(zone);
      if (pack.ok) await scanAll(() => pack.value.next(offset, minuteFrom, minuteTo));
      else unavailable = union(unavailable, clip([zoneMinutes(zone)], query.from, query.to));
      offset = Math.max(offset, endOf(zone));
      continue;
    }
    skipTo(log.start);
    // Until the end, or until segments have gone that are not read yet: they may be archived.
    await scanAll(() => {
      if (log.start > offset) return null;
      const segment = log.segments.within(offset, segmentsEnd, minuteFrom, minuteTo);
      isAtEnd = segment === undefined;
      return segment;
    });
  }
  if (partition.isClosed) return fail({ reason: "deleted" });
  if (state.groups > ENGINE_LIMITS.groupsMax) return tooManyGroups;
  return ok({
    watermark,
    logEnd,
    missing: [
      ...missing.map(({ from, to }) => ({ from, to, reason: "trimmed" as const })),
      ...unavailable.map(({ from, to }) => ({ from, to, reason: "archive_unavailable" as const })),
    ],
    carried: [],
    recordsScanned,
    ...partialOf(query, plan, state, early, frozen),
  });
}

/** At most a few scans at the same time, and a bounded queue behind them. */
export class ScanGate {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Runs a scan when its turn comes. @returns null if too many wait already */
  async run<T>(scan: () => Promise<T>): Promise<T | null> {
    if (this.#running >= PARTITION_LIMITS.scansMax) {
      if (this.#waiting.length >= PARTITION_LIMITS.scansWaitingMax) return null;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running += 1;
    }
    try {
      return await scan();
    } finally {
      // The place is handed on, so that nobody who comes in between takes it.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

const union = (a: Intervals, b: Intervals): Intervals => b.reduce(addInterval, a);
