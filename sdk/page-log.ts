/**
 * The page's side of the log, for as long as consent is granted: hands over what is tracked, keeps what has to be ready when
 * the page goes away, and knows what was last heard of the log.
 */
import { encodeBatch } from "./batch.ts";
import { watchLife } from "./hide.ts";
import { Ladder } from "./ladder.ts";
import type { Held } from "./log/log.ts";
import type { Outbox } from "./outbox.ts";
import { Retained } from "./retained.ts";
import { readSpills, removeSpill, type Spill, writeSpill } from "./spill.ts";
import { Tail } from "./tail.ts";
import { appendUrl, readAnswer, requestInit } from "./transport.ts";
import { type Drop, type Durability, type TrackerProblem, TrackerError } from "./types.ts";
import type { HostConfig, LogSummary, Report } from "./worker-api.ts";

export interface PageLogOptions {
  readonly config: HostConfig;
  readonly worker: "auto" | "page";
  readonly workerUrl: string | undefined;
  readonly lane: string;
  readonly outbox: Outbox;
  readonly onDrop: (drop: Drop, counted: "by the log" | "by nobody") => void;
  readonly onProblem: (problem: TrackerProblem | null) => void;
  readonly onAcknowledged: (count: number) => void;
  /** Consent was withdrawn in another tab. */
  readonly onErased: () => void;
}

export class PageLog {
  readonly #options: PageLogOptions;
  readonly #ladder: Ladder;
  readonly #tail = new Tail();
  readonly #retained = new Retained();
  #restoring: Promise<void> = Promise.resolve();
  readonly #life = new AbortController();
  #pumping: Promise<void> | null = null;
  #askingTail = false;
  #spilled = false;
  /** Between `pagehide` and `pageshow`: what is tracked now, by a page's own last words, may never be logged. */
  #gone = false;
  /** Null until a log has been opened. */
  #durability: Durability | null = null;
  #log: LogSummary | null = null;
  #leader = false;

