/**
 * What is done to a replay job and to its view together, so that the two never disagree: a job under way is the view's
 * generation being built, and the other way round. Pure: from the stream's state to its next one.
 */
import { assert, fail, ok, type Result } from "#protocol";
import {
  dropBuilding,
  expirePrevious,
  failBuilding,
  type GenerationPlan,
  keepingOf,
  promoteGeneration,
  rollBackGeneration,
  specOf,
  startGeneration,
} from "./generations.ts";
import { enter, NO_NOTE } from "./ledger.ts";
import { STREAM_LIMITS } from "./limits.ts";
import { whyHeld } from "./promotion-policy.ts";
import {
  boundReplays,
  type Decision,
  finishComparison,
  finishReplay,
  isBuilding,
  isComparing,
  isOpen,
  isRunning,
  newReplay,
  observeReplay,
  replayId,
} from "./replay-jobs.ts";
import type { JobReports } from "./reports.ts";
import type { AdminFailure, LedgerAction, Note, ReplayDiff, ReplayRequest } from "./rpc.ts";
import { type ReplayRecord, type StreamState, type ViewState, withEntry } from "./state.ts";
import { isScheduled, withVerdict } from "./verification.ts";

/** A state that a decision leads to, and the job that it was about. */
export interface ReplayChange {
  readonly state: StreamState;
  readonly job: ReplayRecord;
}

/**
 * Starts the replay that an administrator asked for. A view's name computes its own specification again (for `verify`:
 * that of the generation in force); a whole view is a changed specification, which becomes the view's configuration when
 * it is promoted. The view has to exist: `PUT` makes new ones.
 */
export function startReplay(
  state: StreamState,
  request: ReplayRequest,
  now: number,
): Result<ReplayChange, AdminFailure> {
  const name = typeof request.view === "string" ? request.view : request.view.name;
  const freed = makeWay(state, name, now);
  if (freed !== state) return startReplay(freed, request, now);
  const view = state.views.get(name);
  if (view === undefined) return fail({ reason: "unknown_view", view: name });
  if (view.building !== null) return fail({ reason: "replay_running", id: replayId(name, view.building.generation) });
  const { from, mode, maxDuty, promote, promoteIf, note } = request;
  const byHand = { declared: false, ...(note !== undefined && { note }) };
  if (mode === "verify") {
    if (view.inForce === null) return fail({ reason: "view_not_ready", view: name });
    const { spec, ...keeping } = view.inForce;
    return ok(
      beginReplay(
        state,
        view,
        { spec, ...keepingOf(keeping), mode, from, maxDuty },
        { promote: "manual", ...byHand },
        now,
      ),
    );
  }
  const config = typeof request.view === "string" ? view.config : request.view;
  const plan: GenerationPlan = { spec: specOf(config), ...keepingOf(config), mode, from, maxDuty };
  const decision = { promote, ...byHand, ...(promote === "auto" && promoteIf !== undefined && { promoteIf }) };
  return ok(beginReplay(state, view, plan, decision, now));
}

/** Starts building a generation of `view`, which must not have one under way. */
export function beginReplay(
  state: StreamState,
  view: ViewState,
  plan: GenerationPlan,
  decision: Decision,
  now: number,
): ReplayChange {
  const started = startGeneration(view, plan);
  const job = newReplay(view.config.name, started.building, decision, state.settings.partitions, now);
  return {
    job,
    state: {
      ...state,
      views: withEntry(state.views, view.config.name, started),
      replays: boundReplays(withEntry(state.replays, job.id, job)),
    },
  };
}

/** Takes in what partitions reported of each job that is under way. */
export function observeReplays(state: StreamState, reports: ReadonlyMap<string, JobReports>, now: number): StreamState {
  let next = state;
  for (const [id, ofJob] of reports) {
    const job = state.replays.get(id);
    if (job !== undefined) next = settleReplay(next, observeReplay(job, ofJob, now), now);
  }
  return next;
}

