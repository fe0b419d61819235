/**
 * The generations of one view, and every way in which they change places:
 *
 *   startGeneration     ·          →  building
 *   promoteGeneration   building   →  in force  →  previous  →  gone
 *   rollBackGeneration  in force  ⇄  previous
 *   dropBuilding        building   →  gone
 *   failBuilding        building   →  gone, with a reason
 *   expirePrevious      previous   →  gone, 7 days after it was last in force
 *
 * All that is not gone is in `wantedGenerations`, the list that partitions are told. Pure: no clock, no storage.
 */
import { assert } from "#protocol";
import { ENGINE_VERSION, type ViewSpec } from "#engine";
import type { GenerationConfig, RollupAges } from "../partition/rpc.ts";
import { STREAM_LIMITS } from "./limits.ts";
import type { ViewConfig } from "./rpc.ts";
import type { Generation, ViewState } from "./state.ts";

/** A view that has never been built. */
export function newView(config: ViewConfig, generationFloor: number): ViewState {
  return { config, lastGeneration: generationFloor, inForce: null, previous: null, building: null, error: null };
}

export interface GenerationPlan {
  readonly spec: ViewSpec;
  readonly retentionMs: number;
  readonly rollup?: RollupAges;
  readonly mode: "build" | "verify";
  readonly from: number | null;
  readonly maxDuty: number;
}

/** Takes the next number for a generation to be built beside the one in force. */
export function startGeneration(view: ViewState, plan: GenerationPlan): ViewState & { readonly building: Generation } {
  assert(view.building === null, "one generation is built at a time");
  const building: Generation = {
    ...plan,
    generation: view.lastGeneration + 1,
    engineVersion: ENGINE_VERSION,
    against: view.inForce?.generation ?? null,
  };
  return { ...view, lastGeneration: building.generation, building, error: null };
}

/** The generation that was built answers from now on. The view's configuration becomes what it was built from. */
export function promoteGeneration(view: ViewState, now: number): ViewState {
  const inForce = view.building;
  assert(inForce !== null && inForce.mode === "build", "a generation that was built to be promoted");
  return {
    ...view,
    config: configOf(view.config.name, inForce),
    inForce,
    previous: view.inForce === null ? null : keepUntil(view.inForce, now),
    building: null,
    error: null,
  };
}

/** The previous generation answers again, and the one in force becomes the previous one: twice is where it began. */
export function rollBackGeneration(view: ViewState, now: number): ViewState {
  assert(view.inForce !== null && view.previous !== null, "a generation to return to");
  const inForce = view.previous.generation;
  return { ...view, config: configOf(view.config.name, inForce), inForce, previous: keepUntil(view.inForce, now) };
}

/**
 * The generation being built is not wanted any more: cancelled, or a verification that has its verdict. If it was the
 * changed specification of a PUT that is taken back, the view's configuration is again that of the one in force.
 */
export function dropBuilding(view: ViewState): ViewState {
  const takenBack =
    view.building !== null && view.inForce !== null && sameSpec(view.building.spec, specOf(view.config))
      ? configOf(view.config.name, view.inForce)
      : view.config;
  return { ...view, config: takenBack, building: null };
}

/** The build came to nothing. What was asked for stands, so that asking for it again tries again. */
export function failBuilding(view: ViewState, error: string): ViewState {
  return { ...view, building: null, error: view.building?.mode === "build" ? error : view.error };
}

export function expirePrevious(view: ViewState, now: number): ViewState {
  return view.previous !== null && view.previous.until <= now ? { ...view, previous: null } : view;
}

/** How long windows are kept, and when they are rolled up. */
export type Keeping = Pick<ViewConfig, "retentionMs" | "rollup">;

export const keepingOf = ({ retentionMs, rollup }: Keeping): Keeping => ({
  retentionMs,
  ...(rollup !== undefined && { rollup }),
});

export const isSameKeeping = (a: Keeping, b: Keeping): boolean =>
  canonicalJson(keepingOf(a)) === canonicalJson(keepingOf(b));

/** How windows are kept is no part of the specification: it changes at once, for all generations, and without a replay. */
export function changeKeeping(view: ViewState, keeping: Keeping): ViewState {
  if (isSameKeeping(view.config, keeping)) return view;
  return {
    ...view,
    config: keep(view.config, keeping),
    inForce: view.inForce && keep(view.inForce, keeping),
    previous: view.previous && { ...view.previous, generation: keep(view.previous.generation, keeping) },
    building: view.building && keep(view.building, keeping),
  };
}

function keep<T extends Keeping>(kept: T, keeping: Keeping): T {
  const entries = Object.entries({ ...kept, ...keepingOf(keeping) });
  return Object.fromEntries(entries.filter(([name]) => name !== "rollup" || keeping.rollup !== undefined)) as T;
}

/** What partitions have to keep of this view. Everything that is not in it they drop. */
export function wantedGenerations(view: ViewState): readonly GenerationConfig[] {
  return [view.inForce, view.previous?.generation ?? null, view.building]
    .filter((generation) => generation !== null)
    .map(({ generation, spec, mode, from, against, maxDuty, paused, ...keeping }) => {
      const pause = paused === true ? { paused } : {};
      return {
        view: view.config.name,
        generation,
        spec,
        ...keepingOf(keeping),
        mode,
        from,
        against,
        maxDuty,
        ...pause,
      };
    });
}

/**
 * What a view computes. Its measures stand in the order of their names: windows hold what was accumulated in the order in
 * which the measures are listed, and a generation may take windows over from one that was written down differently.
 */
export function specOf({ where, groupBy, windowMs, measures, spam, session }: ViewConfig): ViewSpec {
  const named = Object.entries(measures).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    where,
    groupBy,
    windowMs,
    measures: Object.fromEntries(named),
    ...(spam !== undefined && { spam }),
    ...(session !== undefined && { session }),
  };
}

/** Whether two specifications ask for the same numbers: the order in which an object's names were written is nothing. */
export const sameSpec = (a: ViewSpec, b: ViewSpec): boolean => canonicalJson(a) === canonicalJson(b);

/** JSON with the names of objects in order. */
export function canonicalJson(value: unknown): string | undefined {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

const configOf = (name: string, { spec, ...keeping }: Generation): ViewConfig => ({
  name,
  ...spec,
  ...keepingOf(keeping),
});

const keepUntil = (generation: Generation, now: number) => ({ generation, until: now + STREAM_LIMITS.previousKeptMs });
