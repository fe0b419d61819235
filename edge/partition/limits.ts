/**
 * Every bound of a partition, with its unit and its reason. Bounds of answers and batches are the engine's (ENGINE_LIMITS).
 */
const KIB = 1024;
const MIB = 1024 * KIB;
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const PARTITION_LIMITS = {
  // --- Appending ---

  /** Requests that wait for a commit: a second's worth at several times what one object is built to serve. */
  waitingRequestsMax: 2_000,
  /** Bytes of events that wait for a commit: one import of the greatest size and as much again, in 128 MB of heap. */
  waitingBytesMax: 32 * MIB,
  /** Requests of one commit: what is remembered of their producers must fit a row. */
  commitRequestsMax: 256,
  /** Least time between a shared commit and the next: longer than a client's next click takes, shorter than anyone feels. */
  sharedCommitGapMs: 2,
  /** Records of one commit: a segment's worth. A single greater request still is one commit. */
  commitRecordsMax: 8_192,
  /**
   * Estimated bytes of one log row. The estimate is exact enough for all but strings of control characters, which JSON
   * doubles: even then the row stays below the platform's 2 MB, beside what is remembered of its producers.
   */
  rowBytesMax: 640 * KIB,
  /** What a client is told to wait when the queue is full. */
  overloadedRetryMs: 1 * SECOND_MS,
  /** Bytes of the object's database beyond which appends are refused: 10 GB is where SQLite itself would fail. */
  databaseBytesMax: 9_500_000_000,
  /** Shared commits between two looks at the database's size: with all that may wait in each, half of what is kept free. */
  commitsUnmeasuredMax: 8,
  /** Rejects that the partition remembers, newest first: a list to debug a publisher with, not a log. */
  rejectsKeptMax: 100,
  /** Rejects that one commit writes down: a flood of bad events must not fill the log. */
  rejectsPerCommitMax: 10,
  /** Characters of a reject's detail that are kept. */
  rejectDetailMax: 200,

  // --- Tail, segments and dictionaries ---

  /**
   * Rows of the tail before it is sealed. Every waking reads them all, and every sealing writes about four rows: with
   * a click a waking, the two costs meet near a hundred rows; a thousand keeps segments whole for busier streams.
   */
  tailRowsMax: 1_024,
  /** Bytes of the tail before it is sealed: what a waking reads before it can serve. */
  tailBytesMax: 4 * MIB,
  /** Bytes of a cold part as it was before it was compressed: four times a tail, which no one comes near. */
  coldBytesMax: 4 * 4 * MIB,
  /** Characters of one stored list of what admission decided. */
  admissionCharactersMax: 512 * KIB,
  /** Bytes of one row of dictionary entries. */
  dictionaryRowBytesMax: 512 * KIB,
  /** Such rows that are read at a time. */
  dictionaryRowsPageMax: 4,
  /** Dictionaries are renewed after this share of the log's retention, so that at most three generations are alive. */
  dictionaryAgeShare: 1 / 2,
  /** Full dictionaries are renewed no sooner than this: a column that is truly wide would fill each new one at once. */
  fullDictionaryAgeMinMs: 6 * HOUR_MS,
  /** Old generations of dictionaries in memory: a scan meets them one after the other. */
  oldDictionariesLoadedMax: 2,
  /** Bytes of them in memory, beyond which one at a time has to do: beside a current one of a million values it is too much. */
  oldDictionariesBytesMax: 16 * MIB,

  // --- Checkpoints ---

  /**
   * Records between two checkpoints. A checkpoint writes a row for each window and each bucket of producers that changed;
   * a recovery folds what came since: at the engine's speed, this many cost a few milliseconds.
   */
  checkpointRecordsMax: 65_536,
  /** Producers that changed and are not stored, when storing them begins: about 20 MB of heap. */
  changedProducersMax: 32_768,
  /** Slots of producers that are stored with a commit: some milliseconds where a partition knows hundreds of thousands. */
  slotsPerCommit: 4,
  /** Groups in the windows that changed since the last checkpoint, over all generations: to be stored in one turn. */
  changedGroupsMax: 100_000,
  /** Windows that changed since the last checkpoint, over all generations: each is a row to write in one turn. */
  changedWindowsMax: 5_000,

  // --- Producers ---

  /** Characters of a bucket of producers before it is split in two: what a lookup may have to read and parse. */
  bucketCharactersMax: 128 * KIB,
  /** A slot is split into at most 2^12 buckets: two billion characters of producers. */
  bucketSplitBitsMax: 12,
  /** Characters of buckets that are kept parsed: they take several times as much heap. */
  bucketsCachedCharactersMax: 2 * MIB,

  // --- Retention ---

  /** Intervals of event time that are remembered as trimmed; beyond it the narrowest holes between them are closed. */
  trimmedIntervalsMax: 1_000,
  /** Segments trimmed in one turn: each is read to note which minutes go. */
  trimSegmentsMax: 8,
  /**
   * The tail is sealed when its oldest record is older than this share of the log's retention, so that a quiet stream keeps
   * nothing for much longer than it was told to; but not more often than every second.
   */
  tailAgeShare: 1 / 8,
  tailAgeMinMs: 1 * SECOND_MS,
  /** Wall time that one alarm spends on trimming. */
  retentionAlarmMs: 10 * SECOND_MS,
  /** What goes into the archive's bucket, and comes out of it. */
  archive: {
    /**
     * Bytes and segments of a pack, beyond which it takes no more: large enough that reading takes longer than asking, small
     * enough that a few are in memory at the same time.
     */
    packBytesMax: 4 * MIB,
    packSegmentsMax: 256,
    /** Share of the time that packing may take: each segment is decoded, encoded and compressed. */
    duty: 1 / 4,
    /** After a failure: the first wait, which then doubles, up to the longest. */
    retry: { firstMs: 1 * SECOND_MS, mostMs: 5 * MINUTE_MS },
    /** How long a replay waits for an archive that does not answer before it fails. */
    graceMs: 1 * HOUR_MS,
    /** Objects that are removed with one call: as many as the bucket takes. */
    removedAtOnceMax: 1_000,
  },
  /** How long retention waits for a replay that still needs a segment before the replay fails. */
  replayGraceMs: 6 * HOUR_MS,
  /** How often windows are looked through for expired ones: they are kept for months. */
  viewRetentionEveryMs: DAY_MS,
  /** Rows of windows looked at in one turn. */
  windowsPageMax: 1_000,
  /** How windows are rolled up; see rollup.ts. */
  rollup: {
    /** Added to either age: clocks of those who ask for `last` as long as it may be behind by less. */
    marginMs: MINUTE_MS,
    /** How often windows are looked through for those that are due, at most: a day's worth at a time, if views keep them for days. */
    everyMaxMs: DAY_MS,
    /** Wall time that one alarm spends on it. */
    alarmMs: 10 * SECOND_MS,
    /** Windows of one that is wide: minutes of a day. */
    windowsMax: 1_440,
    /** Of these, what is read and merged in one turn: what takes about as long as a slice should. */
    page: { rowsMax: 32, bytesMax: 64 * KIB },
    /** Stored bytes of the windows that are merged into one: about what it takes in memory itself. */
    bytesMax: 16 * MIB,
    /** Groups and rows of a window that is rolled up: half of what a window may have, so that late records have room. */
    groupsMax: 125_000,
    rowsMax: 128,
    /** Steps that a window which is ready waits for readers of those that it is made of, until another day. */
    waitsMax: 200,
    /** Intervals of event time of a generation's windows of one width: beyond it only such windows are rolled up as lie beside others. */
    intervalsMax: 1_000,
  },
  /** Windows of a dropped generation that are deleted in one turn, their bytes, and rows of its comparison. */
  droppedWindowsMax: 256,
  droppedBytesMax: 256 * KIB,
  droppedComparisonRowsMax: 16,
  /** Rows of one window: of up to 1 MiB each, more than the memory of an isolate. A power of two: it is part of their keys. */
  windowRowsMax: 256,
  /** Rows that one step of a migration moves: at most 128 MiB on its way through SQLite, commonly one. */
  movedRowsMax: 128,
  /** Stored bytes of windows that are read in one turn: they take several times as much heap. A single window always is. */
  windowsPageBytesMax: 512 * KIB,
  /** Rows of windows of which it is remembered that they are sound: a week of minutes, in less than a MiB. */
  soundWindowsMax: 10_080,

  // --- Replay and scans ---

  /**
   * One slice of a replay or scan: its wall time with the yield after it, which takes a millisecond or more, and how many segments
   * or steps it may do, because the clock only moves between slices. While records are appended it is what every append may find in
   * its way; otherwise what only the first one may.
   */
  slice: { ms: 20, stepsMax: 128 },
  sliceBesideAppends: { ms: 5, stepsMax: 16 },
  /** A slice of steps each of which is as long as a slice should be. */
  sliceOfOneStep: { ms: 5, stepsMax: 1 },
  /**
   * A replay takes at most this share of the time while records are appended: an append takes several turns of the object,
   * and must not find a slice in its way before each of them. Nobody appends any more when nothing has come for so long.
   */
  dutyBesideAppends: 1 / 2,
  appendedToMs: 1 * SECOND_MS,
  /** Wall time of one alarm that replays, after which it re-arms: far below the platform's 15 minutes. */
  replayAlarmMs: 10 * SECOND_MS,
  /**
   * What a build may fold between two checkpoints of its own, which a crash makes it fold again: records; groups in the windows
   * that changed, some 8 bytes of heap each; and windows, each a row of kilobytes in the one turn that writes them all. The fewer
   * checkpoints the better, because windows that late clicks reach are written again by each; but beside appends that turn must
   * be short.
   */
  buildCheckpoint: { records: 4_000_000, groups: 1_000_000, windows: 5_000 },
  buildCheckpointBesideAppends: { records: 1_000_000, groups: 250_000, windows: 48 },
  /** Fewer records are not worth one: where they are not in the order of event time, a few of them reach every window. */
  buildCheckpointRecordsMin: 32_768,
  /** Groups that one step of a build's checkpoint encodes: about as long a step as the folding of a segment. */
  checkpointStepGroups: 8_192,
  /** What a window costs beside its groups, in groups: reading what is stored of it, a header, a checksum. */
  windowCostInGroups: 128,
  /** Rows of what a rule remembers, each of one checkpoint, after which all of it is written anew: to read few when waking. */
  memoryRowsMax: 64,
  /** Windows that a verification names as different: the first of them, the rest are counted. */
  differencesNamedMax: 20,
  /** Windows of a side that are compared in one turn, and their stored bytes: what takes about as long as a slice should. */
  comparedWindowsMax: 32,
  comparedBytesMax: 64 * KIB,
  /** Stored bytes of a day, one side, beyond which a comparison keeps the day's totals instead of its windows. */
  comparedDayBytesMax: 8 * MIB,
  /** Bytes of a frozen comparison, both sides, after which a turn's reading ends. */
  comparisonReadBytesMax: 256 * KIB,
  /** Bytes of a frozen comparison, both sides, that are in memory before they are written. */
  comparisonWriteBytesMax: 256 * KIB,
  /** Bytes of one row of a frozen comparison. */
  comparisonRowBytesMax: 1 * MIB,
  /** Log scans at the same time: each holds a state of up to hundreds of thousands of groups. */
  scansMax: 2,
  /** Scans that wait for one of them to end. */
  scansWaitingMax: 64,
  /** Partial answers that are held back at the same time; and their bytes in memory, about. Beyond it, all is sent at once. */
  frozenPartialsMax: 16,
  frozenBytesMax: 24 * MIB,
  /** How long one is held at most: the slowest partition may be waited for a minute before anything more is asked for. */
  frozenMs: 75 * SECOND_MS,
  /** Records of one reading by the administrator. */
  recordsReadMax: 10_000,
  /** Bytes of text of one such reading, about: a reply is bounded at 32 MiB. */
  recordsReadBytesMax: 8 * MIB,

  // --- Live feed ---

  /** The stream's object is told at most this often that the log has grown, and so many times when it cannot be told. */
  growthToldEveryMs: 1 * SECOND_MS,
  growthAttemptsMax: 30,

  // --- Alarms ---

  /** Least time between two settings of the alarm: an alarm that re-arms itself in a loop is a bill. */
  alarmEveryMinMs: 100,
  /** An alarm this far overdue is taken for lost, and set again by the next request. */
  alarmOverdueMs: 10 * SECOND_MS,
} as const;
