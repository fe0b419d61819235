/** Bounds and times of the SDK around the log, each with its unit and reason. */

const KIB = 1024;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

export const SEND_LIMITS = {
  /** Events of one request, unless the page says otherwise: at the edge, more brings little. */
  batchEventsDefault: 500,
  /** What the wire contract lets a page send at once. */
  batchEventsMax: 1_000,
  /** Bytes of one request: half of what the edge takes, and quick enough on a slow uplink. */
  batchBytesMax: 128 * KIB,
  /** How long a batch waits to fill: below what a person notices, above what one burst of clicks takes. */
  lingerDefaultMs: 200,
  /** An edge that takes longer than this to answer is treated as one that does not. */
  requestMaxMs: 30 * SECOND_MS,
  /** The first retry comes within this time, … */
  backoffFirstMs: 500,
  /** … and each within this. */
  backoffMaxMs: 1 * MINUTE_MS,
  /** A Retry-After beyond this is a mistake: the log would only wait. */
  retryAfterMaxMs: 60 * MINUTE_MS,
  /** After a refusal that retrying cannot cure: someone may have put the key or the stream right. */
  pauseMs: 5 * MINUTE_MS,
  /** How often a leader with nothing to do looks into the log, in case a message from another tab was lost. */
  idleMs: 10 * SECOND_MS,
  /** The same where browsers have no BroadcastChannel to send one. */
  idleAloneMs: 1 * SECOND_MS,
  /** How often a leader looks for events that have grown too old. */
  expireEveryMs: 60 * MINUTE_MS,
  /** Gaps, forks and splits are answered at once, but not for ever. */
  promptRetriesMax: 4,
} as const;

export const LEADER_LIMITS = {
  /** How often a tab that waits looks whether the leader still lives. */
  watchMs: 2 * SECOND_MS,
  /** Pause before the next candidacy after a term that ended in an error. */
  reelectMs: 1 * SECOND_MS,
} as const;

export const WORKER_LIMITS = {
  /** A worker that does not answer its first call in this time will not: CSP refuses silently. */
  handshakeMaxMs: 1_500,
  /** Pause before all rungs are tried again, where none held. */
  againMs: 5 * SECOND_MS,
  /** A call that takes longer makes the page ask whether the worker still lives. */
  callMs: 1_500,
  /** And a worker that does not answer that in this time is dead. */
  pingMaxMs: 1_000,
  /** Added to that: a page that was busy finds the time over and the answer there at once. */
  pingGraceMs: 100,
} as const;

export const PAGE_LIMITS = {
  /** Events that wait in memory for consent or for the log. */
  waitingEventsMax: 10_000,
  /** Characters of those, one or two bytes each: half of what the log may hold, for this is the page's own memory. */
  waitingCharsMax: 4 * 1024 * KIB,
  /** Events of one call to the worker: the copy, and later the answers, are each one task of the main thread. */
  callEventsMax: 500,
  /** Characters of one page load's spill: localStorage is written synchronously while the page goes away. */
  spillCharsMax: 256 * KIB,
  /** Spills found at start; more can only come from a broken page. */
  spillsMax: 100,
  /** Body of the hide-time request: browsers allow 64 KiB in flight for a whole page. */
  tailBytesMax: 60 * KIB,
  /** Of those, what the envelope around the events may take. */
  tailEnvelopeBytes: 1 * KIB,
} as const;
