/**
 * Every bound of the wire contract, with its unit and its reason. The page and the edge read the same numbers.
 */

const KIB = 1024;
const MIB = 1024 * KIB;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** What one append request may hold, by kind of key. */
export const APPEND_LIMITS = {
  /** Pages send little and often; a keepalive request may not pass 64 KiB anyway. */
  write: { bodyBytesMax: 256 * KIB, inflatedBytesMax: 1 * MIB, eventsMax: 1_000 },
  /** Servers load history; one request still fits a partition's memory many times over. */
  import: { bodyBytesMax: 4 * MIB, inflatedBytesMax: 16 * MIB, eventsMax: 10_000 },
} as const;

export const EVENT_LIMITS = {
  /** Attributes of one event, those of its context included: a click has a dozen; more is a mistake in a loop. */
  attributesMax: 64,
  /** UTF-8 bytes of one string: a URL fits, a document does not. */
  stringBytesMax: 1 * KIB,
  /** Names of attributes that one stream may know: each is a column. */
  attributeNamesMax: 256,
} as const;

export const PRODUCER_LIMITS = {
  /** Sequences are exact integers in a JavaScript number. */
  sequenceMax: Number.MAX_SAFE_INTEGER,
  /** Dropped events that one batch may declare: 50 full browser logs. */
  lostMax: 1_000_000,
  /** Commits named by one batch: at most one for each of its events. */
  commitsMax: 1_000,
  /** Dropped events that one producer may tell of, by reason: far more than a browser can ever drop. */
  droppedMax: 1_000_000_000,
  /** Reasons for dropped events that one batch may name: there are half as many. */
  dropReasonsMax: 16,
  /** Length of a commit's id: a 64-bit number in any usual notation fits. */
  commitIdLengthMax: 64,
} as const;

export const TIME_LIMITS = {
  /** A page's clock this far off is a wrong clock, not a slow network: event times are moved by the difference. */
  clockSkewMaxMs: 1 * MINUTE_MS,
  /** Oldest click that a page may report: longer than any browser log keeps one. */
  eventAgeMaxMs: 90 * DAY_MS,
  /** An import may be this far ahead of the edge's clock before it is refused as a unit mistake. */
  importAheadMaxMs: 1 * DAY_MS,
  /** A write producer is forgotten this long after its last event: beyond the 30 days a browser log keeps events. */
  producerForgottenAfterMs: 90 * DAY_MS,
  /** An Idempotency-Key is remembered this long. */
  idempotencyKeyKeptMs: 1 * DAY_MS,
} as const;
