/**
 * The browser log: append, read and trim, in order. Its offset is the producer's sequence at the edge. This file says what
 * every log promises; plan.ts decides, idb-log.ts and memory-log.ts keep.
 *
 * One record holds one group commit: the events that one call handed over, under one random id. Sequences are dense,
 * except where events had to be dropped: a hole in them is what the client declares to the edge as `lost`.
 *
 *     floor                                next
 *       │ record        record     hole  record │
 *   ────┼───────────────┬──────────┬ ─ ─ ┬──────┤
 *   acknowledged ≤ floor           what was dropped        sendLimit ≤ next
 */
import type { CommitPoint, DropTotals, Result } from "#protocol";

/** One group commit. */
export interface LogRecord {
  /** Sequence of the first event; the rest count on by one. */
  readonly sequence: number;
  /** Random, 64 bits: tells a retry from another history under the same sequences. */
  readonly commitId: string;
  /** When it was logged, in milliseconds since the epoch. */
  readonly at: number;
  /** UTF-8 bytes of the events. */
  readonly bytes: number;
  /** Each event as JSON. */
  readonly events: readonly string[];
}

/** What the log knows beside its records; one row, written in the transaction that changes them. */
export interface LogState {
  /** Random: another one means that the storage was cleared in between. */
  readonly logId: string;
  readonly producerId: string;
  /** Sequence that the next event takes. */
  readonly next: number;
  /** Every sequence below is settled at the edge. */
  readonly acknowledged: number;
  /** Every event below has left the log: delivered or dropped. */
  readonly floor: number;
  /** Sequences below may have left this device. Written with strict durability before they do. */
  readonly sendLimit: number;
  /** Events and bytes held. */
  readonly events: number;
  readonly bytes: number;
  /** Events ever logged, under whatever producer id. */
  readonly appended: number;
  /** Events ever delivered. */
  readonly delivered: number;
  readonly lost: DropTotals;
  /** What the edge has been told of `lost`, … */
  readonly told: DropTotals;
  /** … and what of that under earlier producer ids. */
  readonly toldBefore: DropTotals;
  /** The storage was cleared: this producer id only serves to deliver what pages have put back (restore.ts). */
  readonly retiring: boolean;
  /** When that was found, in milliseconds since the epoch: for a moment, nothing is sent. */
  readonly clearedAt?: number;
  /** The producer id before this one, and what was taken off its sequences. */
  readonly renewed: { readonly from: string; readonly base: number } | null;
}

/** How far the events of one page load are logged. Makes a call that is made twice count once. */
export interface LaneMark {
  /** Number of the last event that was logged. */
  readonly high: number;
  /** The sequence it took, so that a call made again learns what the first one was told. */
  readonly sequence: number;
  /** Number of the last event that was answered for: what lies between was refused, and is counted. */
  readonly seen?: number;
  readonly at: number;
}

/** Events of one page load, in order, for the log to keep. */
export interface AppendCall {
  readonly lane: string;
  /** The lane's number of the first event; the rest count on by one. */
  readonly first: number;
  readonly events: readonly string[];
  /** From a spill: if the browser has no room for them they stay there, and are not counted as refused. */
  readonly spilled?: boolean;
}

/** One commit as a page holds it: the first of its events has this sequence. */
export interface HeldCommit {
  readonly sequence: number;
  readonly commitId: string;
  readonly events: readonly string[];
}

/** What one page holds of what it was told is durable, in order. */
export interface Held {
  readonly producerId: string;
  /** What lies below has left the log. */
  readonly floor: number;
  readonly commits: readonly HeldCommit[];
}

/** Consecutive sequences: the first of them, and how many. */
export type Run = readonly [sequence: number, count: number];

export interface Appended {
  /** Sequences of the first events of the call; those that the runs do not cover were refused: the log is full. */
  readonly runs: readonly Run[];
  /** The new events' commits: none for a call that had been made before. */
  readonly commits: readonly CommitPoint[];
  /** Whether the new events may be sent from now on without asking the log. */
  readonly sendable: boolean;
  readonly state: LogState;
}

