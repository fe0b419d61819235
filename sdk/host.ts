/**
 * The working half of the SDK: log, leadership and producer, put together behind one interface. It runs in a dedicated
 * worker, or on the page where there can be none; so it knows neither document nor window.
 */
import { Leadership } from "./leader.ts";
import { LOG_LIMITS } from "./log/limits.ts";
import { PAGE_LIMITS, SEND_LIMITS } from "./limits.ts";
import { openIdbLog } from "./log/idb-log.ts";
import type { AppendCall, Batch, Log, LogOptions, LogState, Settled } from "./log/log.ts";
import { MemoryLog } from "./log/memory-log.ts";
import { TabChannel, type TabMessage } from "./channel.ts";
import { Producer, type ProducerListener } from "./producer.ts";
import { randomId } from "./random.ts";
import { type Answer, createSend } from "./transport.ts";
import type { TrackerProblem } from "./types.ts";
import { judge } from "./verdict.ts";
import type { FlushReply, HostConfig, Logged, LogSummary, OpenReply, Report, WorkerApi } from "./worker-api.ts";

const TAIL_BOUNDS = {
  eventsMax: SEND_LIMITS.batchEventsMax,
  bytesMax: PAGE_LIMITS.tailBytesMax - PAGE_LIMITS.tailEnvelopeBytes,
};

/** One log at work: replaced as a whole if its storage fails. */
interface Engine {
  readonly log: Log;
  readonly producer: Producer;
  readonly leadership: Leadership;
}

interface FlushWaiter {
  readonly settle: (reply: FlushReply) => void;
  /** Resolved when this many events have left the log since it exists. */
  readonly target: number;
}

export class Host implements WorkerApi, ProducerListener {
  #config: HostConfig | null = null;
  #engine: Engine | null = null;
  #report: (report: Report) => void = () => {};
  #channel: TabChannel | null = null;
  #flushes: readonly FlushWaiter[] = [];
  #leader = false;

  async ping(): Promise<true> {
    return true;
  }

  async open(config: HostConfig, report: (report: Report) => void): Promise<OpenReply> {
    this.#config = config;
    this.#report = report;
    this.#channel = new TabChannel(config.name, (message) => this.#heard(message));
    this.#channel.open();
    const log = await this.#openLog(config);
    const state = await log.state();
    this.#engine = this.#start(log, config);
    return { durability: log.durability, log: summary(state) };
  }

  async append(call: AppendCall): Promise<Logged> {
    const { log, producer } = this.#running();
    const appended = await log.append(call, Date.now());
    if (!appended.ok) {
      if (appended.failure.reason === "storage_failed") {
        await this.#fallBack(log, appended.failure.detail);
        return this.append(call);
      }
      this.problem({ code: "quota_exceeded", detail: "the browser has no room for the log" });
      const told = summary(await log.state());
      return { durability: log.durability, runs: [], commits: [], quotaExceeded: true, sendable: false, log: told };
    }
    const { state, runs, commits, sendable } = appended.value;
    const told = summary(state);
    producer.logged(state.events);
    this.#channel?.tell({ kind: "logged", log: told });
    return { durability: log.durability, runs, commits, quotaExceeded: false, sendable, log: told };
  }

  async tail(): Promise<Batch | null> {
    const prepared = await this.#running().log.prepare(null, TAIL_BOUNDS);
    return prepared.ok ? prepared.value : null;
  }

  async tailAnswered(batch: Batch, answer: Answer): Promise<void> {
    const verdict = judge(answer, batch, Date.now());
    // Whatever else it says, the producer will be told again, and knows what to do about it.
    if (verdict.kind === "taken") await this.#running().producer.taken(batch, verdict.reply);
  }

  async flush(): Promise<FlushReply> {
    const { log, producer } = this.#running();
    const { appended, events } = await log.state();
    if (events === 0) return { ok: true };
    const flushed = new Promise<FlushReply>((settle) => {
      this.#flushes = [...this.#flushes, { settle, target: appended }];
    });
    producer.kick();
    this.#channel?.tell({ kind: "flush" });
    // In case the message that would say so is lost, or there is no channel to send it.
    const poll = setInterval(() => this.#look(log), SEND_LIMITS.idleAloneMs);
    return flushed.finally(() => clearInterval(poll));
  }

  async kick(): Promise<void> {
    this.#engine?.producer.kick();
  }

  async suspend(): Promise<void> {
    this.#channel?.close();
    await this.#engine?.leadership.withdraw();
  }

  async resume(): Promise<void> {
    this.#channel?.open();
    this.#engine?.leadership.stand();
  }

  async close(): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    this.#channel?.close();
    this.#settleFlushes({ ok: false, problem: { code: "closed", detail: "the tracker was closed" } });
    await engine?.leadership.withdraw();
    engine?.log.close();
  }

  // --- what the producer tells ---------------------------------------------------------------------------------------

