/**
 * The ledger: every time that a view's published numbers changed because another generation came to answer, with who did it, why,
 * what was asked before and after, and what that changed. Entries are written in the transaction that moves the pointer.
 *
 * Pure: entries are part of the stream's state. They outlive the view that they are about, not the stream.
 */
import { STREAM_LIMITS } from "./limits.ts";
import type { LedgerAction, LedgerEntry, LedgerPage, Note, ReplayDiff } from "./rpc.ts";
import type { Generation, ReplayRecord, StreamState, ViewState } from "./state.ts";

/** Of who says nothing: the admin token has no name of its own. */
export const NO_NOTE: Note = { by: "admin", reason: null };

/** What happened to a view, whose pointer moves from `before.inForce` to `to`. */
export interface Happening {
  readonly action: LedgerAction;
  readonly to: Generation;
  readonly note: Note;
  /** The job that built it, if it is known still. */
  readonly job: ReplayRecord | null;
}

/** The state with one entry more. */
export function enter(state: StreamState, before: ViewState, happening: Happening, now: number): StreamState {
  const { action, to, note, job } = happening;
  const from = before.inForce;
  const entry: LedgerEntry = {
    entry: lastEntryOf(state) + 1,
    view: before.config.name,
    action,
    at: now,
    ...note,
    replay: job?.id ?? null,
    fromGeneration: from?.generation ?? null,
    toGeneration: to.generation,
    specBefore: from?.spec ?? null,
    specAfter: to.spec,
    ...changeOf(state, before.config.name, from, to, job),
  };
  const entries = [...state.ledger, entry].slice(-STREAM_LIMITS.ledgerEntriesMax);
  return { ...state, ledger: entries };
}

/** What a view's answers came to be, as far as it was compared; frozen when the newer of both generations had caught up. */
function changeOf(
  state: StreamState,
  view: string,
  from: Generation | null,
  to: Generation,
  job: ReplayRecord | null,
): Pick<LedgerEntry, "diff" | "diffFrozenAt" | "noDiff"> {
  const none = (noDiff: string) => ({ diff: null, diffFrozenAt: null, noDiff });
  if (from === null) return none("nothing was published before");
  if (job?.against === from.generation && job.diff !== null) {
    return { diff: job.diff, diffFrozenAt: job.caughtUpAt, noDiff: null };
  }
  // The way back, or there again: what was compared then.
  const earlier = state.ledger.findLast(
    ({ view: name, diff, fromGeneration, toGeneration }) =>
      diff !== null &&
      name === view &&
      Math.min(fromGeneration ?? 0, toGeneration) === Math.min(from.generation, to.generation) &&
      Math.max(fromGeneration ?? 0, toGeneration) === Math.max(from.generation, to.generation),
  );
  if (earlier?.diff == null) {
    const why = job?.against === from.generation ? job.error : null;
    return none(why ?? "the two generations were not compared");
  }
  const isSameWay = earlier.toGeneration === to.generation;
  return {
    diff: isSameWay ? earlier.diff : reversed(earlier.diff),
    diffFrozenAt: earlier.diffFrozenAt,
    noDiff: null,
  };
}

/** The same comparison from the other side. */
function reversed(diff: ReplayDiff): ReplayDiff {
  const turn = (value: unknown): unknown =>
    typeof value === "object" && value !== null && "before" in value && "after" in value
      ? { before: value.after, after: value.before }
      : value;
  const turnAll = <T extends object>(row: T): T =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, turn(value)])) as T;
  return { ...diff, totals: turnAll(diff.totals), largest: diff.largest.map(turnAll) };
}

/** Entries of a view below `before`, the newest first. */
export function pageOf(state: StreamState, view: string, before: number | null, limit: number): LedgerPage {
  const older = state.ledger.filter((entry) => entry.view === view && (before === null || entry.entry < before));
  const entries = older.slice(-limit).reverse();
  const oldest = entries.at(-1);
  return {
    entries,
    next: oldest !== undefined && older.length > entries.length ? oldest.entry : null,
    dropped: (state.ledger[0]?.entry ?? 1) - 1,
  };
}

const lastEntryOf = ({ ledger }: StreamState): number => ledger.at(-1)?.entry ?? 0;

/** Whether a specification has entries: a view that was deleted still has its history. */
export const isInLedger = ({ ledger }: StreamState, view: string): boolean =>
  ledger.some((entry) => entry.view === view);