/** Takes in the outcome of a job's comparison. A job that was ended in the meantime stays as it is. */
export function concludeComparison(
  state: StreamState,
  id: string,
  outcome: { readonly diff: ReplayDiff | null; readonly error: string | null },
  now: number,
): StreamState {
  const job = state.replays.get(id);
  if (job === undefined || !isComparing(job)) return state;
  return settleReplay(state, finishComparison(job, outcome.diff, outcome.error), now);
}

/**
 * Moves the pointer to the generation that a caught-up job has built. A job that was promoted before and rolled back is
 * promoted again as long as its generation is kept.
 */
export function promoteReplay(
  state: StreamState,
  id: string,
  now: number,
  note?: Note,
): Result<ReplayChange, AdminFailure> {
  const job = state.replays.get(id);
  if (job === undefined) return fail({ reason: "unknown_replay", id });
  const view = state.views.get(job.view);
  if (job.state === "caught-up") {
    const next = settleReplay(state, finishReplay(job, "promoted", now), now, note);
    return ok({ state: next, job: jobOf(next, id) });
  }
  if (job.state === "promoted" && view?.inForce?.generation === job.generation) return ok({ state, job });
  if (job.state === "promoted" && view?.previous?.generation.generation === job.generation) {
    return ok({ state: turnBack(state, view, "promote", now, note), job });
  }
  return fail({ reason: "replay_state", id, state: job.state });
}

/** Drops the generation that a job builds or has built. A cancelled job stays cancelled. @param why if nobody asked for it */
export function cancelReplay(
  state: StreamState,
  id: string,
  now: number,
  why?: string,
): Result<ReplayChange, AdminFailure> {
  const job = state.replays.get(id);
  if (job === undefined) return fail({ reason: "unknown_replay", id });
  if (job.state === "cancelled") return ok({ state, job });
  if (!isOpen(job)) return fail({ reason: "replay_state", id, state: job.state });
  const next = settleReplay(state, finishReplay(job, "cancelled", now, why), now);
  return ok({ state: next, job: jobOf(next, id) });
}

/** What a cancelled job says of who cancelled it, and why. */
export const whyCancelled = ({ by, reason }: Note): string =>
  [by === undefined ? "cancelled" : `cancelled by ${by}`, ...(reason === undefined ? [] : [reason])].join(": ");

/** Ends a verification of a view that nobody asked for: it is made up for later. */
export function makeWay(state: StreamState, name: string, now: number): StreamState {
  const building = state.views.get(name)?.building;
  const job = building == null ? undefined : state.replays.get(replayId(name, building.generation));
  if (job === undefined || !isOpen(job) || !isScheduled(job)) return state;
  return settleReplay(state, finishReplay(job, "cancelled", now, "it made way"), now);
}

/**
 * The view's previous generation answers again.
 *
 * @param to which one that is meant to be: who asks for it twice, because an answer was lost, or after somebody else has, means
 *   one rollback, and not there and back. Absent: whichever it is
 */
export function rollBackView(
  state: StreamState,
  name: string,
  now: number,
  note?: Note,
  to?: number,
): Result<StreamState, AdminFailure> {
  const view = state.views.get(name);
  if (view === undefined) return fail({ reason: "unknown_view", view: name });
  if (to !== undefined && view.inForce?.generation === to) return ok(state);
  const isOther = to !== undefined && view.previous?.generation.generation !== to;
  if (view.inForce === null || view.previous === null || isOther)
    return fail({ reason: "nothing_to_roll_back", view: name });
  return ok(turnBack(state, view, "rollback", now, note));
}

