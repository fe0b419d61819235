/**
 * The Durable Object of a partition: wires and gates. What is called from outside is checked here against what caller and
 * partition know of each other, handed on, and answered as data. Lacks the log, the views and every decision: partition.ts.
 *
 * If a turn that changes something throws, memory may be ahead of the disk. Then the object aborts: nothing of that turn is
 * kept, every call in it fails, and the next call wakes a new object from what is on disk.
 */
import { DurableObject } from "cloudflare:workers";
import type { GroupSelection } from "#engine";
import { type AppendReply, fail, ok, type Result } from "#protocol";
import { type Task, Alarms } from "./alarms.ts";
import { Bucket } from "./bucket.ts";
import { weightOf } from "./commit-rows.ts";
import { GONE } from "./comparison.ts";
import { Database } from "./database.ts";
import type { Verdict } from "./decide.ts";
import { FactStore } from "./facts.ts";
import { FrozenPartials } from "./frozen-partials.ts";
import { COMMIT_BOUNDS, GroupCommit } from "./group-commit.ts";
import { Growth } from "./growth.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { migrate } from "./migrations.ts";
import { moveSomeRows } from "./move-rows.ts";
import { streamPieces } from "./partial.ts";
import { queryLog, queryView, ScanGate } from "./query.ts";
import { readRecords } from "./records.ts";
import { archivedUnder, openRoom, type Room } from "./room.ts";
import type {
  ComparedDay,
  ConfigFailure,
  PartialGone,
  PartitionAnswer,
  PartitionAppend,
  PartitionAppendFailure,
  PartitionConfig,
  PartitionQuery,
  PartitionQueryFailure,
  PartitionRecords,
  PartitionRpc,
  PartitionStatus,
  PartitionTrimmed,
  RejectedRecord,
} from "./rpc.ts";
import { runSlices } from "./slices.ts";
import { statusOf } from "./status.ts";

const overloaded = fail({ reason: "overloaded", retryAfterMs: PARTITION_LIMITS.overloadedRetryMs } as const);
const deleted = fail({ reason: "deleted" } as const);

