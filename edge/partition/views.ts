/**
 * The view generations of a partition: which there are, which are folded with each append, and what becomes of them when the
 * configuration changes. Declarative: the stream says which generations it wants; starting a replay, cancelling one and
 * retiring a generation are all the difference between that list and what is here.
 */
import { assert } from "#protocol";
import { addInterval, clip, type ColumnBatch, type HashSeed, type Intervals, removeWide, subtract } from "#engine";
import { excludedFrom, takeOver, union } from "./carrying.ts";
import type { Database } from "./database.ts";
import { Generation, type GenerationRecord, messageOf } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { Readings } from "./readings.ts";
import type { GenerationConfig } from "./rpc.ts";
import { RuleMemories } from "./rule-memories.ts";

/** What a generation has to know of the log when its build begins. */
export interface LogState {
  readonly start: number;
  readonly end: number;
  /** Event times of which the log has lost records. */
  readonly trimmed: Intervals;
  readonly now: number;
}

export class Views {
  readonly #database: Database;
  readonly #seed: HashSeed;
  readonly readings = new Readings();
  readonly #generations = new Map<number, Generation>();
  readonly #memories: RuleMemories;

  constructor(database: Database, seed: HashSeed) {
    this.#database = database;
    this.#seed = seed;
    this.#memories = new RuleMemories(database);
    const rows = database.all<{ id: number; state: string }>("SELECT id, state FROM generations ORDER BY id");
    for (const { id, state } of rows) {
      this.#generations.set(id, this.#newGeneration(id, JSON.parse(state) as GenerationRecord));
    }
    this.#settleRetired();
  }

  get all(): readonly Generation[] {
    return [...this.#generations.values()];
  }

  get wanted(): readonly Generation[] {
    return this.all.filter((generation) => generation.isWanted);
  }

  get live(): readonly Generation[] {
    return this.all.filter((generation) => generation.isLive);
  }

  get building(): readonly Generation[] {
    return this.all.filter((generation) => generation.phase === "building");
  }

  /** Caught up, and not yet compared with what they are to replace. */
  get comparing(): readonly Generation[] {
    return this.all.filter((generation) => generation.phase === "comparing");
  }

  find(view: string, generation: number): Generation | undefined {
    return this.wanted.find(({ config }) => config.view === view && config.generation === generation);
  }

  byId(id: number): Generation | undefined {
    return this.#generations.get(id);
  }

  /** The generation that one is compared with, and takes lost windows from, while that is folded too. */
  originOf({ config }: Generation): Generation | undefined {
    const origin = config.against === null ? undefined : this.find(config.view, config.against);
    return origin?.isLive === true ? origin : undefined;
  }

  /** On waking: live generations are stored up to where they caught up, or up to the last checkpoint after that. */
  resume(checkpointEnd: number): void {
    for (const generation of this.live) generation.next = Math.max(generation.record.next, checkpointEnd);
  }

  /** Below which offset no generation needs the log any more, even if the object were lost this moment. */
  neededFrom(checkpointEnd: number): number {
    return Math.min(checkpointEnd, ...this.building.map(({ record }) => record.next));
  }

  /** Until when builds that still need a record below `offset` are waited for, in milliseconds since the epoch; -Infinity: none does. */
  waitedForUntil(offset: number): number {
    return Math.max(
      ...this.#buildsBefore(offset).map(({ record }) => record.startedAt + PARTITION_LIMITS.replayGraceMs),
    );
  }

  /** What they need is about to go. */
  failBuildsBefore(offset: number, error: string): void {
    for (const generation of this.#buildsBefore(offset)) this.fail(generation, error);
  }

  #buildsBefore(offset: number): readonly Generation[] {
    return this.building.filter(({ record }) => record.next < offset);
  }

  // --- Configuration ---

  /** Makes the generations what the stream wants. To be called in a transaction, in one turn with the log's state. */
  reconcile(configs: readonly GenerationConfig[], log: LogState): void {
    const isWanted = (known: GenerationConfig) =>
      configs.some((config) => config.view === known.view && config.generation === known.generation);
    for (const generation of this.wanted) {
      if (!isWanted(generation.config)) this.#put(generation, { retired: true });
    }
    for (const config of configs) {
      const known = this.find(config.view, config.generation);
      if (known === undefined) this.#create(config, log);
      else if (JSON.stringify(known.config) !== JSON.stringify(config)) this.#put(known, { config });
    }
    this.#settleRetired();
  }

  #create(config: GenerationConfig, log: LogState): void {
    const origin = config.against === null ? undefined : this.find(config.view, config.against);
    const record: GenerationRecord = {
      config,
      phase: "building",
      retired: false,
      from: log.start,
      next: log.start,
      startedAt: log.now,
      caughtUpAt: null,
      excluded: excludedFrom(config, log.trimmed, origin, (id) => this.byId(id)),
      carried: [],
      missing: [],
      comparedTo: null,
      verification: { compared: 0, differing: 0, skipped: 0 },
      error: null,
    };
    const id = this.#database.only<{ id: number }>("SELECT coalesce(max(id), 0) + 1 AS id FROM generations").id;
    const generation = this.#newGeneration(id, record);
    this.#generations.set(id, generation);
    this.#put(generation, {});
    if (log.start === log.end) this.catchUp(generation, log.end, log.now);
  }