export type AppendLogFailure =
  /** The browser's quota, not the log's own bound. */
  | { readonly reason: "quota_exceeded" }
  /** The storage does not work, a second attempt on a fresh connection included. */
  | { readonly reason: "storage_failed"; readonly detail: string }
  /** Consent was withdrawn in another tab. */
  | { readonly reason: "erased" };

/** Consecutive events that leave together. */
export interface Batch {
  readonly producerId: string;
  readonly sequence: number;
  /** Events just before `sequence` that were dropped. */
  readonly lost: number;
  /** What was dropped under this producer id, by reason. */
  readonly dropped: DropTotals;
  /** Commits that the events come from. */
  readonly commits: readonly CommitPoint[];
  readonly events: readonly string[];
}

export interface BatchBounds {
  readonly eventsMax: number;
  /** UTF-8 bytes of the events with their commas, and of the commits that they name. */
  readonly bytesMax: number;
}

/** What became of events that leave the log. */
export type Outcome =
  /** `dropped`: what the edge was told with them, in all. */
  | { readonly kind: "delivered"; readonly rejected: number; readonly dropped?: DropTotals }
  | { readonly kind: "dropped"; readonly reason: string };

export interface Settled {
  /** How many events left the log. */
  readonly count: number;
  readonly state: LogState;
}

/** This caller does not lead any more: somebody else has taken the lease. */
export interface NotLeader {
  readonly reason: "not_leader";
}

/**
 * What a log is. Methods other than `append` reject when the storage fails, or with {@link LogErased}; whoever leads then
 * gives up its term.
 *
 * A term is the random token in the lease. Whatever only a leader may do names its term, and the log compares it inside the
 * transaction: a leader that was frozen, and wakes after another took over, finds out before it can do harm.
 */
export interface Log {
  readonly durability: "disk" | "memory";
  state(): Promise<LogState>;
  /** Logs what the lane's mark does not cover yet. Resolves when it is durable. */
  append(call: AppendCall, at: number): Promise<Result<Appended, AppendLogFailure>>;
  /**
   * Reads the first events that have not left the log, and records that they may be sent.
   *
   * @param term null for a page's hide-time tail, which needs no leader
   * @returns null if there is nothing to send
   */
  prepare(term: string | null, bounds: BatchBounds): Promise<Result<Batch | null, NotLeader>>;
  /** Takes events below `through` out of the log. Null: the log is under another producer id by now. */
  settle(producerId: string, through: number, outcome: Outcome): Promise<Settled | null>;
  /**
   * Goes on under a new producer id. Commits among `points` count as delivered, with all before them; the rest is
   * numbered again from 0.
   */
  renew(term: string, producerId: string, points: readonly CommitPoint[]): Promise<Result<Settled, NotLeader>>;
  /** Puts back what a page holds, after the storage was cleared under it (restore.ts). */
  restore(held: Held, at: number): Promise<LogState>;
  /** Drops what was logged before a point in time. */
  expire(term: string, before: number): Promise<Result<Settled, NotLeader>>;

  /** Takes the lease for a term, if nobody holds it, its heartbeat has stopped, or by force. */
  takeLease(term: string, now: number, force: boolean): Promise<boolean>;
  /** The heartbeat. False: another term has begun. */
  keepLease(term: string, now: number): Promise<boolean>;
  dropLease(term: string): Promise<void>;
  /** Whether the lease is free for the taking. */
  leaseExpired(now: number): Promise<boolean>;

  close(): void;
}

/** Where a log takes its randomness, and how much it may hold. */
export interface LogOptions {
  readonly eventsMax: number;
  readonly bytesMax: number;
  /** 16 hexadecimal digits. */
  readonly randomId: () => string;
  /**
   * As long as no more than this is unacknowledged, an append is strictly durable and may be sent at once: the page can
   * then send it as it hides. Beyond, the page could not send it anyway.
   */
  readonly sendableBytesMax: number;
  /** The browser has closed the connection to the storage: it may have been cleared, or erased by another tab. */
  readonly onDisconnect?: () => void;
  /** This log was the first to find its storage cleared. `lost.cleared` was so much before, and now has all that was held. */
  readonly onCleared?: (lostBefore: number) => void;
}

/** How a log fails that another tab has erased: for good, and on purpose. */
export class LogErased extends Error {}

export interface Lease {
  readonly term: string;
  readonly at: number;
}