export class PartitionObject extends DurableObject<Env> implements PartitionRpc {
  readonly #database: Database;
  readonly #facts: FactStore;
  readonly #commits: GroupCommit<PartitionAppend, Verdict>;
  readonly #scans = new ScanGate();
  readonly #frozen = new FrozenPartials();
  readonly #alarms: Alarms;
  readonly #growth: Growth;
  #room: Room | null = null;
  #isDeleted = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#database = new Database(ctx.storage);
    this.#facts = new FactStore(this.#database);
    this.#alarms = new Alarms(ctx.storage, this.#database, () => this.#room?.tasks ?? []);
    this.#commits = new GroupCommit<PartitionAppend, Verdict>({
      commit: (requests) => this.#commit(requests),
      sync: () => ctx.storage.sync(),
      wait: (ms) => scheduler.wait(ms),
      recordsOf: (request) => request.events.count,
      weightOf: (request) => weightOf(request.events),
      ...COMMIT_BOUNDS,
    });
    const mustMove = migrate(this.#database, Date.now());
    this.#growth = new Growth(this.#facts, () => this.#tellGrowth());
    if (mustMove) {
      void ctx.blockConcurrencyWhile(async () => {
        // A wait after each step, so that it is on the disk, and not lost if the platform stops the object.
        do await scheduler.wait(0);
        while (moveSomeRows(this.#database));
        this.#wake();
      });
    } else {
      this.#wake();
    }
  }

  /** Everything is as it was when the last commit was written. */
  #wake(): void {
    this.#isDeleted = this.#facts.get("deleted") !== undefined;
    const config = this.#facts.get("config");
    if (config !== undefined && !this.#isDeleted) this.#room = this.#open(config);
  }

  // --- What the stream says ---

  async configure(config: PartitionConfig): Promise<Result<null, ConfigFailure>> {
    if (this.#isDeleted) return deleted;
    const held = this.#room?.partition.config.version ?? -1;
    if (config.version < held) return fail({ reason: "stale_config", version: held });
    this.#turn(() => {
      if (this.#room === null) this.#room = this.#open(config);
      const { partition, replay } = this.#room;
      partition.configure(config, Date.now());
      // What can be caught up in a turn is: a new stream's views answer at once.
      if (partition.history.start === partition.log.sealedEnd) replay.buildStep(Date.now());
    });
    // A replay that was asked for starts at once.
    await this.#alarms.arm(Date.now(), Date.now());
    return ok(null);
  }

  async destroy(): Promise<void> {
    const room = this.#room;
    const archived = room === null ? this.#facts.get("deleted")?.archived : archivedUnder(room);
    if (room !== null) room.partition.isClosed = true;
    this.#room = null;
    this.#isDeleted = true;
    this.#frozen.releaseAll();
    const at = Date.now();
    const fact = archived === undefined ? { at } : { at, archived };
    // Said before and after: whatever happens in between, and for ever after, a late append finds no stream here.
    this.#facts.put("deleted", fact);
    await this.ctx.storage.deleteAll();
    migrate(this.#database, at);
    this.#facts.put("deleted", fact);
    if (archived === undefined) return;
    await room?.archiving.settled();
    const bucket = new Bucket(this.env.ARCHIVE ?? null, archived.streamId, archived.partition);
    const removed = await bucket.removeAll();
    // Whoever deletes the stream tries again.
    if (!removed.ok) throw new Error(`archived records are left: ${removed.failure.detail}`);
    this.#facts.put("deleted", { at });
  }

  // --- Events and questions ---

  async append(request: PartitionAppend): Promise<Result<AppendReply, PartitionAppendFailure>> {
    const room = this.#roomFor(request.configVersion);
    if (!room.ok) return room;
    return this.#commits.add(request) ?? overloaded;
  }

  async query(request: PartitionQuery): Promise<Result<PartitionAnswer, PartitionQueryFailure>> {
    const room = this.#roomFor(request.configVersion);
    if (!room.ok) return room;
    const { partition } = room.value;
    const { source } = request;
    if (source.kind === "view") return queryView(partition, { ...request, source }, this.#frozen);
    return (await this.#scans.run(() => queryLog(partition, request, this.#frozen))) ?? overloaded;
  }

  async more(
    id: string,
    selection: GroupSelection,
  ): Promise<Result<ReadableStream<Uint8Array>, PartialGone | ConfigFailure>> {
    if (this.#isDeleted) return deleted;
    const partial = this.#frozen.find(id);
    return partial === undefined ? fail({ reason: "partial_gone" }) : ok(streamPieces(partial.select(selection)));
  }

  async release(id: string): Promise<void> {
    this.#frozen.release(id);
  }

  async records(offset: number, limit: number): Promise<PartitionRecords> {
    const room = this.#openRoom();
    return room.ok ? readRecords(room.value.partition, offset, limit) : room;
  }

  // --- Administration ---

  async trim(before: number): Promise<PartitionTrimmed> {
    const room = this.#openRoom();
    if (!room.ok) return room;
    const { partition, archiving, retention } = room.value;
    if (partition.config.archive === true) {
      if (before > partition.log.sealedEnd) this.#turn(() => partition.checkpoint(Date.now()));
      const archived = await this.#guard(archiving.upTo(before));
      if (!archived.ok) return fail({ reason: "archive_unavailable", detail: archived.failure.detail });
    }
    await runSlices({
      step: () => this.#turn(() => retention.trimBefore(before, Date.now())),
      size: () => PARTITION_LIMITS.sliceOfOneStep,
      duty: () => 1,
      forMs: Infinity,
      isStopped: () => partition.isClosed,
    });
    if (partition.isClosed) return deleted;
    await this.#alarms.arm(Date.now());
    return ok({ logStart: partition.log.start });
  }

  async status(): Promise<Result<PartitionStatus, ConfigFailure>> {
    const room = this.#openRoom();
    return room.ok ? ok(statusOf(room.value.partition, room.value.archiving, Date.now())) : room;
  }

  async listen(): Promise<Result<null, ConfigFailure>> {
    const room = this.#openRoom();
    if (room.ok) this.#growth.listen();
    return room.ok ? ok(null) : room;
  }

  async rejects(): Promise<readonly RejectedRecord[]> {
    return this.#room?.partition.rejects ?? [];
  }

  async comparedDay(
    view: string,
    generation: number,
    day: number,
    part: number,
  ): Promise<Result<ComparedDay, ConfigFailure>> {
    const room = this.#openRoom();
    if (!room.ok) return room;
    const { views, comparisons } = room.value.partition;
    const found = views.find(view, generation);
    return ok(found === undefined ? GONE : comparisons.read(found, day, part));
  }

  // --- The platform's side ---

  override async alarm(): Promise<void> {
    await this.#alarms.ring();
  }

  // --- Wires ---

  #open(config: PartitionConfig): Room {
    const room = openRoom(this.#database, this.#facts, config, this.env.ARCHIVE ?? null);
    const guarded = (task: Task): Task => ({ due: (now) => task.due(now), run: () => this.#guard(task.run()) });
    return { ...room, tasks: room.tasks.map(guarded) };
  }

  #tellGrowth(): Promise<boolean> {
    const { streamId } = this.#room?.partition.config ?? {};
    return streamId === undefined ? Promise.resolve(false) : this.env.STREAM.getByName(streamId).logGrew();
  }

  /** The room, if caller and partition speak of the same configuration. */
  #roomFor(configVersion: number): Result<Room, ConfigFailure> {
    const room = this.#openRoom();
    if (!room.ok) return room;
    const held = room.value.partition.config.version;
    if (configVersion < held) return fail({ reason: "stale_config", version: held });
    return configVersion > held ? fail({ reason: "config_needed" }) : room;
  }

  #openRoom(): Result<Room, ConfigFailure> {
    if (this.#isDeleted) return deleted;
    if (this.#room === null) return fail({ reason: "config_needed" });
    this.#alarms.watch(Date.now());
    return ok(this.#room);
  }

  /** The commit of requests that waited together. The configuration may have changed since they came. */
  #commit(requests: readonly PartitionAppend[]): readonly Verdict[] {
    return this.#turn(() => {
      const verdicts: Verdict[] = [];
      const rooms = requests.map((request) => this.#roomFor(request.configVersion));
      const current = requests.filter((_, i) => rooms[i]?.ok);
      const before = this.#room?.partition.log;
      const sealedEnd = before?.sealedEnd;
      const wasSealed = before?.tail.length === 0;
      const committed = this.#room?.partition.commit(current, Date.now()) ?? [];
      this.#growth.noteGrowth();
      // A new segment may be one too many; a tail's first record is the first that will expire.
      if (wasSealed || this.#room?.partition.log.sealedEnd !== sealedEnd) void this.#alarms.arm(Date.now());
      else this.#alarms.watch(Date.now());
      let next = 0;
      for (const room of rooms) verdicts.push(room.ok ? (committed[next++] as Verdict) : room);
      return verdicts;
    });
  }

  /** A synchronous turn that changes something. If it throws, nothing of it may survive in memory. */
  #turn<T>(change: () => T): T {
    try {
      return change();
    } catch (error) {
      this.ctx.abort(`aborted: ${String(error)}`);
      throw error;
    }
  }

  async #guard<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      console.error(error);
      this.ctx.abort(`aborted: ${String(error)}`);
      throw error;
    }
  }
}
