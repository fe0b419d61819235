/**
 * One partition: a log, and everything that is derived from it. Here stand the three turns on which all else rests:
 *
 *   commit      decide → write one row → fold what was written into the live views
 *   checkpoint  seal the tail → store what changed (windows, counters) with the offset that it covers
 *   waking      load the checkpoint → fold what came after it, by the same fold
 *
 * Each is synchronous: no other call sees half of it, and nothing is acknowledged before it is on disk. If one of them
 * throws, memory may be ahead of the disk, and the object has to be aborted: see partition-object.ts.
 */
import { assert } from "#protocol";
import { type AppendPiece, buildBatch, type ColumnBatch, encodeBatch, watermarkOf } from "#engine";
import { type AdmissionRecord, newestRejects } from "./admission-record.ts";
import { splitIntoRows } from "./commit-rows.ts";
import { Bucket } from "./bucket.ts";
import { Comparisons } from "./comparison.ts";
import type { Database } from "./database.ts";
import { decide, type Verdict } from "./decide.ts";
import { DictionaryStore } from "./dictionary-store.ts";
import { addCounters, type Checkpoint, type Counters, type FactStore, NO_CHECKPOINT, NO_COUNTS } from "./facts.ts";
import { Fullness } from "./fullness.ts";
import { type Generation, messageOf } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { greatestTimeOf } from "./greatest-time.ts";
import { History } from "./history.ts";
import { Log, type LogRow } from "./log.ts";
import { Packs } from "./packs.ts";
import { ProducerStore } from "./producers.ts";
import type { PartitionAppend, PartitionConfig, RejectedRecord } from "./rpc.ts";
import { Trimmed } from "./trimmed.ts";
import { Views } from "./views.ts";
import { WindowStore } from "./window-store.ts";

export class Partition {
  readonly database: Database;
  readonly log: Log;
  readonly views: Views;
  readonly windows: WindowStore;
  readonly dictionaries: DictionaryStore;
  readonly comparisons: Comparisons;
  readonly trimmed: Trimmed;
  /** What of the log is archived, and the reading of it. */
  readonly packs: Packs;
  readonly bucket: Bucket;
  readonly history: History;
  /** Set when the partition is deleted: whoever works on it across an await has to stop. */
  isClosed = false;
  readonly #facts: FactStore;
  readonly #producers: ProducerStore;
  readonly #fullness: Fullness;
  #config: PartitionConfig;
  #identifiers: ReadonlySet<string>;
  #groupedBy: string | null;
  #checkpoint: Checkpoint;
  #lastAppendTime: number;
  #greatestTime: number;
  #counters: Counters;
  #rejects: readonly RejectedRecord[];
  /** While producers are being stored: the last commit of which nothing is needed any more when they are. */
  #storingProducersTo: number | null = null;
  /** What was counted since the last row was written: it goes with the next one. */
  #unwritten: Pick<AdmissionRecord, "counters" | "rejects"> = { counters: NO_COUNTS, rejects: [] };

  /** Wakes: everything is as it was when the last commit was written. */
  constructor(
    database: Database,
    facts: FactStore,
    config: PartitionConfig,
    now: number,
    archive: R2Bucket | null = null,
  ) {
    this.database = database;
    this.#fullness = new Fullness(database);
    this.#facts = facts;
    this.#config = config;
    this.#identifiers = identifiersOf(config);
    this.#groupedBy = groupedByOf(config);
    const checkpoint = facts.get("checkpoint") ?? NO_CHECKPOINT;
    this.#checkpoint = checkpoint;
    this.dictionaries = new DictionaryStore(database, facts, config.seed, now);
    this.log = new Log(database, this.dictionaries, checkpoint);
    this.packs = new Packs(database);
    this.bucket = new Bucket(archive, config.streamId, config.partition);
    this.history = new History(this.log, this.packs, this.bucket, config.seed);
    this.#producers = new ProducerStore(database);
    this.windows = new WindowStore(database, this.dictionaries);
    this.views = new Views(database, config.seed);
    this.comparisons = new Comparisons(database, this.views, this.windows, this.dictionaries);
    this.trimmed = new Trimmed(facts);
    this.#lastAppendTime = Math.max(checkpoint.lastAppendTime, this.log.lastAppendTime);
    this.#greatestTime = checkpoint.greatestTime;
    // What was stored before there were totals of drops has none.
    this.#counters = { ...NO_COUNTS, ...checkpoint.counters };
    this.#rejects = checkpoint.rejects;
    this.#recover();
  }

