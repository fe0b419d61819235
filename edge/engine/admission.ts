/**
 * Admission: what a producer's batch is to what was admitted before it. Decides only; the partition commits the proposed
 * state together with the records, so that a retry can be cut anywhere and still count once.
 *
 * The browser log's offset is the event's sequence. With `last` the greatest sequence that was admitted:
 *
 *   sequence - lost > last + 1     a gap: events in between are somewhere else, or nowhere
 *   at or below `last`             duplicates; they are the first events of the batch
 *   above `last`                   new
 *
 * A copied or rolled-back profile would number other events with sequences that were used before, and they would pass for
 * duplicates. So every commit of the browser log has a random id, and a batch names the commits that its events come from:
 * a sequence that is known under another commit means that the producer has forked. Only the last 16 commits are
 * remembered: a fork that is further back is not seen.
 */
import {
  addTotals,
  type AdmissionFailure,
  type CommitPoint,
  type DropTotals,
  fail,
  growth,
  knownReasons,
  ok,
  type Result,
} from "#protocol";

/** Commits remembered for each producer: a browser log keeps one batch in flight, of a few commits at most. */
export const COMMIT_POINTS_MAX = 16;

export interface ProducerState {
  /** Greatest sequence that was admitted. */
  readonly last: number;
  /** First sequences and ids of the last commits, oldest first. */
  readonly points: readonly CommitPoint[];
  /** The greatest totals that it has told of what it dropped. */
  readonly dropped: DropTotals;
}

export interface ProducerBatch {
  readonly sequence: number;
  readonly lost: number;
  readonly commits: readonly CommitPoint[];
  readonly dropped: DropTotals;
  /** Events in the batch, those that were rejected included: they use up their sequences. */
  readonly count: number;
  /** An Idempotency-Key: whatever was sent under it before, this is the same. */
  readonly once: boolean;
}

export interface Admission {
  /** How many of the batch's first events were admitted before. */
  readonly duplicates: number;
  /** Sequences that the client declared lost and that nobody had admitted. */
  readonly lost: number;
  /** What the producer tells for the first time that it dropped, by reason. */
  readonly dropped: DropTotals;
  /** What the producer's state becomes if the batch is committed. */
  readonly next: ProducerState;
}

/** @param state undefined for a producer that is not known: its count starts at 0, or at 1 */
export function admit(state: ProducerState | undefined, batch: ProducerBatch): Result<Admission, AdmissionFailure> {
  if (batch.once && state !== undefined) return ok({ duplicates: batch.count, lost: 0, dropped: {}, next: state });
  const firstNamed = batch.sequence - batch.lost;
  const known = state ?? { last: Math.min(firstNamed, 1) - 1, points: [], dropped: {} };
  const contradiction = batch.commits.some((point) => contradicts(known, point));
  if (contradiction) return fail({ reason: "producer_forked", commits: known.points });
  if (firstNamed > known.last + 1) {
    return fail({
      reason: "sequence_gap",
      expected: state === undefined ? 0 : known.last + 1,
      received: batch.sequence,
    });
  }
  const dropped = growth(known.dropped, knownReasons(batch.dropped));
  const duplicates = Math.min(Math.max(known.last + 1 - batch.sequence, 0), batch.count);
  return ok({
    duplicates,
    lost: Math.max(batch.sequence - (known.last + 1), 0),
    dropped,
    next: {
      last: Math.max(known.last, batch.sequence + batch.count - 1),
      points: withPoints(known.points, batch.commits),
      dropped: addTotals(known.dropped, dropped),
    },
  });
}

/** Whether a commit that the client names holds a sequence that was admitted under another commit's id. */
function contradicts(known: ProducerState, [sequence, id]: CommitPoint): boolean {
  if (sequence > known.last) return false;
  const holder = known.points.findLast((point) => point[0] <= sequence);
  // Older than all that is remembered: nothing can be said.
  return holder !== undefined && holder[1] !== id;
}

function withPoints(points: readonly CommitPoint[], commits: readonly CommitPoint[]): readonly CommitPoint[] {
  const newest = points.at(-1)?.[0] ?? -1;
  const added = commits.filter(([sequence]) => sequence > newest).toSorted((a, b) => a[0] - b[0]);
  return added.length === 0 ? points : [...points, ...added].slice(-COMMIT_POINTS_MAX);
}