  settled({ state }: Settled, delivered: number): void {
    const log = summary(state);
    this.#report({ log, acknowledged: delivered });
    this.#channel?.tell({ kind: "settled", log, delivered });
    this.#checkFlushes(state);
  }

  dropped(dropped: NonNullable<Report["dropped"]>): void {
    this.#report({ dropped });
  }

  problem(problem: TrackerProblem | null): void {
    this.#report({ problem });
  }

  refused(problem: TrackerProblem): void {
    this.#channel?.tell({ kind: "refused", problem });
    this.#settleFlushes({ ok: false, problem });
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  /** A log that can be opened but not used is none: a dead process may hold a transaction that blocks all others. */
  async #openLog(config: HostConfig): Promise<Log> {
    const options = logOptions(config);
    try {
      const log = await openIdbLog(config.name, options);
      await log.state();
      return log;
    } catch (error) {
      this.problem({ code: "no_storage", detail: String(error) });
      return new MemoryLog(options);
    }
  }

  #start(log: Log, config: HostConfig): Engine {
    const producer = new Producer(
      {
        log,
        send: createSend(config),
        now: Date.now,
        random: Math.random,
        batchEvents: config.batchEvents,
        lingerMs: config.lingerMs,
        logAgeMaxMs: config.logAgeMaxMs,
        idleMs: TabChannel.available ? SEND_LIMITS.idleMs : SEND_LIMITS.idleAloneMs,
      },
      this,
    );
    const leadership = new Leadership({
      log,
      name: config.name,
      // A log in memory is this page's alone: it must not wait for other tabs, nor keep them waiting.
      locks: log.durability === "disk" ? webLocks() : null,
      now: Date.now,
      randomId,
      lead: (term, signal) => producer.run(term, signal),
      onChange: (leader) => this.#lead(leader),
      onError: (error) => this.problem({ code: "term_failed", detail: String(error) }),
    });
    leadership.stand();
    return { log, producer, leadership };
  }

  /** The storage has failed for good: what comes from now on is kept in memory, and said to be. */
  async #fallBack(failed: Log, detail: string): Promise<void> {
    const engine = this.#running();
    // Another call was faster.
    if (engine.log !== failed) return;
    const config = this.#configured();
    const problem = { code: "storage_failed", detail };
    this.problem(problem);
    this.#engine = this.#start(new MemoryLog(logOptions(config)), config);
    this.#report({ durability: "memory" });
    this.#settleFlushes({ ok: false, problem });
    await engine.leadership.withdraw();
    engine.log.close();
  }

  #lead(leader: boolean): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#report({ leader });
  }

  #heard(message: TabMessage): void {
    const engine = this.#engine;
    // Other tabs speak of the log on disk.
    if (engine === null || engine.log.durability === "memory") return;
    switch (message.kind) {
      case "logged":
        this.#report({ log: message.log });
        return engine.producer.logged(message.log.events);
      case "settled":
        this.#report({ log: message.log, acknowledged: message.delivered });
        return void this.#look(engine.log);
      case "flush":
        return engine.producer.kick();
      case "refused":
        return this.#settleFlushes({ ok: false, problem: message.problem });
    }
  }

  async #look(log: Log): Promise<void> {
    if (this.#flushes.length === 0) return;
    try {
      this.#checkFlushes(await log.state());
    } catch {
      // The storage is away; the next look may find it again.
    }
  }

  #checkFlushes({ appended, events }: LogState): void {
    const done = this.#flushes.filter((waiter) => appended - events >= waiter.target);
    this.#flushes = this.#flushes.filter((waiter) => appended - events < waiter.target);
    done.forEach((waiter) => waiter.settle({ ok: true }));
  }

  #settleFlushes(reply: FlushReply): void {
    const waiters = this.#flushes;
    this.#flushes = [];
    waiters.forEach((waiter) => waiter.settle(reply));
  }

  #running(): Engine {
    if (this.#engine === null) throw new Error("assertion failed: called before open() or after close()");
    return this.#engine;
  }

  #configured(): HostConfig {
    if (this.#config === null) throw new Error("assertion failed: called before open()");
    return this.#config;
  }
}

const logOptions = (config: HostConfig): LogOptions => ({
  eventsMax: Math.min(config.logEventsMax, LOG_LIMITS.eventsMax),
  bytesMax: Math.min(config.logBytesMax, LOG_LIMITS.bytesMax),
  randomId,
  sendableBytesMax: TAIL_BOUNDS.bytesMax,
});

function summary({ producerId, acknowledged, floor, events, delivered, lost }: LogState): LogSummary {
  return { producerId, acknowledged, floor, events, delivered, lost };
}

/** Undefined in insecure contexts; and in sandboxed frames it is there, but refuses. */
function webLocks(): LockManager | null {
  return navigator.locks ?? null;
}
