/** Bounds of the browser log, each with its unit and reason. */

const KIB = 1024;
const SECOND_MS = 1_000;
const DAY_MS = 24 * 60 * 60 * SECOND_MS;

export const LOG_LIMITS = {
  /** Far below any browser's quota: deleting does not free quota at once, so the log must never come near it. */
  bytesMax: 8_000_000,
  /** A day of very busy clicking; what a page may be asked to read again after a crash. */
  eventsMax: 20_000,
  /** Events older than this were tracked for nobody: the edge itself refuses those of 90 days. */
  ageMaxMs: 30 * DAY_MS,
  /** One event as JSON: the whole hide-time request has to fit in 60 KiB. */
  eventBytesMax: 56 * KIB,
  /** Events of one record. A record is read whole, so a burst is cut into several. */
  recordEventsMax: 1_000,
  /** Bytes of one record, for the same reason. */
  recordBytesMax: 256 * KIB,
} as const;

export const DATABASE_LIMITS = {
  /** `open()` may hang for ever (https://bugs.webkit.org/show_bug.cgi?id=226547, or a blocked upgrade). */
  openMaxMs: 2 * SECOND_MS,
  /** A transaction that neither completes nor aborts in this time is on a dead connection. */
  transactionMaxMs: 5 * SECOND_MS,
} as const;

export const LEASE_LIMITS = {
  /** How often the leader says that it lives. */
  heartbeatMs: 1 * SECOND_MS,
  /** A lease without a heartbeat for this long may be taken over: a hidden tab's timers run once a second at worst. */
  expiresAfterMs: 6 * SECOND_MS,
} as const;

export const CLEARED_LIMITS = {
  /** How long pages have to put back what they hold: a message and a transaction, on a busy machine. */
  restoreMaxMs: 2 * SECOND_MS,
} as const;
