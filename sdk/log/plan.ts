/**
 * What the log decides: from its state and records to the next state and the records to write or remove. Pure, and shared by
 * every log, so that they cannot drift: no storage, no clock, no dice (ids are handed in).
 */
import { addDropped, addTotals, type CommitPoint, growth, PRODUCER_LIMITS } from "#protocol";
import { LEASE_LIMITS, LOG_LIMITS } from "./limits.ts";
import type {
  AppendCall,
  Batch,
  BatchBounds,
  LaneMark,
  Lease,
  LogOptions,
  LogRecord,
  LogState,
  Outcome,
  Run,
} from "./log.ts";
import { utf8Length } from "./utf8.ts";

/** Bytes that one commit adds to a request: `[sequence,"16 digits"],` with the longest sequence. */
export const COMMIT_BYTES = 38;

export const endOf = (record: LogRecord): number => record.sequence + record.events.length;

/** The state of a log that nothing was written to. Producers count from 0. */
export const freshState = (producerId: string, logId: string): LogState => ({
  logId,
  producerId,
  next: 0,
  acknowledged: 0,
  floor: 0,
  sendLimit: 0,
  events: 0,
  bytes: 0,
  appended: 0,
  delivered: 0,
  lost: {},
  told: {},
  toldBefore: {},
  retiring: false,
  renewed: null,
});

// --- append ----------------------------------------------------------------------------------------------------------

export interface AppendPlan {
  readonly state: LogState;
  readonly mark: LaneMark;
  readonly records: readonly LogRecord[];
  readonly runs: readonly Run[];
  /** False if the call had been answered before. */
  readonly changes: boolean;
  /** Whether the commit is to be strictly durable and the events sendable. */
  readonly sendable: boolean;
}

/** What a call adds: its events above the lane's mark, as far as the log has room. The rest are counted as lost. */
export function planAppend(
  before: LogState,
  mark: LaneMark | undefined,
  call: AppendCall,
  at: number,
  options: LogOptions,
): AppendPlan {
  const known = mark === undefined ? 0 : Math.min(Math.max(mark.high - call.first + 1, 0), call.events.length);
  const runs: Run[] = [];
  // A lane has one call at a time under way, so what is known of this call was one commit: its sequences are dense.
  if (known > 0 && mark !== undefined) runs.push([mark.sequence - (mark.high - call.first), known]);

  const records: LogRecord[] = [];
  let { next, events, bytes } = before;
  // What was refused before is counted already, and stays so.
  const start = Math.min(Math.max(known, (mark?.seen ?? -1) - call.first + 1), call.events.length);
  let taken = start;
  let chunk: string[] = [];
  let chunkBytes = 0;
  const cut = () => {
    if (chunk.length === 0) return;
    const sequence = next - chunk.length;
    const commitId = options.randomId();
    records.push({ sequence, commitId, at, bytes: chunkBytes, events: chunk });
    chunk = [];
    chunkBytes = 0;
  };
  for (const event of call.events.slice(start)) {
    const size = utf8Length(event);
    if (events + 1 > options.eventsMax || bytes + size > options.bytesMax) break;
    if (chunk.length === LOG_LIMITS.recordEventsMax || chunkBytes + size > LOG_LIMITS.recordBytesMax) cut();
    chunk.push(event);
    chunkBytes += size;
    events++;
    bytes += size;
    next++;
    taken++;
  }
  cut();
  const added = taken - start;
  if (added > 0) runs.push([next - added, added]);
  const refused = call.events.length - taken;
  const sendable = added > 0 && bytes <= options.sendableBytesMax;
  const lost = addDropped(before.lost, "log_full", refused);
  // What was refused stays above the mark's height: that is a claim that something is durable.
  const { high, sequence } =
    added > 0 ? { high: call.first + taken - 1, sequence: next - 1 } : (mark ?? { high: -1, sequence: -1 });
  const seen = Math.max(mark?.seen ?? -1, call.first + call.events.length - 1);
  return {
    // Refused events use up sequences: the hole tells the edge that something is missing.
    state: {
      ...before,
      next: next + refused,
      events,
      bytes,
      appended: before.appended + added,
      lost,
      sendLimit: sendable ? next : before.sendLimit,
    },
    mark: { high, sequence, seen, at },
    changes: added + refused > 0,
    records,
    runs,
    sendable,
  };
}

// --- read ------------------------------------------------------------------------------------------------------------

/** Takes consecutive events from the floor on, up to the bounds or the next hole, and at least one. */
export function takeBatch(state: LogState, records: readonly LogRecord[], bounds: BatchBounds): Batch | null {
  const events: string[] = [];
  const commits: CommitPoint[] = [];
  let sequence = -1;
  let bytes = 0;
  outer: for (const record of records) {
    const skipped = Math.max(state.floor - record.sequence, 0);
    if (skipped >= record.events.length) continue;
    if (sequence === -1) sequence = record.sequence + skipped;
    else if (record.sequence !== sequence + events.length) break;
    let named = false;
    for (const event of record.events.slice(skipped)) {
      const size = utf8Length(event) + 1 + (named ? 0 : COMMIT_BYTES);
      if (events.length > 0 && (events.length === bounds.eventsMax || bytes + size > bounds.bytesMax)) break outer;
      if (!named) commits.push([record.sequence, record.commitId]);
      named = true;
      events.push(event);
      bytes += size;
    }
  }
  if (sequence === -1) return null;
  // More than the contract lets one batch declare: the edge will call it a gap, and a new producer id begins.
  const lost = Math.min(Math.max(sequence - state.acknowledged, 0), PRODUCER_LIMITS.lostMax);
  // What the edge has rejected it has counted itself.
  const { rejected: _, ...dropped } = growth(state.toldBefore, state.lost);
  return { producerId: state.producerId, sequence, lost, dropped, commits, events };
}

