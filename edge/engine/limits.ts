/**
 * Every bound of the engine, with its unit and its reason.
 */
export const ENGINE_LIMITS = {
  /**
   * Codes of one dictionary: a million distinct ads, at four bytes a record, still are codes. What the dictionary's hash table
   * has bits for; a column with more distinct values is kept as hashes and text.
   */
  dictionaryEntriesMax: 2 ** 20,
  /**
   * Memory of one generation of dictionaries, in bytes: a full dictionary of texts of twelve bytes takes 38 MiB at most. It
   * leaves 24 of the 64 MiB that a partition means to keep to, half of the 128 MB that it shares with its neighbours.
   */
  dictionariesBytesMax: 40 * 1024 * 1024,
  /**
   * Codes of a dictionary whose strings are kept as such too, and UTF-16 units of one that is: with 256 attributes at the
   * bound, 10 MB that are not counted above.
   */
  fewEntriesMax: 256,
  fewUnitsMax: 64,
  /** Records of a sealed segment: smaller ones replay at half the speed, larger ones are no faster. */
  segmentRecordsMax: 8_192,
  /** Bytes of one stored value: half of what the platform allows in a row. */
  storedBytesMax: 1024 * 1024,
  /**
   * Windows of one fold that keep the way from keys to groups: late clicks write to some minutes at a time. Each has up to
   * 256 KiB of it, and all of them together should stay in the processor's cache: twice as many make a replay a tenth slower.
   */
  openWindowsMax: 16,
  /**
   * Groups of such windows, beyond the one that is written to: half of what an answer may have. Large windows are few at a time,
   * and what one has given back the next one writes to, instead of memory that the system must fill with zeros first.
   */
  openGroupsMax: 1_000_000,
  /** Groups of one answer over all partitions: about what a Worker's memory can merge. */
  groupsMax: 2_000_000,
  /** Rows of one answer. */
  rowsMax: 10_000,
  rowsDefault: 1_000,
  /** Buckets of one answer. */
  bucketsMax: 10_000,
  /** Groups of one window of a stored view in one partition: a minute with more is grouped by something unbounded. */
  windowGroupsMax: 250_000,
  /**
   * Stretches of time that a rule which needs order remembers, in one generation of one partition: 10 MB when it is full. At 400
   * clicks a second, each of another key, the half that is kept at least reaches back over five minutes.
   */
  rememberedTimesMax: 2 ** 18,
  /** How far apart two records may be that such a rule looks at together: a day. */
  ruleReachMaxMs: 86_400_000,
  /** Attributes of one groupBy. */
  groupByMax: 8,
  /** Measures of one view or query. */
  measuresMax: 32,
  /** Values of one `in` or `notIn`. */
  listMax: 1_000,
  /** Nesting of `or` and `not`. */
  whereDepthMax: 8,
  /**
   * Groups of a partition from which on it holds some back: two more rounds cost some milliseconds, in which as many groups
   * are sent and merged.
   */
  frozenGroupsMin: 2_000,
  /** Groups for each row of the answer from which on it does: three rounds ask for about three, if few groups are great. */
  frozenGroupsPerRow: 8,
  /** Bytes of a group beside its accumulators and texts: codes, records and its places in the table. */
  groupOverheadBytes: 64,
  /** Groups whose keys are sent to ask for the rest of them. Beyond it, all is asked for. */
  candidatesMax: 10_000,
  /** Bytes of such keys: a call to an object is bounded at 32 MiB. */
  candidateBytesMax: 8 * 1024 * 1024,
  /** Groups that are copied at a time, to be sent: a few milliseconds. */
  copiedGroupsMax: 8_192,
  /** Bytes of one piece of an answer on its way: who merges them has one of every partition at the same time. */
  sentBytesMax: 256 * 1024,
} as const;
