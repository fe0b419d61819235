/**
 * When the storage was cleared under open pages: what the log decides then. Pure, like plan.ts.
 *
 * The pages still hold what they were told is durable and the edge has not acknowledged. Some of it may have been on its way
 * when the storage went, or at the edge already, so it cannot simply be logged anew: it is put back under the producer id and
 * the sequences that it had, and the edge tells what it knows. That id serves for nothing else any more: as soon as nothing is
 * held under it, a new one begins. Who clears a browser's storage must not be known again by it.
 *
 *   cleared     all that was in the log counts as lost, by the reason `cleared`
 *   put back    what pages hold counts as held again
 *   retired     nothing is held: a new producer id
 */
import { addDropped } from "#protocol";
import { CLEARED_LIMITS } from "./limits.ts";
import type { Held, HeldCommit, LogRecord, LogState } from "./log.ts";
import { endOf, planRenew } from "./plan.ts";
import { utf8Length } from "./utf8.ts";

/** The log in an empty storage, as far as `seen`, the state it had, is remembered. */
export function afterClearing(seen: LogState, logId: string, clearedAt: number): LogState {
  const lost = addDropped(seen.lost, "cleared", seen.events);
  const { next } = seen;
  // Where this tab last looked, others may have gone on: whatever it was, it may have been sent.
  return { ...seen, logId, clearedAt, floor: next, sendLimit: next, events: 0, bytes: 0, retiring: true, lost };
}

/**
 * Whether pages may still be putting back what they hold. Until then nothing is sent: what one of them has put back would
 * declare lost what another still holds, and the edge would take that, when it comes, for something that it knows.
 */
export const awaitsRestores = ({ retiring, clearedAt = 0 }: LogState, now: number): boolean =>
  retiring && Math.abs(now - clearedAt) < CLEARED_LIMITS.restoreMaxMs;

/** Puts back what a page holds. What is there already, or acknowledged, is left alone, so that it may be asked twice. */
export function planRestore(
  before: LogState,
  present: readonly LogRecord[],
  held: Held,
  at: number,
): { readonly state: LogState; readonly records: readonly LogRecord[] } {
  const known = new Set(present.map(({ commitId }) => commitId));
  const records: LogRecord[] = [];
  let { next, floor, events, bytes } = before;
  let count = 0;
  const put = (commit: HeldCommit, sequence: number, unacknowledged: number) => {
    const size = commit.events.reduce((sum, event) => sum + utf8Length(event), 0);
    records.push({ ...commit, sequence, at, bytes: size });
    count += unacknowledged;
    bytes += size;
    next = Math.max(next, sequence + commit.events.length);
  };
  const elsewhere: HeldCommit[] = [];
  for (const commit of held.commits) {
    const { sequence } = commit;
    const end = sequence + commit.events.length;
    if (known.has(commit.commitId)) continue;
    const taken = [...present, ...records].some((other) => other.sequence < end && endOf(other) > sequence);
    if (held.producerId !== before.producerId || taken) {
      elsewhere.push(commit);
    } else if (end > before.acknowledged) {
      put(commit, sequence, end - Math.max(sequence, before.acknowledged));
      floor = Math.max(Math.min(floor, sequence), before.acknowledged);
    }
  }
  // Another tab has begun anew, or was faster: then these are new events.
  for (const commit of elsewhere) {
    const rest = commit.events.slice(Math.max(held.floor - commit.sequence, 0));
    if (rest.length > 0) put({ ...commit, events: rest }, next, rest.length);
  }
  events += count;
  const lost = addDropped(before.lost, "cleared", -count);
  // The tab that found the storage cleared may not have heard of all that was logged.
  const appended = before.appended + Math.max(count - (before.lost["cleared"] ?? 0), 0);
  return { records, state: { ...before, next, floor, events, bytes, appended, lost } };
}

/** The state once nothing is held under a producer id that only serves to deliver what was put back. */
export const retire = (state: LogState, producerId: string): LogState =>
  state.retiring && state.events === 0 ? { ...planRenew(state, [], [], producerId).state, retiring: false } : state;
