/**
 * Every bound of a stream's object, with its unit and its reason.
 */
const SECOND_MS = 1_000;
const HOUR_MS = 60 * 60 * SECOND_MS;
const DAY_MS = 24 * HOUR_MS;

export const STREAM_LIMITS = {
  /** Partitions of one stream: 100 k storage-writing requests a second, and each query asks all of them. */
  partitionsMax: 256,
  /** Slots that producers hash to. Fixed for ever: growing will move whole slots between partitions. */
  slots: 1_024,
  /** Views of one stream: each is folded at every append. */
  viewsMax: 32,
  /** Jobs that are remembered, the newest first; those still under way are never forgotten. */
  replaysKeptMax: 100,
  /** Entries of the ledger, all views together: some years of decisions. The answer says how many have gone. */
  ledgerEntriesMax: 1_000,
  /**
   * Keys of one kind that count at the same time: daily rotation fits into the grace of 30 days. Rotating more often than
   * that ends the oldest early.
   */
  keysPerKindMax: 32,
  /** Bytes of randomness in a key: 192 bits, where 128 would do, because 24 bytes are 32 characters without padding. */
  keyBytes: 24,
  /** Partitions that are called at the same time: all 256 in eight rounds, with little memory held by replies. */
  partitionCallsAtOnceMax: 32,
  /** A partition that has not answered by then is asked again later. Longer than a cold start with a full recovery. */
  partitionCallMs: 20 * SECOND_MS,
  /** Running replays are asked for progress this often: a short one is soon seen to end, a long one costs little. */
  pollMsMin: 50,
  pollMsMax: 1 * SECOND_MS,
  /** A replay that stands still is looked after now and then: it may have taken too long, or failed. */
  pausedPollMs: 60_000,
  /** A configuration that did not reach every partition is pushed again, from the first delay doubling to the last. */
  retryMsMin: 1 * SECOND_MS,
  retryMsMax: 60 * SECOND_MS,
  /** An alarm this late was lost; the next request sets it again. */
  alarmOverdueMs: 10 * SECOND_MS,
  /** The generation that was in force before keeps folding this long, so that a rollback is instant. */
  previousKeptMs: 7 * DAY_MS,
  /** A caught-up generation is folded at every append; one that nobody promotes is dropped after this long. */
  unpromotedKeptMs: 24 * HOUR_MS,
  /** A replay that is not done by then never will be: a year of the largest stream replays in hours. */
  replayMs: 7 * DAY_MS,
  /** Work on one comparison at a time, before others have their turn. */
  comparisonSliceMs: 5 * SECOND_MS,
  /** A page of a diff goes through days for so long, if it is not full before. */
  diffPageMs: 5 * SECOND_MS,
  /** How often a comparison may be interrupted before the job does without. */
  comparisonAttemptsMax: 10,
  /** Partitions whose days are fetched at the same time: a day may be many megabytes. */
  comparedDaysAtOnceMax: 4,
  /** Groups that are merged or compared in one turn: some milliseconds, which appends may have to wait beside it. */
  comparedGroupsPerTurn: 8_192,
  /**
   * Keys, and contents of accumulators, of the groups of one day, what is the same on both sides counted once: of a view that
   * only counts, three million groups of eight bytes. With the texts of their keys they fill half of the isolate.
   */
  comparedCellsMax: 3_000_000,
  /** Sockets of the live feed, and questions that they ask: each is asked again when something has changed. */
  socketsMax: 256,
  liveQuestionsMax: 32,
  /** How often, at most. */
  liveEveryMs: 1 * SECOND_MS,
  /** A socket that has not said who it is by then is closed. */
  firstMessageMs: 5 * SECOND_MS,
  /** Messages that a socket may be sent without a word from it, at one a second: whoever reads none of them would fill the memory. */
  liveUnansweredMax: 120,
  /** Windows that a verification shows as different, over all partitions. */
  differencesShownMax: 100,
  /** A verification that was due while its view was being built is tried again so much later. */
  verifyAgainMs: 10 * 60 * SECOND_MS,
} as const;
