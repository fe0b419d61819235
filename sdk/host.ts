/**
 * The working half of the SDK: log, leadership and producer, put together behind one interface. It runs in a dedicated
 * worker, or on the page where there can be none; so it knows neither document nor window.
 */
import { type TabMessage, TabChannel } from "./channel.ts";
import { Flushes } from "./flushes.ts";
import { SEND_LIMITS } from "./limits.ts";
import {
  createMemoryLog,
  type LogAtWork,
  openDiskLog,
  putToWork,
  TAIL_BOUNDS,
  type WorkListener,
} from "./log-at-work.ts";
import { CLEARED_LIMITS } from "./log/limits.ts";
import { type AppendCall, type Batch, type Held, type Log, LogErased, type LogState, type Settled } from "./log/log.ts";
import { addDropped } from "#protocol";
import type { Answer } from "./transport.ts";
import type { TrackerProblem } from "./types.ts";
import { judge } from "./verdict.ts";
import type { FlushReply, HostConfig, Logged, LogSummary, OpenReply, Report, WorkerApi } from "./worker-api.ts";

export class Host implements WorkerApi, WorkListener {
  #config: HostConfig | null = null;
  #work: LogAtWork | null = null;
  #report: (report: Report) => void = () => {};
  #channel: TabChannel | null = null;
  readonly #flushes = new Flushes();
  #leader = false;
  /** The log as last told; and the one on disk, after its storage has failed: what it holds goes with the next visit. */
  #last: LogSummary | null = null;
  #stranded: LogSummary | null = null;

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
    this.#work = putToWork(log, config, this);
    return { durability: log.durability, log: this.#told(state) };
  }

  append(call: AppendCall): Promise<Logged> {
    return this.#orErased(() => this.#append(call));
  }