  #newGeneration(id: number, record: GenerationRecord): Generation {
    const { spam, session } = record.config.spec;
    const needsOrder = spam !== undefined || session !== undefined;
    return new Generation(id, record, this.#seed, needsOrder ? this.#memories.load(id) : null);
  }

  // --- The life of a generation ---

  /** Folds a batch that was just appended. A generation whose fold throws fails; the others go on. */
  foldLive(batch: ColumnBatch): void {
    for (const generation of this.live) this.fold(generation, batch);
  }

  fold(generation: Generation, batch: ColumnBatch): void {
    try {
      generation.fold(batch);
    } catch (error) {
      this.fail(generation, messageOf(error));
    }
  }

  /**
   * A generation has folded all that there is: from this turn on it is live. Windows that the
   * log had lost are taken over from the generation in force where both have the same groups, widths and measures.
   */
  catchUp(generation: Generation, logEnd: number, now: number): void {
    assert(generation.next === logEnd, "a generation that has caught up");
    const { config, excluded } = generation.record;
    const origin = this.originOf(generation);
    const isVerification = config.mode === "verify";
    if (isVerification && origin === undefined) {
      this.fail(generation, "the generation that it was to be compared with is gone");
      return;
    }
    const phase = origin === undefined ? "caught-up" : "comparing";
    const taken = isVerification ? { carried: [], missing: excluded } : takeOver(excluded, config, origin);
    this.#put(generation, { phase, ...taken, caughtUpAt: now });
    this.#settleRetired();
  }

  /** Stores what its rule remembers. To be called in the transaction that stores its windows. */
  storeMemory({ id, memory }: Generation): void {
    if (memory !== null) this.#memories.store(id, memory);
  }

  /** Stores what was decided of a generation. */
  settle(generation: Generation, changes: Partial<GenerationRecord>): void {
    this.#put(generation, changes);
    this.#settleRetired();
  }

  /** A generation stops for good. Windows that others answer from it are missing there from now on. */
  fail(generation: Generation, error: string): void {
    this.#put(generation, { phase: "failed", error, next: generation.next });
    generation.clearDelta();
    this.#forgetCarried(generation, [{ from: -Infinity, to: Infinity }]);
    this.#settleRetired();
  }

  /** Windows of a generation were dropped because nothing has changed them for too long. */
  expire(generation: Generation, expired: Intervals): void {
    const { missing, carried } = generation.record;
    const excluded = union(generation.record.excluded, expired);
    // A list that was coarsened leaves out more than it did: that, too, is missing by name.
    const named = [...carried, ...missing].reduce<Intervals>((sum, { from, to }) => addInterval(sum, { from, to }), []);
    const wide = removeWide(generation.wide, expired);
    this.#put(generation, { excluded, missing: union(missing, subtract(excluded, named)), wide });
    this.#forgetCarried(generation, expired);
    this.#settleRetired();
  }

  /** Takes the last traces of a dropped generation away. */
  forget(generation: Generation): void {
    this.#memories.remove(generation.id);
    this.#database.run("DELETE FROM generations WHERE id = ?", generation.id);
    this.#generations.delete(generation.id);
  }

  /** Other generations can no longer answer these windows from `origin`. */
  #forgetCarried(origin: Generation, lost: Intervals): void {
    for (const generation of this.all) {
      const { carried, missing } = generation.record;
      if (!carried.some(({ id }) => id === origin.id)) continue;
      const gone = carried.flatMap((windows) =>
        windows.id === origin.id ? lost.flatMap(({ from, to }) => clip([windows], from, to)) : [],
      );
      const left = carried.flatMap((windows) =>
        windows.id === origin.id ? subtract([windows], lost).map((part) => ({ ...windows, ...part })) : [windows],
      );
      if (gone.length > 0) this.#put(generation, { carried: left, missing: union(missing, gone) });
    }
  }

  /** Retired generations fold only what others carry from them, and go when that is nothing. */
  #settleRetired(): void {
    for (const generation of this.all) {
      if (!generation.record.retired || generation.phase === "dropped") continue;
      const carriers = this.wanted.filter(({ phase }) => phase !== "failed");
      const carried = carriers
        .flatMap(({ record }) => record.carried)
        .filter(({ id }) => id === generation.id)
        .reduce<Intervals>(addInterval, []);
      if (carried.length > 0 && generation.isLive) generation.change({}, carried);
      else this.#put(generation, { phase: "dropped" });
    }
  }

  #put(generation: Generation, changes: Partial<GenerationRecord>): void {
    generation.change(changes);
    if (generation.phase === "dropped") generation.clearDelta();
    this.#database.run(
      "INSERT OR REPLACE INTO generations VALUES (?, ?)",
      generation.id,
      JSON.stringify(generation.record),
    );
  }
}
