/**
 * Views as an administrator sees them: made, changed, deleted and described. Pure: from the stream's state to its next one.
 */
import { assert, fail, ok, type Result } from "#protocol";
import { ENGINE_VERSION } from "#engine";
import { changeKeeping, isSameKeeping, keepingOf, newView, sameSpec, specOf } from "./generations.ts";
import { STREAM_LIMITS } from "./limits.ts";
import { replayId } from "./replay-jobs.ts";
import { beginReplay, cancelReplay, makeWay } from "./replays.ts";
import type { AdminFailure, Note, StreamDescription, ViewConfig, ViewDescription } from "./rpc.ts";
import { type StreamState, type ViewState, withEntry } from "./state.ts";

/** Replays that nobody chose a pace for: those of a PUT. Half of the time is left to appends. */
const DEFAULT_MAX_DUTY = 0.5;

export interface ViewChange {
  readonly state: StreamState;
  readonly created: boolean;
  /** The replay that builds what was asked for; null: it answers already. */
  readonly replay: string | null;
}

/**
 * Makes a view, or makes it what `config` says. PUT is a declaration, so it can be sent again and again:
 *
 *   there is no such view                   it is built by replay over the retained log, and promoted automatically
 *   it answers just that already            nothing; a changed retention or roll-up is set. A PUT that was being built is taken back
 *   a PUT of just that is being built       nothing; its replay is named
 *   anything else                           a new generation is built and promoted automatically; it takes the place of
 *                                           another PUT that was being built
 *
 * A replay that was started by hand, or such a verification, is never cancelled by a PUT: `replay_running` names it.
 */
export function putView(
  state: StreamState,
  config: ViewConfig,
  now: number,
  note?: Note,
): Result<ViewChange, AdminFailure> {
  const freed = makeWay(state, config.name, now);
  if (freed !== state) return putView(freed, config, now, note);
  const build = (from: StreamState, of: ViewState, created: boolean) => ok(buildView(from, of, now, created, note));
  const known = state.views.get(config.name);
  if (known === undefined) {
    if (state.views.size >= STREAM_LIMITS.viewsMax)
      return fail({ reason: "too_many_views", max: STREAM_LIMITS.viewsMax });
    return build(state, newView(config, state.generationFloor), true);
  }
  const spec = specOf(config);
  const declared = sameSpec(specOf(known.config), spec) && isSameKeeping(known.config, config);
  const view = declared ? known : { ...changeKeeping(known, config), config };
  const kept = declared ? state : { ...state, views: withEntry(state.views, config.name, view) };

  const { building } = view;
  const answersAlready = view.inForce !== null && sameSpec(view.inForce.spec, spec);
  const settled = { state: kept, created: false, replay: null };
  if (building === null) return answersAlready ? ok(settled) : build(kept, view, false);

  const id = replayId(config.name, building.generation);
  const job = state.replays.get(id);
  const automatic = building.mode === "build" && job?.promote === "auto";
  if (automatic && sameSpec(building.spec, spec)) return ok({ ...settled, replay: id });
  const fromPut = automatic && (job.declared ?? sameSpec(building.spec, specOf(known.config)));
  if (!fromPut) return answersAlready ? ok(settled) : fail({ reason: "replay_running", id });

  const cancelled = cancelReplay(kept, id, now, "another PUT of the view took its place");
  if (!cancelled.ok) return cancelled;
  const { state: rest } = cancelled.value;
  return answersAlready ? ok({ ...settled, state: rest }) : build(rest, viewOf(rest, config.name), false);
}

function buildView(
  state: StreamState,
  view: ViewState,
  now: number,
  created: boolean,
  note: Note | undefined,
): ViewChange {
  const plan = {
    spec: specOf(view.config),
    ...keepingOf(view.config),
    mode: "build",
    from: null,
    maxDuty: DEFAULT_MAX_DUTY,
  } as const;
  const begun = beginReplay(
    state,
    view,
    plan,
    { promote: "auto", declared: true, ...(note !== undefined && { note }) },
    now,
  );
  return { state: begun.state, created, replay: begun.job.id };
}

