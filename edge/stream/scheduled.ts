/** Verifications that are started by themselves. Pure. */
import { fail, ok, type Result } from "#protocol";
import { keepingOf } from "./generations.ts";
import { STREAM_LIMITS } from "./limits.ts";
import { beginReplay } from "./replays.ts";
import type { AdminFailure } from "./rpc.ts";
import { type StreamState, type ViewState, withEntry } from "./state.ts";
import { BY_SCHEDULE } from "./verification.ts";

/** A quarter of the time: nobody waits for it. */
const DUTY = 0.25;

/** @param everyMs null: not by itself any more */
export function scheduleVerification(
  state: StreamState,
  name: string,
  everyMs: number | null,
  now: number,
): Result<StreamState, AdminFailure> {
  const known = state.views.get(name);
  if (known === undefined) return fail({ reason: "unknown_view", view: name });
  const { verify: _, ...view } = known;
  const scheduled = everyMs === null ? view : { ...view, verify: { everyMs, dueAt: now + everyMs } };
  return ok({ ...state, views: withEntry(state.views, name, scheduled) });
}

/** Starts every verification that is due. A view that is being built is looked at again soon. */
export function startDue(state: StreamState, now: number): StreamState {
  let next = state;
  for (const [name, view] of state.views) {
    const { verify, inForce, building } = view;
    if (verify === undefined || now < verify.dueAt) continue;
    const canStart = inForce !== null && building === null;
    const wait = canStart ? verify.everyMs : Math.min(verify.everyMs, STREAM_LIMITS.verifyAgainMs);
    const later: ViewState = { ...view, verify: { ...verify, dueAt: now + wait } };
    next = { ...next, views: withEntry(next.views, name, later) };
    if (!canStart) continue;
    const { spec, ...keeping } = inForce;
    const plan = { spec, ...keepingOf(keeping), mode: "verify", from: null, maxDuty: DUTY } as const;
    next = beginReplay(next, later, plan, { promote: "manual", note: BY_SCHEDULE, declared: false }, now).state;
  }
  return next;
}