  restore(held: Held): Promise<LogSummary> {
    return this.#orErased(async () => {
      const { log, producer } = this.#running();
      const state = await log.restore(held, Date.now());
      producer.logged(state.events);
      const told = this.#told(state);
      this.#tellTabs({ kind: "logged", log: told });
      return told;
    });
  }

  async #append(call: AppendCall): Promise<Logged> {
    const { log, producer } = this.#running();
    const appended = await log.append(call, Date.now());
    if (!appended.ok) {
      const { failure } = appended;
      if (failure.reason === "erased") throw new LogErased();
      if (failure.reason === "storage_failed") {
        await this.#fallBack(log, failure.detail);
        return this.#append(call);
      }
      this.problem({ code: "quota_exceeded", detail: "the browser has no room for the log" });
      const told = this.#told(await log.state());
      return { durability: log.durability, runs: [], commits: [], quotaExceeded: true, sendable: false, log: told };
    }
    const { state, runs, commits, sendable } = appended.value;
    const told = this.#told(state);
    if (commits.length > 0) {
      producer.logged(state.events);
      this.#tellTabs({ kind: "logged", log: told });
    }
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
    const state = await log.state();
    if (state.events === 0) return { ok: true };
    const flushed = this.#flushes.wait(state);
    producer.kick();
    this.#tellTabs({ kind: "flush" });
    // In case the message that would say so is lost, or there is no channel to send it.
    const poll = setInterval(() => this.#look(log), SEND_LIMITS.idleAloneMs);
    return flushed.finally(() => clearInterval(poll));
  }

  async kick(): Promise<void> {
    this.#work?.producer.kick();
  }

  async suspend(): Promise<void> {
    this.#channel?.close();
    await this.#work?.leadership.withdraw();
  }

  async resume(): Promise<void> {
    this.#channel?.open();
    this.#work?.leadership.stand();
  }

  async close(): Promise<void> {
    const work = this.#work;
    this.#work = null;
    this.#channel?.close();
    this.#flushes.settle({ ok: false, problem: { code: "closed", detail: "the tracker was closed" } });
    await work?.leadership.withdraw();
    work?.log.close();
  }

  // --- what the producer tells ---------------------------------------------------------------------------------------

  settled({ state }: Settled, delivered: number): void {
    const log = this.#told(state);
    this.#report({ log, acknowledged: delivered });
    this.#tellTabs({ kind: "settled", log, delivered });
    this.#flushes.look(state);
  }

  dropped(dropped: NonNullable<Report["dropped"]>): void {
    this.#report({ dropped });
  }

  problem(problem: TrackerProblem | null): void {
    this.#report({ problem });
  }

  refused(problem: TrackerProblem): void {
    this.#tellTabs({ kind: "refused", problem });
    this.#flushes.settle({ ok: false, problem });
  }

  onLeader(leader: boolean): void {
    if (leader === this.#leader) return;
    this.#leader = leader;
    this.#report({ leader });
  }

  onTermFailed(error: unknown): void {
    if (error instanceof LogErased) this.#erased();
    else this.problem({ code: "term_failed", detail: String(error) });
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  async #openLog(config: HostConfig): Promise<Log> {
    try {
      return await openDiskLog(config, {
        onDisconnect: () => void this.#lookAgain(),
        onCleared: (lostBefore) => void this.#cleared(lostBefore),
      });
    } catch (error) {
      this.problem({ code: "no_storage", detail: String(error) });
      return createMemoryLog(config);
    }
  }

  /** The storage has failed for good: what comes from now on is kept in memory, and said to be. */
  async #fallBack(failed: Log, detail: string): Promise<void> {
    const work = this.#running();
    // Another call was faster.
    if (work.log !== failed) return;
    const config = this.#configured();
    const problem = { code: "storage_failed", detail };
    this.problem(problem);
    this.#stranded = this.#last;
    this.#work = putToWork(createMemoryLog(config), config, this);
    this.#report({ durability: "memory" });
    this.#flushes.settle({ ok: false, problem });
    await work.leadership.withdraw();
    work.log.close();
  }

  /** The connection is gone, and with it perhaps all that was stored: the sooner the page knows, the better. */
  async #lookAgain(): Promise<void> {
    try {
      const state = await this.#orErased(() => this.#running().log.state());
      this.#report({ log: this.#told(state) });
    } catch {
      // The storage is away, or closed; whoever needs it next finds out how it is.
    }
  }

  /** Pages put back what they hold; what nobody has put back in time is lost. */
  async #cleared(lostBefore: number): Promise<void> {
    try {
      const log = this.#told(await this.#running().log.state());
      this.#report({ log });
      this.#tellTabs({ kind: "logged", log });
      await new Promise((resolve) => setTimeout(resolve, CLEARED_LIMITS.restoreMaxMs));
      const state = await this.#running().log.state();
      // Now it may be sent.
      this.#running().producer.logged(state.events);
      this.#tellTabs({ kind: "logged", log: this.#told(state) });
      const count = (state.lost["cleared"] ?? 0) - lostBefore;
      if (count > 0) this.dropped({ reason: "cleared", count });
    } catch {
      // Closed in the meantime; the log itself has the count.
    }
  }

  async #orErased<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof LogErased) this.#erased();
      throw error;
    }
  }

  #erased(): void {
    this.#report({ erased: true });
    void this.close();
  }

  #heard(message: TabMessage): void {
    const work = this.#work;
    // Other tabs speak of the log on disk.
    if (work === null || work.log.durability === "memory") return;
    switch (message.kind) {
      case "logged":
        this.#report({ log: message.log });
        return work.producer.logged(message.log.events);
      case "settled":
        this.#report({ log: message.log, acknowledged: message.delivered });
        return void this.#look(work.log);
      case "flush":
        return work.producer.kick();
      case "refused":
        return this.#flushes.settle({ ok: false, problem: message.problem });
    }
  }

  /** Also so that the log, should it be cleared now, does not count as lost what another tab has settled. */
  async #look(log: Log): Promise<void> {
    try {
      this.#flushes.look(await log.state());
    } catch {
      // The storage is away; the next look may find it again.
    }
  }

  /** A log in memory is of no concern to other tabs: theirs is the one on disk. */
  #tellTabs(message: TabMessage): void {
    if (this.#work?.log.durability === "disk") this.#channel?.tell(message);
  }

  /** With what lies on a disk that has failed: it is neither delivered nor lost. */
  #told(state: LogState): LogSummary {
    const told = summary(state);
    const before = this.#stranded;
    this.#last = told;
    if (before === null) return told;
    const lost = Object.entries(before.lost).reduce(
      (sum, [reason, count]) => addDropped(sum, reason, count),
      told.lost,
    );
    return { ...told, events: told.events + before.events, delivered: told.delivered + before.delivered, lost };
  }

  #running(): LogAtWork {
    if (this.#work === null) throw new Error("assertion failed: called before open() or after close()");
    return this.#work;
  }

  #configured(): HostConfig {
    if (this.#config === null) throw new Error("assertion failed: called before open()");
    return this.#config;
  }
}

function summary(state: LogState): LogSummary {
  const { logId, producerId, renewed, acknowledged, floor, events, delivered, lost } = state;
  return { logId, producerId, renewed, acknowledged, floor, events, delivered, lost };
}
