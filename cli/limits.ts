/** Every bound of the command line, with its unit and its reason. */
export const HTTP_LIMITS = {
  /** One request: above the time that a scan of the whole log may take at the edge. */
  timeoutMs: 120_000,
  /** Attempts of a request that may be repeated; with the waits between, a deploy or a restart passes meanwhile. */
  attemptsMax: 8,
  backoffMinMs: 250,
  backoffMaxMs: 10_000,
} as const;

export const OUTPUT_LIMITS = {
  /** Characters of one cell of a table: what is longer is cut, and says so with an ellipsis. */
  cellMax: 60,
  barCells: 30,
  /** How often a bar is drawn anew. */
  terminalRefreshMs: 100,
  /** How often a line is written where there is no terminal. */
  logRefreshMs: 5_000,
} as const;

export const REPLAY_LIMITS = {
  /** How often a replay that is watched is asked for. */
  pollMs: 500,
  /** Polls after which one that promotes itself, and has caught up, is taken to wait for somebody. */
  promotionPollsMax: 10,
} as const;

export const DIFF_LIMITS = {
  /** Rows that a terminal is shown, unless more are asked for; and rows asked for at once: the most that the API gives. */
  rowsDefault: 50,
  pageRows: 10_000,
} as const;

export const IMPORT_LIMITS = {
  /** Attempts in a row that may fail before the import gives up: about three minutes. */
  attemptsMax: 10,
  backoffMinMs: 500,
  backoffMaxMs: 30_000,
} as const;

export const EXPORT_LIMITS = {
  /** Records asked for at once: the most that the API gives. */
  pageRecords: 10_000,
  /** Rows of one row group, which memory holds whole: what batch engines take for one thread's work. */
  rowGroupRows: 50_000,
  /** Characters of JSON that the rows of one row group may take: events can be a thousand times larger than usual. */
  rowGroupCharacters: 16 * 1024 * 1024,
} as const;

export const TAIL_LIMITS = {
  /** How often partitions are asked for what is new. */
  pollMs: 1_000,
  lastDefault: 10,
} as const;
