/**
 * Every bound of the engine, with its unit and its reason.
 */
export const ENGINE_LIMITS = {
  /** Codes of one dictionary: two bytes a record. A column with more distinct values is kept as hashes and text. */
  dictionaryEntriesMax: 65_536,
  /** Heap of one generation of dictionaries, in bytes: a partition shares 128 MB with its neighbours. */
  dictionariesBytesMax: 16 * 1024 * 1024,
  /** Records of a sealed segment: smaller ones replay at half the speed, larger ones are no faster. */
  segmentRecordsMax: 8_192,
  /** Bytes of one stored value: half of what the platform allows in a row. */
  storedBytesMax: 1024 * 1024,
  /**
   * Windows of one fold that keep the way from keys to groups: late clicks write to some minutes at a time. Each has up to
   * 256 KiB of it, of which those that are written to must stay in the processor's cache.
   */
  openWindowsMax: 32,
  /** Groups of one answer over all partitions: about what a Worker's memory can merge. */
  groupsMax: 2_000_000,
  /** Rows of one answer. */
  rowsMax: 10_000,
  rowsDefault: 1_000,
  /** Buckets of one answer. */
  bucketsMax: 10_000,
  /** Groups of one window of a stored view in one partition: a minute with more is grouped by something unbounded. */
  windowGroupsMax: 250_000,
  /** Attributes of one groupBy. */
  groupByMax: 8,
  /** Measures of one view or query. */
  measuresMax: 32,
  /** Values of one `in` or `notIn`. */
  listMax: 1_000,
  /** Nesting of `or` and `not`. */
  whereDepthMax: 8,
} as const;
