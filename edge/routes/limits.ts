/**
 * Every bound of the HTTP surface that is not already a bound of the wire contract (`#protocol`) or of the engine, with its
 * unit and its reason.
 */
const KIB = 1024;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const CONTEXT_LIMITS = {
  /** Appends may use keys, origins and configuration this old, in milliseconds: docs/api.md promises it. */
  ageMaxMs: 30_000,
  /** How often an append asks for a newer configuration before its client is told to come back. */
  attemptsMax: 3,
  /** Streams remembered by one isolate: each holds its keys and 1,024 slots, some 20 KB. */
  streamsMax: 500,
} as const;

export const ROUTER_LIMITS = {
  /** Paths of which the handlers are remembered: a few for each stream that one isolate serves. */
  pathsMax: 1_000,
  /** Characters of a path that is remembered: the longest that a stream's name and a view's can make. */
  pathLengthMax: 256,
} as const;

export const HASH_LIMITS = {
  /** Keyed hashes of producers and addresses remembered by one isolate: some 300 bytes each. */
  rememberedMax: 4_096,
} as const;

export const INPUT_LIMITS = {
  /** Body of a query or of an administrative request, in bytes: a list of 1,000 strings of 200 bytes fits. */
  bodyBytesMax: 256 * KIB,
  /** Nesting of a JSON body: a `where` of the deepest kind takes three levels a step. */
  depthMax: 40,
  /** Tests of one `where`, those in `or` and `not` included: each is evaluated over whole dictionaries. */
  whereTestsMax: 500,
} as const;

export const QUERY_LIMITS = {
  /** A partition that has not answered by then is named in `missing`; a log scan of a full partition takes less. */
  partitionTimeoutMs: 60_000,
  /**
   * Partitions whose pieces are read at the same time. All of them work at once, but each piece that is on its way takes up
   * to some hundred kilobytes here, beside the merged groups.
   */
  streamsAtOnceMax: 32,
} as const;

export const LIVE_LIMITS = {
  /** Characters of a live feed's first message: what is known of a socket while it sleeps is bounded at 2 KiB. */
  firstMessageMax: 1_500,
} as const;

export const CONFIG_LIMITS = {
  /** Characters of who did something, and of why. */
  byCharactersMax: 200,
  reasonCharactersMax: 1_000,
  /** Entries of one page of the ledger: with the diff of each, some hundred KiB. */
  ledgerPageMax: 100,
  ledgerPageDefault: 20,
  /** A verification replays all of the log: more often than once an hour is a load of its own. */
  verifyEveryMinMs: 3_600_000,
  /** Partitions of a stream; the stream's object sizes its calls for as many. */
  partitionsMax: 256,
  /** Longest retention of records or windows, in milliseconds: a hundred years are "for ever". */
  retentionMaxMs: 36_500 * DAY_MS,
  /** Bytes that one partition may keep: the platform ends at 10 GB, and views need room beside the log. */
  retentionBytesMax: 9 * KIB * KIB * KIB,
  /** Lateness that a window can be held open for, in milliseconds: final answers would never come beyond it. */
  allowedLatenessMaxMs: 30 * DAY_MS,
  originsMax: 100,
  /** Characters of one origin: the longest host name, a scheme and a port. */
  originLengthMax: 300,
  /** Columns kept as hashes. */
  identifiersMax: 16,
  /** Views of a stream: every one is folded at every append. */
  viewsMax: 32,
  /** How soon windows can be rolled up, in milliseconds: a window is written again for it. */
  rollupAfterMinMs: 60 * MINUTE_MS,
  /** Longest window of a view, in milliseconds. */
  windowMaxMs: 1 * DAY_MS,
  /** Longest time that a replaced key may go on counting, in milliseconds. */
  keyGraceMaxMs: 365 * DAY_MS,
} as const;

export const RECORDS_LIMITS = {
  /** Records of one page of the log. A partition answers fewer where their text would be too much for one reply. */
  pageMax: 10_000,
  pageDefault: 100,
} as const;

export const DIFF_LIMITS = {
  /** Rows of one page of a diff: a few megabytes at most. */
  pageMax: 10_000,
  pageDefault: 1_000,
} as const;

export const RETRY_AFTER = {
  /** The rate-limit bindings count over this long. */
  rateLimitedMs: 10_000,
  /** An object that is starting or moving is back within about this long. */
  unavailableMs: 1_000,
} as const;

/** What a stream is when nothing else is said. */
export const STREAM_DEFAULTS = {
  partitions: 1,
  retentionMs: 7 * DAY_MS,
  retentionBytes: 8 * KIB * KIB * KIB,
  allowedLatenessMs: 1 * MINUTE_MS,
  viewRetentionMs: 400 * DAY_MS,
  keyGraceMs: 30 * DAY_MS,
} as const;