  constructor(options: PageLogOptions) {
    this.#options = options;
    const { config, worker, workerUrl, onProblem } = options;
    this.#ladder = new Ladder({
      config,
      worker,
      workerUrl,
      onReport: (report) => this.#hear(report),
      onOpen: ({ durability, log }) => {
        this.#hear({ durability, log });
        this.#askTail();
      },
      onFall: (detail) => {
        this.#leader = false;
        onProblem({ code: "worker_failed", detail });
      },
    });
  }

  get durability(): Durability {
    return this.#durability ?? "memory";
  }

  get leader(): boolean {
    return this.#leader;
  }

  /** What was last heard; null before anything was. */
  get log(): LogSummary | null {
    return this.#log;
  }

  start(): void {
    watchLife(
      {
        hidden: () => this.#hidden(),
        stopped: () => {
          this.#gone = true;
          this.#ladder.tell((api) => api.suspend());
        },
        restarted: () => {
          this.#gone = false;
          this.#tail.shown();
          this.#ladder.tell((api) => api.resume());
        },
        shown: () => {
          this.#tail.shown();
          this.#ladder.tell((api) => api.kick());
        },
        online: () => this.#ladder.tell((api) => api.kick()),
      },
      this.#life.signal,
    );
    this.#open().catch(() => {
      // It was closed before it was open.
    });
  }

  /** Hands over what waits in the outbox. Resolves when nothing waits any more. */
  pump(): Promise<void> {
    if (this.#gone) this.#spill();
    this.#pumping ??= this.#handOver().finally(() => (this.#pumping = null));
    return this.#pumping;
  }

  async flush(): Promise<void> {
    await this.pump();
    const reply = await this.#ladder.call((api) => api.flush());
    if (!reply.ok) throw new TrackerError("refused", `${reply.problem.code}: ${reply.problem.detail}`);
  }

  /** Waits for what was handed over, then lets go. */
  async close(): Promise<void> {
    try {
      await this.pump();
      await this.#ladder.call((api) => api.close());
    } finally {
      await this.abandon();
    }
  }

  /** Lets go at once. Resolves when the log can be deleted. */
  async abandon(): Promise<void> {
    this.#life.abort();
    await this.#ladder.end();
  }

  /** Opens the log, and brings in what earlier pages could not log any more. */
  async #open(): Promise<void> {
    const { config, lane } = this.#options;
    // Nothing is logged by it, but the first event finds everything compiled and open: it may be the one that leads away.
    await this.#ladder.call((api) => api.append({ lane, first: 0, events: [] }));
    // Spills may stay for a day with a disk.
    if (this.#durability === "memory") return;
    for (const spill of readSpills(window, config.name, lane)) {
      if (!(await this.#bringIn(spill))) return;
      removeSpill(window, config.name, spill.call.lane);
    }
  }

  /** False if it has to wait for a page that finds room: what is taken away now would be lost unseen. */
  async #bringIn({ call, at, cut }: Spill): Promise<boolean> {
    const { config, onDrop } = this.#options;
    if (at < Date.now() - config.logAgeMaxMs) {
      onDrop({ reason: "expired", count: call.events.length + cut }, "by nobody");
      return true;
    }
    const reply = await this.#ladder.call((api) => api.append({ ...call, spilled: true }));
    if (reply.durability === "memory" || reply.quotaExceeded) return false;
    this.#hear({ log: reply.log });
    this.#askTail();
    const refused = call.events.length - reply.runs.reduce((sum, [, count]) => sum + count, 0);
    if (refused > 0) onDrop({ reason: "log_full", count: refused }, "by the log");
    if (cut > 0) onDrop({ reason: "spill_full", count: cut }, "by nobody");
    return true;
  }

  async #handOver(): Promise<void> {
    const { outbox, onDrop, config, lane } = this.#options;
    for (let call = outbox.next(); call !== null; call = outbox.next()) {
      const append = call;
      await this.#restoring;
      const reply = await this.#ladder.call((api) => api.append(append));
      const refused = outbox.answered(append, reply);
      this.#hear({ durability: reply.durability, log: reply.log });
      if (reply.durability === "disk") this.#retained.logged(reply, append.events);
      if (refused > 0) onDrop({ reason: "log_full", count: refused }, "by the log");
      if (!this.#tail.logged(reply, append.events)) this.#askTail();
    }
    if (!this.#spilled) return;
    this.#spilled = false;
    removeSpill(window, config.name, lane);
    // Logged after the page was left, but it still runs: then nothing else may get to send it.
    if (document.visibilityState === "hidden") this.#sendTail();
  }

  #hear({ durability, log, leader, acknowledged, dropped, problem, erased }: Report): void {
    if (erased) return this.#options.onErased();
    if (durability !== undefined) this.#durability = durability;
    if (leader !== undefined) this.#leader = leader;
    if (problem !== undefined) this.#options.onProblem(problem);
    if (log !== undefined) {
      this.#log = log;
      // What comes from now on is in memory, and says so: what was on disk may well be there still.
      const held = this.#durability === "memory" ? null : this.#retained.hear(log);
      if (held !== null) this.#restoring = this.#restore(held);
      if (!this.#tail.settled(log)) this.#askTail();
    }
    if (dropped !== undefined) this.#options.onDrop(dropped, "by the log");
    if (acknowledged !== undefined && acknowledged > 0) this.#options.onAcknowledged(acknowledged);
  }

  async #restore(held: Held): Promise<void> {
    try {
      const log = await this.#ladder.call((api) => api.restore(held));
      this.#retained.restored(held, log);
      this.#hear({ log });
      this.#askTail();
    } catch (error) {
      this.#options.onProblem({ code: "restore_failed", detail: String(error) });
    }
  }

  /** At most one question at a time: its answer is newer than whatever made another necessary. */
  async #askTail(): Promise<void> {
    if (this.#askingTail) return;
    this.#askingTail = true;
    try {
      this.#tail.replace(await this.#ladder.call((api) => api.tail()));
    } catch {
      // Closed, or the storage is away: the events are in the log, and go with its next leader.
    } finally {
      this.#askingTail = false;
    }
  }

  #hidden(): void {
    this.#spill();
    this.#sendTail();
  }

  #spill(): void {
    const { outbox, config } = this.#options;
    if (outbox.length === 0 || this.#durability === "memory") return;
    this.#spilled = true;
    writeSpill(window, config.name, outbox.all(), Date.now());
  }

  #sendTail(): void {
    const { config } = this.#options;
    const batch = this.#tail.take();
    if (batch === null) return;
    fetch(appendUrl(config), requestInit(encodeBatch(batch, Date.now()), true))
      .then(readAnswer)
      .then((answer) => this.#ladder.tell((api) => api.tailAnswered(batch, answer)))
      // Offline, or others have used up the page's keepalive budget: the events are in the log.
      .catch(() => {});
  }
}
