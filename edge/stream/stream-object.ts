/**
 * The stream's object, as others call it: the only writer of its configuration, keys, view generations and replay jobs. One
 * more instance of the class, named `directory`, gives out the names of streams.
 *
 * Each method is one decision (a pure function of this room) handed to the control loop, and one answer. Lacks everything
 * else: what is due and when is edge/stream/control-loop.ts.
 */
import { DurableObject } from "cloudflare:workers";
import { fail, ok, type Result } from "#protocol";
import {
  appendContext,
  changeStream,
  createStream,
  describeStream,
  queryContext,
  streamConfig,
} from "./configuration.ts";
import { ControlLoop } from "./control-loop.ts";
import { Directory } from "./directory.ts";
import { makeFirstKeys, randomHex, randomSeed } from "./first-keys.ts";
import { makeKey, rotateKey } from "./keys.ts";
import { isInLedger, pageOf } from "./ledger.ts";
import { LiveFeed, type LiveQuestions } from "./live-feed.ts";
import { canPlaceIn } from "./partitions.ts";
import { describeReplay } from "./replay-jobs.ts";
import { pauseReplay, resumeReplay } from "./pause.ts";
import { firstAbsent } from "./reports.ts";
import { cancelReplay, promoteReplay, type ReplayChange, rollBackView, startReplay, whyCancelled } from "./replays.ts";
import type {
  AdminFailure,
  AppendContext,
  DiffRowsPage,
  DiffRowsRequest,
  KeyKind,
  LedgerPage,
  Note,
  QueryContext,
  ReplayJob,
  ReplayRequest,
  StreamChange,
  StreamConfig,
  StreamDescription,
  StreamRpc,
  ViewConfig,
  ViewDescription,
} from "./rpc.ts";
import { scheduleVerification } from "./scheduled.ts";
import { deleteView, describeView, putView, viewOf, viewsByName } from "./views.ts";

type Admin<T> = Promise<Result<T, AdminFailure>>;