/** The previous generation answers again, which is known to be there. */
function turnBack(
  state: StreamState,
  view: ViewState,
  action: LedgerAction,
  now: number,
  note: Note = NO_NOTE,
): StreamState {
  const { name } = view.config;
  const turned = rollBackGeneration(view, now);
  assert(turned.inForce !== null && view.inForce !== null, "a generation on both sides");
  const { inForce } = turned;
  // The newer one of the two was compared with the older one.
  const newer = Math.max(inForce.generation, view.inForce.generation);
  const job = state.replays.get(replayId(name, newer)) ?? null;
  const entered = enter(state, view, { action, to: inForce, note, job }, now);
  return { ...entered, views: withEntry(state.views, name, turned) };
}

/** Everything that ends by itself: previous generations after 7 days, caught-up ones that nobody promoted after 24 h. */
export function expire(state: StreamState, now: number): StreamState {
  let next = state;
  for (const job of state.replays.values()) {
    const since = unpromotedSince(job);
    if (since === null || now < since + STREAM_LIMITS.unpromotedKeptMs) continue;
    next = settleReplay(next, finishReplay(job, "cancelled", now, "nobody promoted it within 24 hours"), now);
  }
  for (const [name, view] of next.views) {
    const kept = expirePrevious(view, now);
    if (kept !== view) next = { ...next, views: withEntry(next.views, name, kept) };
  }
  return next;
}

/** When a job's generation began to wait for somebody to promote it; null if it does not. */
export const unpromotedSince = (job: ReplayRecord): number | null =>
  job.state === "caught-up" ? job.caughtUpAt : null;

export const buildingReplays = (state: StreamState): readonly ReplayRecord[] =>
  [...state.replays.values()].filter(isBuilding);

export const runningReplays = (state: StreamState): readonly ReplayRecord[] =>
  [...state.replays.values()].filter(isRunning);

export const comparingReplays = (state: StreamState): readonly ReplayRecord[] =>
  [...state.replays.values()].filter(isComparing);

/** Sets a job's next value, and does to its view what that means. */
function settleReplay(state: StreamState, job: ReplayRecord, now: number, note?: Note): StreamState {
  const before = jobOf(state, job.id);
  if (before === job) return state;
  const view = state.views.get(job.view);
  const settled = decide(job, view?.inForce?.generation ?? null, now);
  const replays = withEntry(state.replays, job.id, settled);
  // A job that was over had no generation being built any more, and one whose view was deleted has no view.
  if (view?.building?.generation !== job.generation) return { ...state, replays };
  const to = view.building;
  const happening = { action: "promote", to, note: note ?? settled.note ?? NO_NOTE, job: settled } as const;
  const entered = settled.state === "promoted" ? enter(state, view, happening, now) : state;
  return { ...entered, replays, views: withEntry(state.views, job.view, viewAfter(view, settled, now)) };
}

/** Promotes what has just caught up, if it is to be promoted by itself and has not changed more than it may. */
function decide(job: ReplayRecord, inForce: number | null, now: number): ReplayRecord {
  if (job.state !== "caught-up" || job.promote !== "auto" || job.held !== undefined) return job;
  const { promoteIf, against, diff } = job;
  if (promoteIf === undefined || inForce === null) return finishReplay(job, "promoted", now);
  // There was a rollback meanwhile: what it changes is not what the diff says.
  const isStale = against !== inForce;
  const held = isStale
    ? `it was compared with generation ${against}, and generation ${inForce} answers`
    : whyHeld(promoteIf, diff);
  return held === null ? finishReplay(job, "promoted", now) : { ...job, held };
}

function viewAfter(view: ViewState, job: ReplayRecord, now: number): ViewState {
  switch (job.state) {
    case "running":
    case "caught-up":
      return view;
    case "promoted":
      return promoteGeneration(view, now);
    case "failed":
      return withVerdict(failBuilding(view, job.error ?? "no reason given"), job, now);
    case "verified":
    case "differs":
    case "cancelled":
      return withVerdict(dropBuilding(view), job, now);
  }
}

function jobOf(state: StreamState, id: string): ReplayRecord {
  const job = state.replays.get(id);
  assert(job !== undefined, "a job of this stream");
  return job;
}