/** Whether these records hold a full batch, so that no more need to be read. */
export function fillsBatch(state: LogState, records: readonly LogRecord[], bounds: BatchBounds): boolean {
  let events = 0;
  let bytes = 0;
  for (const record of records) {
    events += record.events.length - Math.max(state.floor - record.sequence, 0);
    bytes += record.bytes;
  }
  // The first record may lie below the floor in part, so its bytes do not count.
  return events >= bounds.eventsMax || bytes - (records[0]?.bytes ?? 0) >= bounds.bytesMax;
}

/** A log without records that believes it holds some: the storage has lost them, whatever it promised. */
export function reconcile(state: LogState): LogState {
  if (state.events === 0) return state;
  return {
    ...state,
    events: 0,
    bytes: 0,
    floor: state.next,
    lost: addDropped(state.lost, "rolled_back", state.events),
  };
}

// --- trim ------------------------------------------------------------------------------------------------------------

export interface SettlePlan {
  readonly state: LogState;
  /** Keys of records to remove. */
  readonly removed: readonly number[];
  readonly count: number;
}

/** @param records those that begin below `through`, at least */
export function planSettle(
  before: LogState,
  records: readonly LogRecord[],
  through: number,
  outcome: Outcome,
): SettlePlan {
  const removed: number[] = [];
  let count = 0;
  let bytes = before.bytes;
  for (const record of records) {
    const from = Math.max(record.sequence, before.floor);
    count += Math.max(Math.min(endOf(record), through) - from, 0);
    if (endOf(record) > through) continue;
    removed.push(record.sequence);
    bytes -= record.bytes;
  }
  const floor = Math.max(before.floor, through);
  const trimmed = { ...before, floor, bytes, events: before.events - count };
  if (outcome.kind === "dropped") {
    return { removed, count, state: { ...trimmed, lost: addDropped(before.lost, outcome.reason, count) } };
  }
  // A reply that is heard twice finds nothing left to count.
  const rejected = Math.min(outcome.rejected, count);
  const state = {
    ...trimmed,
    acknowledged: Math.max(before.acknowledged, through),
    told: addTotals(before.told, growth(before.told, addTotals(before.toldBefore, outcome.dropped ?? {}))),
    delivered: before.delivered + count - rejected,
    lost: addDropped(before.lost, "rejected", rejected),
  };
  return { removed, count, state };
}

/** End of the oldest records that were logged before a point in time: 0 if the first is younger. */
export function expiredThrough(records: readonly LogRecord[], before: number): number {
  const young = records.findIndex((record) => record.at >= before);
  const last = young === -1 ? records.at(-1) : records[young - 1];
  return last === undefined ? 0 : endOf(last);
}

/** Settles what the edge knows, and numbers the rest from 0 under a new id. Holes stay holes: they are still lost. */
export function planRenew(
  before: LogState,
  records: readonly LogRecord[],
  points: readonly CommitPoint[],
  producerId: string,
): { readonly state: LogState; readonly records: readonly LogRecord[]; readonly count: number } {
  const known = new Map(points);
  const match = records.findLast((record) => known.get(record.sequence) === record.commitId);
  const { state, count } =
    match === undefined
      ? { state: before, count: 0 }
      : planSettle(before, records, endOf(match), { kind: "delivered", rejected: 0 });

  const rest = records.filter((record) => endOf(record) > state.floor);
  const first = Math.max(rest[0]?.sequence ?? state.next, state.floor);
  const holeMax = Math.min(first - state.acknowledged, PRODUCER_LIMITS.lostMax);
  const base = first - holeMax;
  const renumbered = rest.map((record): LogRecord => {
    const events = record.events.slice(Math.max(first - record.sequence, 0));
    const sequence = Math.max(record.sequence, first) - base;
    return { ...record, sequence, events, bytes: events.reduce((sum, event) => sum + utf8Length(event), 0) };
  });
  return {
    records: renumbered,
    count,
    state: {
      ...state,
      producerId,
      // A fork: under the old id another history may have told as much, or an answer to us was lost. Told twice would be worse.
      toldBefore: points.length > 0 ? state.lost : state.told,
      renewed: { from: state.producerId, base },
      next: state.next - base,
      acknowledged: 0,
      floor: first - base,
      sendLimit: 0,
      bytes: renumbered.reduce((sum, record) => sum + record.bytes, 0),
    },
  };
}

// --- lease -----------------------------------------------------------------------------------------------------------

/** Clocks are set back, too: a heartbeat from the far future is as dead as an old one. */
export const leaseIsDead = (lease: Lease | undefined, now: number): boolean =>
  lease === undefined || Math.abs(now - lease.at) > LEASE_LIMITS.expiresAfterMs;