  get config(): PartitionConfig {
    return this.#config;
  }

  get checkpointEnd(): number {
    return this.#checkpoint.logEnd;
  }

  get counters(): Counters {
    return this.#counters;
  }

  get rejects(): readonly RejectedRecord[] {
    return this.#rejects;
  }

  /** When a record was appended last, in milliseconds since the epoch. */
  get lastAppendTime(): number {
    return this.#lastAppendTime;
  }

  watermark(now: number): number {
    return watermarkOf(this.#greatestTime, this.#lastAppendTime, now);
  }

  /** Takes a newer configuration: from this turn on it holds, and the views that it wants are begun. */
  configure(config: PartitionConfig, now: number): void {
    this.database.transaction(() => {
      this.#facts.put("config", config);
      const [start, end] = [this.history.start, this.log.end];
      this.views.reconcile(config.generations, { start, end, trimmed: this.trimmed.intervals, now });
    });
    this.#config = config;
    this.#identifiers = identifiersOf(config);
    this.#groupedBy = groupedByOf(config);
  }

  // --- Commit ---

  /** Commits requests together. @returns a verdict for each */
  commit(requests: readonly PartitionAppend[], now: number): readonly Verdict[] {
    const appendTime = Math.max(this.#lastAppendTime, now);
    const decision = decide(requests, {
      partition: this.#config.partition,
      appendTime,
      logEnd: this.log.end,
      allowedLatenessMs: this.#config.allowedLatenessMs,
      dictionaries: this.dictionaries.current,
      full: this.#fullness.of(requests.length > 1),
      producer: (slot, key) => this.#producers.get(slot, key, appendTime),
    });
    const { pieces, admission } = decision;
    this.#counters = addCounters(this.#counters, admission.counters);
    this.#rejects = newestRejects(this.#rejects, admission.rejects);
    this.#unwritten = {
      counters: addCounters(this.#unwritten.counters, admission.counters),
      rejects: [...this.#unwritten.rejects, ...admission.rejects].slice(-PARTITION_LIMITS.rejectsPerCommitMax),
    };
    if (pieces.length === 0 && admission.producers.size === 0) return decision.verdicts;

    const batches = this.#write(pieces, { ...this.#unwritten, producers: admission.producers }, appendTime);
    this.#unwritten = { counters: NO_COUNTS, rejects: [] };
    this.#lastAppendTime = appendTime;
    this.#greatestTime = Math.max(this.#greatestTime, decision.greatestTime);
    for (const change of admission.producers.values()) this.#producers.set(change);
    for (const batch of batches) this.views.foldLive(batch);
    if (this.#isCheckpointDue()) this.checkpoint(now);
    this.storeProducers(now);
    return decision.verdicts;
  }

  /** Writes the rows of a commit: all or none. */
  #write(pieces: readonly AppendPiece[], admission: AdmissionRecord, appendTime: number): readonly ColumnBatch[] {
    return this.database.transaction(() => {
      if (pieces.length === 0) {
        this.#append({ appendTime, count: 0, encoded: null, admission });
        return [];
      }
      const batches: ColumnBatch[] = [];
      splitIntoRows(pieces, this.dictionaries.current).forEach((row, i) => {
        const built = buildBatch(this.dictionaries.current, this.#identifiers, this.log.end, appendTime, row);
        const encoded = encodeBatch(built, this.dictionaries.current, this.dictionaries.unlogged());
        const batch = this.#append({ appendTime, count: built.count, encoded, admission: i === 0 ? admission : null });
        if (batch !== null) batches.push(batch);
      });
      return batches;
    });
  }

  #append(row: LogRow): ColumnBatch | null {
    if (this.log.isTailFull(row)) this.log.seal(this.#groupedBy);
    return this.log.append(row);
  }

  // --- Checkpoint ---

  #isCheckpointDue(): boolean {
    const { live } = this.views;
    const tooManyProducers = this.#producers.changed >= PARTITION_LIMITS.changedProducersMax;
    return (
      (tooManyProducers && this.#storingProducersTo === null) ||
      this.log.end - this.#checkpoint.logEnd >= PARTITION_LIMITS.checkpointRecordsMax ||
      live.reduce((sum, { delta }) => sum + delta.groups, 0) >= PARTITION_LIMITS.changedGroupsMax ||
      live.reduce((sum, { delta }) => sum + delta.windows.size, 0) >= PARTITION_LIMITS.changedWindowsMax
    );
  }

  /** Stores everything that is derived from the log, up to its end. */
  checkpoint(now: number): void {
    this.#checkpoint = this.database.transaction(() => {
      this.log.seal(this.#groupedBy);
      for (const generation of this.views.live) this.#storeWindows(generation);
      const checkpoint: Checkpoint = {
        commitId: this.log.commitId,
        logEnd: this.log.end,
        lastAppendTime: this.#lastAppendTime,
        greatestTime: this.#greatestTime,
        counters: this.#counters,
        rejects: this.#rejects,
      };
      this.#facts.put("checkpoint", checkpoint);
      return checkpoint;
    });
    this.#unwritten = { counters: NO_COUNTS, rejects: [] };
    for (const generation of this.views.live) generation.clearDelta();
    this.#beginStoringProducers();
    if (this.dictionaries.isDue(now, this.#config.retentionMs)) this.dictionaries.renew(now);
  }

  /** After a checkpoint: the counts of all that may then be dropped are stored. */
  #beginStoringProducers(): void {
    if (this.#storingProducersTo !== null) return;
    this.#storingProducersTo = this.#checkpoint.commitId;
    this.#producers.beginStoring();
  }

  /** Whether producers are being stored. It must come to an end before the object sleeps, or it would begin anew each time. */
  get isStoringProducers(): boolean {
    return this.#storingProducersTo !== null;
  }

  /** Stores a few slots of producers, if that is under way. @returns whether there is more to do */
  storeProducers(now: number): boolean {
    const upTo = this.#storingProducersTo;
    if (upTo === null) return false;
    const isDone = this.database.transaction(() => {
      const areStored = this.#producers.storeSlots(PARTITION_LIMITS.slotsPerCommit, now);
      if (areStored) this.log.dropAdmissions(upTo);
      return areStored;
    });
    if (isDone) this.#storingProducersTo = null;
    return !isDone;
  }

  /** Stores a generation's changed windows. One that cannot be stored lets its generation fail, alone. */
  #storeWindows(generation: Generation): void {
    try {
      this.windows.store(generation);
      this.views.storeMemory(generation);
    } catch (error) {
      this.views.fail(generation, messageOf(error));
    }
  }

  // --- Waking ---

  #recover(): void {
    for (const admission of this.log.admissions(this.#checkpoint.commitId)) {
      for (const change of admission.producers.values()) this.#producers.set(change);
      this.#counters = addCounters(this.#counters, admission.counters);
      this.#rejects = newestRejects(this.#rejects, admission.rejects);
    }
    if (this.log.hasAdmissionsUpTo(this.#checkpoint.commitId)) this.#beginStoringProducers();
    this.views.resume(this.#checkpoint.logEnd);
    let offset = this.#checkpoint.logEnd;
    for (let segment = this.log.segments.at(offset); segment !== undefined; segment = this.log.segments.at(offset)) {
      this.#recoverBatch(segment);
      offset = segment.baseOffset + segment.count;
    }
    for (const batch of this.log.tail) this.#recoverBatch(batch);
    assert(
      this.views.live.every(({ next }) => next === this.log.end),
      "live generations are folded up to the log's end",
    );
  }

  #recoverBatch(batch: ColumnBatch): void {
    this.#greatestTime = greatestTimeOf(batch, this.#greatestTime);
    this.#lastAppendTime = Math.max(this.#lastAppendTime, batch.appendTimeMax);
    this.views.foldLive(batch);
  }
}

/** Columns that are kept as hashes and text: those that are named, and addresses, of which there are as many as of users. */
const identifiersOf = ({ identifiers }: PartitionConfig): ReadonlySet<string> => new Set([...identifiers, "ip"]);

/** What sealed segments are grouped by within a minute: what the first view that has groups is grouped by first. */
const groupedByOf = ({ generations }: PartitionConfig): string | null =>
  generations.map(({ spec }) => spec.groupBy[0]).find((name) => name !== undefined) ?? null;
