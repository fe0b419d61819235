/**
 * A replay's diff row by row: what the generations answer for each window and key, before and after. Read from the days that the
 * partitions froze, which never change, so that a cursor is good as long as they are kept; one day at a time.
 */
import { fail, ok, type Result } from "#protocol";
import { changesOf, type ChangedRow, DAY_MS, showChange } from "#engine";
import { commonGround, type CommonGround } from "./common-ground.ts";
import { STREAM_LIMITS } from "./limits.ts";
import { type ComparedGenerations, MergedDays, type MergedWindows, type RoundTrouble } from "./merged-days.ts";
import type { Partitions } from "./partitions.ts";
import type { AdminFailure, DiffRowsPage, DiffRowsRequest } from "./rpc.ts";
import type { ReplayRecord, StreamState } from "./state.ts";
import { Turns } from "./turns.ts";

/** A day that was merged: kept for the next page, which mostly is of the same day. */
interface HeldDay {
  readonly key: string;
  readonly day: number;
  readonly days: MergedDays;
  readonly windows: MergedWindows;
  /** Rising. */
  readonly starts: readonly number[];
}

/** The generations that a job compared; null: not both of them are kept any more. */
export function comparedBy(state: StreamState, job: ReplayRecord): ComparedGenerations | null {
  const view = state.views.get(job.view);
  const kept = [view?.building, view?.inForce, view?.previous?.generation];
  const find = (number: number | null) => kept.find((known) => known?.generation === number);
  const [before, after] = [find(job.against), find(job.generation)];
  if (!before || !after) return null;
  return { view: job.view, generation: job.generation, before: before.spec, after: after.spec };
}

export class DiffPages {
  #held: HeldDay | null = null;

  async page(
    state: StreamState,
    partitions: Partitions,
    id: string,
    request: DiffRowsRequest,
  ): Promise<Result<DiffRowsPage, AdminFailure>> {
    const job = state.replays.get(id);
    if (job === undefined) return fail({ reason: "unknown_replay", id });
    const compared = job.diff === null ? null : comparedBy(state, job);
    if (compared === null) return fail({ reason: "no_diff", id, detail: whyNone(job) });
    const common = narrowed(commonGround(compared.before, compared.after), request.by);
    const { onlyChanged, limit } = request;
    let { day, window, index } = request.cursor;
    const until = Date.now() + STREAM_LIMITS.diffPageMs;
    const turns = new Turns();
    const rows: ChangedRow[] = [];
    for (;;) {
      const held = await this.#dayFrom(compared, common, partitions, `${id} ${request.by}`, day);
      if (!held.ok) return fail(failureOf(id, held.failure));
      if (held.value === null) return ok({ rows, next: null });
      if (held.value.day !== day) [day, window, index] = [held.value.day, 0, 0];
      const { starts, windows, days } = held.value;
      for (const start of starts) {
        if (start < window) continue;
        const changes = changesOf(days.shape, start, ...sidesOf(windows, start), onlyChanged);
        const from = start === window ? index : 0;
        const taken = changes.slice(from, from + limit - rows.length);
        for (const change of taken) rows.push(rowOf(common, showChange(days.shape, change)));
        if (rows.length === limit) {
          const end = from + taken.length;
          const next = end < changes.length ? { day, window: start, index: end } : { day, window: start + 1, index: 0 };
          return ok({ rows, next });
        }
        await turns.worked(changes.length);
      }
      if (common.everyMs === null) return ok({ rows, next: null });
      [day, window, index] = [day + DAY_MS, 0, 0];
      if (Date.now() > until) return ok({ rows, next: { day, window, index } });
    }
  }

  /** The first day at or after `from`, merged; of what has no windows, all days as one. Null: there is none. */
  async #dayFrom(
    compared: ComparedGenerations,
    common: CommonGround,
    partitions: Partitions,
    key: string,
    from: number,
  ): Promise<Result<HeldDay | null, RoundTrouble>> {
    if (this.#held?.key === key && this.#held.day === from) return ok(this.#held);
    this.#held = null;
    const days = new MergedDays(compared, common, partitions.count, from);
    const isWhole = common.everyMs === null;
    let day = from;
    while (days.next !== Infinity && (isWhole || !days.hasMerged)) {
      day = days.next;
      const trouble = await days.round(partitions);
      if (trouble !== null) return fail(trouble);
    }
    if (!days.hasMerged) return ok(null);
    const windows = await days.take();
    const starts = [
      ...new Set([windows.before, windows.after, windows.both].flatMap((side) => [...side.windows.keys()])),
    ];
    this.#held = { key, day: isWhole ? from : day, days, windows, starts: starts.sort((a, b) => a - b) };
    return ok(this.#held);
  }
}

/** Both sides of a window. */
function sidesOf({ before, after, both }: MergedWindows, start: number) {
  const same = both.windows.get(start);
  return [same ?? before.windows.get(start) ?? null, same ?? after.windows.get(start) ?? null] as const;
}

/** What the rows are by: windows and keys, or only one of them. */
function narrowed(common: CommonGround, by: DiffRowsRequest["by"]): CommonGround {
  if (by === "window") return { ...common, groupBy: [] };
  return by === "key" ? { ...common, everyMs: null } : common;
}

/** What is of all times has none. */
function rowOf({ everyMs }: CommonGround, row: ChangedRow): ChangedRow {
  if (everyMs !== null) return row;
  const { time: _, ...rest } = row;
  return rest;
}

function failureOf(id: string, { kind, partition, detail }: RoundTrouble): AdminFailure {
  return kind === "interrupted" && partition !== undefined
    ? { reason: "partition_unavailable", partition, detail }
    : { reason: "no_diff", id, detail };
}

function whyNone({ mode, state, diff, error }: ReplayRecord): string {
  if (mode === "verify") return "a verification compares windows, and keeps no rows";
  if (state === "running") return "it is not compared yet";
  if (diff === null) return error ?? "there was nothing to compare it with";
  return "one of the two generations is no longer kept";
}
