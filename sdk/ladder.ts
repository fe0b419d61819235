/**
 * The page's line to the working half, over the first rung that holds: a worker by URL, a worker from a blob, this page.
 * (The last rung, memory, is the log's own: see host.ts.) What a rung needs is loaded when it is tried: most pages need the
 * blob worker's text and nothing else.
 *
 * A worker fails silently: a CSP refusal is an error event some milliseconds later, an exception at its start or its death
 * leaves every call pending for ever. So a worker has to answer a first call in time, and whenever a call takes long, the
 * page asks whether anybody is there. What was pending on a dead worker is asked of the next: each call has to be one that
 * may be made twice.
 */
import { WORKER_LIMITS } from "./limits.ts";
import type { Rung } from "./rung.ts";
import type { HostConfig, OpenReply, Report, WorkerApi } from "./worker-api.ts";

export interface LadderOptions {
  readonly config: HostConfig;
  readonly worker: "auto" | "page";
  readonly workerUrl: string | undefined;
  readonly onReport: (report: Report) => void;
  /** A rung has been opened; after a worker's death, another one. */
  readonly onOpen: (reply: OpenReply) => void;
  /** A rung does not hold. */
  readonly onFall: (detail: string) => void;
}

type Climb = () => Promise<Rung>;

export class Ladder {
  readonly #options: LadderOptions;
  /** From the best rung down. */
  readonly #all: readonly Climb[];
  /** Rungs still to be tried, the present one first. */
  #climbs: readonly Climb[];
  #rung: Promise<Rung> | null = null;
  /** The one that is being opened, or is open. */
  #current: Rung | null = null;
  #deaths = 0;
  #pending = 0;
  #watching = false;
  #ended = false;

  constructor(options: LadderOptions) {
    this.#options = options;
    const { worker, workerUrl } = options;
    const climbs: Climb[] = [async () => (await import("./page-rung.ts")).pageRung()];
    if (worker === "auto" && typeof Worker === "function") {
      const inWorker = (url?: string) => async () => (await import("./worker-rung.ts")).workerRung(url);
      climbs.unshift(inWorker());
      if (workerUrl !== undefined) climbs.unshift(inWorker(workerUrl));
    }
    this.#all = this.#climbs = climbs;
  }

  /** Makes a call that may be made twice. Pending until some rung has answered. */
  async call<T>(request: (api: WorkerApi) => Promise<T>): Promise<T> {
    this.#pending++;
    try {
      for (;;) {
        // Whoever waits for a rung to open is to be woken, too, if it hangs.
        this.#watch();
        const rung = await this.#hold();
        const answer = request(rung.api).then((value) => ({ value }));
        const outcome = await Promise.race([answer, rung.died]);
        if (outcome !== "died") return outcome.value;
        answer.catch(() => {});
      }
    } finally {
      this.#pending--;
    }
  }

  /** Says something that needs no answer, while the page may be going away. Lost if no rung has been opened yet. */
  tell(request: (api: WorkerApi) => Promise<unknown>): void {
    this.#rung?.then((rung) => request(rung.api)).catch(() => {});
  }

  /** Lets go at once of whatever is under way. Resolves when nothing of it touches the log any more. */
  async end(): Promise<void> {
    this.#ended = true;
    // One that hangs as it opens would be waited for in vain.
    await this.#current?.die();
    const rung = await this.#rung?.catch(() => null);
    await rung?.die();
  }

  #hold(): Promise<Rung> {
    if (this.#ended) return Promise.reject(new Error("the tracker is closed"));
    this.#rung ??= this.#climb();
    return this.#rung;
  }

  async #climb(): Promise<Rung> {
    for (;;) {
      const [climb, ...rest] = this.#climbs;
      if (this.#ended) throw new Error("the tracker is closed");
      if (climb === undefined) {
        // Not even the page's own could be loaded: offline, or a deploy took it away. What is tracked waits meanwhile.
        await delay(WORKER_LIMITS.againMs);
        this.#climbs = this.#all;
        continue;
      }
      try {
        const rung = await climb();
        this.#current = rung;
        rung.died.then(() => {
          // A worker may die by chance, once: twice, and the next rung has to hold.
          if (this.#deaths++ > 0) this.#climbs = rest;
        });
        const { config, onReport, onOpen } = this.#options;
        const opened = rung.api.open(config, onReport);
        const outcome = await Promise.race([opened, rung.died]);
        if (outcome === "died") continue;
        // While it opened, whoever asked went on waiting for this climb; from now on, they need another.
        rung.died.then(() => (this.#rung = null));
        onOpen(outcome);
        return rung;
      } catch (error) {
        this.#climbs = rest;
        this.#options.onFall(String(error));
      }
    }
  }

  /** As long as calls are pending, asks now and then whether the worker lives: whichever it is by then. */
  async #watch(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    while (this.#pending > 0 && !this.#ended) {
      await delay(WORKER_LIMITS.callMs);
      const rung = this.#current;
      if (rung === null || this.#pending === 0) continue;
      // Where the page itself was busy, time and answer come up together: the answer gets a moment to be heard.
      const silence = delay(WORKER_LIMITS.pingMaxMs).then(() => delay(WORKER_LIMITS.pingGraceMs));
      const answered = await Promise.race([rung.api.ping(), silence, rung.died]);
      if (answered === true || answered === "died") continue;
      this.#options.onFall("the worker does not answer");
      rung.die();
    }
    this.#watching = false;
  }
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