export class StreamObject extends DurableObject<Env> implements StreamRpc {
  readonly #directory: Directory;
  readonly #loop: ControlLoop;
  /** Made when it is first needed: what answers it is set by then. */
  #feed: LiveFeed | null = null;
  /** What answers the live feed; without it there is none. */
  protected readonly liveQuestions: LiveQuestions | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#directory = new Directory(ctx.storage);
    this.#loop = new ControlLoop(ctx, env.PARTITION, {
      due: (now) => this.#liveFeed()?.due(now) ?? null,
      changed: () => void this.#liveFeed()?.noteChange(),
    });
  }

  async resolve(name: string): Promise<string | null> {
    return this.#directory.resolve(name);
  }

  async register(name: string): Promise<{ readonly streamId: string; readonly created: boolean }> {
    return this.#directory.register(name, Date.now());
  }

  async unregister(name: string, streamId: string): Promise<void> {
    this.#directory.unregister(name, streamId);
  }

  async list(): Promise<readonly { readonly name: string; readonly streamId: string }[]> {
    return this.#directory.list();
  }

  async put(
    name: string,
    streamId: string,
    change: StreamChange,
    defaults: StreamConfig,
  ): Admin<{ readonly config: StreamConfig; readonly keys?: { readonly [kind in KeyKind]: string } }> {
    const loop = this.#watched();
    if (loop.isDeleted) return fail(loop.unknownStream());
    const keys = loop.state === null ? await makeFirstKeys() : null;
    // Hashing a key lets other requests in: one of them may have made or even deleted the stream.
    if (keys === null || loop.state !== null || loop.isDeleted) {
      const changed = await loop.change((state, now) => stateOnly(changeStream(state, change, now)));
      return changed.ok ? ok({ config: streamConfig(changed.value.state) }) : changed;
    }
    const { jurisdiction = null } = change;
    // Before anything is stored: a stream whose partitions cannot be addressed could not be deleted either.
    if (!canPlaceIn(this.env.PARTITION, jurisdiction)) {
      return fail({ reason: "jurisdiction_unavailable", jurisdiction: String(jurisdiction) });
    }
    const birth = { name, streamId, seed: randomSeed(), secret: randomHex(16), keys: Object.values(keys) };
    const created = createStream(birth, change, defaults, Date.now());
    if (!created.ok) return created;
    loop.create(created.value);
    // The logs are empty, so the first views are built by the time that they have been asked for: no need for an alarm.
    await loop.work();
    const { write, read, import: imports } = keys;
    return ok({ config: streamConfig(created.value), keys: { write: write.key, read: read.key, import: imports.key } });
  }

  async appendContext(): Promise<AppendContext | null> {
    const { state } = this.#watched();
    return state && appendContext(state, Date.now());
  }

  async queryContext(): Promise<QueryContext | null> {
    const { state } = this.#watched();
    return state && queryContext(state, Date.now());
  }

  async describe(): Admin<StreamDescription> {
    const loop = this.#watched();
    const reports = await loop.ask();
    return loop.state === null ? fail(loop.unknownStream()) : ok(describeStream(loop.state, reports, Date.now()));
  }

  async createKey(kind: KeyKind, graceMs: number): Admin<{ readonly id: string; readonly key: string }> {
    const now = Date.now();
    const { key, stored } = await makeKey(kind, now);
    const changed = await this.#watched().change((state) =>
      ok({ state: { ...state, keys: rotateKey(state.keys, stored, graceMs, now) } }),
    );
    return changed.ok ? ok({ id: stored.id, key }) : changed;
  }

  async putView(
    view: ViewConfig,
    note?: Note,
  ): Admin<{ readonly created: boolean; readonly view: ViewDescription; readonly replay: string | null }> {
    const changed = await this.#watched().change((state, now) => putView(state, view, now, note));
    if (!changed.ok) return changed;
    const { state, created, replay } = changed.value;
    return ok({ created, view: describeView(viewOf(state, view.name)), replay });
  }

  async deleteView(view: string): Admin<null> {
    const changed = await this.#watched().change((state, now) => stateOnly(deleteView(state, view, now)));
    return changed.ok ? ok(null) : changed;
  }

  async views(): Admin<readonly ViewDescription[]> {
    const loop = this.#watched();
    const reports = await loop.ask();
    if (loop.state === null) return fail(loop.unknownStream());
    return ok(viewsByName(loop.state).map((view) => describeView(view, reports)));
  }

  async startReplay(request: ReplayRequest): Admin<{ readonly id: string }> {
    const changed = await this.#watched().change((state, now) => startReplay(state, request, now));
    return changed.ok ? ok({ id: changed.value.job.id }) : changed;
  }

  async replays(): Admin<readonly ReplayJob[]> {
    const loop = this.#watched();
    if (loop.state === null) return fail(loop.unknownStream());
    const newestFirst = [...loop.state.replays.values()].sort((a, b) => b.startedAt - a.startedAt);
    return ok(newestFirst.map((job) => describeReplay(job, Date.now())));
  }

  async replay(id: string): Admin<ReplayJob> {
    const loop = this.#watched();
    if (loop.state === null) return fail(loop.unknownStream());
    const job = loop.state.replays.get(id);
    return job === undefined ? fail({ reason: "unknown_replay", id }) : ok(describeReplay(job, Date.now()));
  }

  async diffRows(id: string, request: DiffRowsRequest): Admin<DiffRowsPage> {
    return this.#watched().diffRows(id, request);
  }

  async promote(id: string, note?: Note): Admin<ReplayJob> {
    const loop = this.#watched();
    const job = loop.state?.replays.get(id);
    if (job?.state === "caught-up") {
      // It may have waited for a day: ask whether every partition still has it, and whole.
      const reports = await loop.ask();
      const absent = firstAbsent(job, reports);
      if (absent !== null) return fail({ reason: "partition_unavailable", ...absent });
      loop.observe(reports);
    }
    return described(await loop.change((state, now) => promoteReplay(state, id, now, note)));
  }

  async cancel(id: string, note?: Note): Admin<ReplayJob> {
    const why = note && whyCancelled(note);
    return described(await this.#watched().change((state, now) => cancelReplay(state, id, now, why)));
  }

  async pause(id: string): Admin<ReplayJob> {
    // It may have caught up since it was looked at last; then there is nothing left to pause.
    const loop = this.#watched();
    loop.observe(await loop.ask());
    return described(await loop.change((state, now) => pauseReplay(state, id, now)));
  }

  async resume(id: string): Admin<ReplayJob> {
    return described(await this.#watched().change((state, now) => resumeReplay(state, id, now)));
  }

  async rollback(view: string, note?: Note, to?: number): Admin<ViewDescription> {
    const changed = await this.#watched().change((state, now) => stateOnly(rollBackView(state, view, now, note, to)));
    return changed.ok ? ok(describeView(viewOf(changed.value.state, view))) : changed;
  }

  async scheduleVerification(view: string, everyMs: number | null): Admin<ViewDescription> {
    const changed = await this.#watched().change((state, now) =>
      stateOnly(scheduleVerification(state, view, everyMs, now)),
    );
    return changed.ok ? ok(describeView(viewOf(changed.value.state, view))) : changed;
  }

  async ledger(view: string, before: number | null, limit: number): Admin<LedgerPage> {
    const loop = this.#watched();
    if (loop.state === null) return fail(loop.unknownStream());
    const isKnown = loop.state.views.has(view) || isInLedger(loop.state, view);
    return isKnown ? ok(pageOf(loop.state, view, before, limit)) : fail({ reason: "unknown_view", view });
  }

  async destroy(): Admin<null> {
    const loop = this.#watched();
    if (loop.state === null) return fail(loop.unknownStream());
    this.#liveFeed()?.closeAll("unknown_stream");
    await loop.destroy();
    return ok(null);
  }

  // --- The live feed ---

  async logGrew(): Promise<boolean> {
    return this.#liveFeed()?.noteChange() ?? false;
  }

  override async fetch(_request: Request): Promise<Response> {
    const feed = this.#watched().state === null ? null : this.#liveFeed();
    if (feed === null) return new Response(null, { status: 404 });
    return feed.open() ?? new Response(null, { status: 503 });
  }

  override async webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
    await this.#liveFeed()?.hear(socket, message);
  }

  override async webSocketClose(socket: WebSocket, code: number): Promise<void> {
    // Answers the other side's close frame. Reserved codes cannot be sent.
    socket.close(code >= 3_000 || code === 1_000 ? code : 1_000);
  }

  /** Nothing is made of an object that nobody listens to: it costs no more to wake. */
  #liveFeed(): LiveFeed | null {
    if (this.liveQuestions === null) return null;
    this.#feed ??= new LiveFeed({
      ctx: this.ctx,
      env: this.env,
      questions: this.liveQuestions,
      stream: () => {
        const { state } = this.#loop;
        return state && { name: state.name, context: queryContext(state, Date.now()) };
      },
      listen: () => this.#loop.listen(),
      onDue: () => this.#loop.arm(),
    });
    return this.#feed;
  }

  override async alarm(): Promise<void> {
    await this.#loop.alarm();
  }

  /** The loop, after a look at whether its alarm is still alive. */
  #watched(): ControlLoop {
    this.#loop.watch();
    return this.#loop;
  }
}

const stateOnly = <S>(decided: Result<S, AdminFailure>) => (decided.ok ? ok({ state: decided.value }) : decided);

const described = (changed: Result<ReplayChange, AdminFailure>): Result<ReplayJob, AdminFailure> =>
  changed.ok ? ok(describeReplay(changed.value.job, Date.now())) : changed;