/** Forgets a view with all its generations. What is being built of it is cancelled. */
export function deleteView(state: StreamState, name: string, now: number): Result<StreamState, AdminFailure> {
  const view = state.views.get(name);
  if (view === undefined) return fail({ reason: "unknown_view", view: name });
  let next = state;
  if (view.building !== null) {
    const cancelled = cancelReplay(state, replayId(name, view.building.generation), now, "the view was deleted");
    if (!cancelled.ok) return cancelled;
    next = cancelled.value.state;
  }
  return ok({
    ...next,
    views: withEntry(next.views, name, null),
    // Partitions may not have heard of the deletion when the name is used again: its old numbers must mean nothing.
    generationFloor: Math.max(state.generationFloor, view.lastGeneration),
  });
}

/** Makes, changes and deletes views until they are what `configs` lists; all of it or nothing. */
export function putViews(
  state: StreamState,
  configs: readonly ViewConfig[],
  now: number,
): Result<StreamState, AdminFailure> {
  const wanted = new Set(configs.map(({ name }) => name));
  let next = state;
  for (const name of state.views.keys()) {
    if (wanted.has(name)) continue;
    const deleted = deleteView(next, name, now);
    if (!deleted.ok) return deleted;
    next = deleted.value;
  }
  for (const config of configs) {
    const put = putView(next, config, now);
    if (!put.ok) return put;
    next = put.value.state;
  }
  return ok(next);
}

/**
 * A view as the public contract shows it.
 *
 * @param partitions what partitions say of themselves, as far as they were asked: a generation whose fold has failed in
 *   one of them is failed, though it was promoted once
 */
export function describeView(view: ViewState, partitions: StreamDescription["partitions"] = []): ViewDescription {
  const { config, inForce, previous, building } = view;
  const broken = brokenIn(view, partitions);
  const error = broken ?? view.error;
  const ready = inForce !== null && broken === null;
  return {
    ...config,
    state: ready ? "ready" : inForce === null && building !== null ? "building" : "failed",
    generation: inForce?.generation ?? null,
    previousGeneration: previous?.generation.generation ?? null,
    outdated: inForce !== null && inForce.engineVersion !== ENGINE_VERSION,
    ...forgottenBy(view, partitions),
    ...(error !== null && { error }),
    verification: view.verified ?? null,
    verifyEvery: view.verify?.everyMs ?? null,
    verifyNext: view.verify?.dueAt ?? null,
  };
}

function forgottenBy(
  { config, inForce }: ViewState,
  partitions: StreamDescription["partitions"],
): { readonly forgottenTo?: number } {
  const times = partitions.flatMap((report) =>
    "generations" in report
      ? report.generations.flatMap(({ view, generation, forgottenTo = [] }) =>
          view === config.name && generation === inForce?.generation ? forgottenTo : [],
        )
      : [],
  );
  return times.length === 0 ? {} : { forgottenTo: Math.max(...times) };
}

function brokenIn({ config, inForce }: ViewState, partitions: StreamDescription["partitions"]): string | null {
  for (const report of partitions) {
    if (!("generations" in report)) continue;
    const broken = report.generations.find(
      ({ view, generation, state }) => view === config.name && generation === inForce?.generation && state === "failed",
    );
    if (broken !== undefined) return `partition ${report.partition}: ${broken.error ?? "no reason given"}`;
  }
  return null;
}

export function viewOf(state: StreamState, name: string): ViewState {
  const view = state.views.get(name);
  assert(view !== undefined, "a view of this stream");
  return view;
}

/** In the order of their names, which does not depend on when they were made or loaded. */
export const viewsByName = (state: StreamState): readonly ViewState[] =>
  [...state.views.values()].sort((a, b) => (a.config.name < b.config.name ? -1 : 1));
