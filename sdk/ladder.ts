/**
 * The page's line to the working half, over the first rung that holds: a worker by URL, a worker from a blob, this page.
 * (The last rung, memory, is the log's own: see host.ts.)
 *
 * A worker fails silently: a CSP refusal is an error event some milliseconds later, an exception at its start or its death
 * leaves every call pending for ever. So a worker has to answer a first call in time, and whenever a call takes long, the
 * page asks whether anybody is there. What was pending on a dead worker is asked of the next: each call has to be one that
 * may be made twice.
 */
import { proxy, wrap } from "comlink";
import { Host } from "./host.ts";
import { WORKER_LIMITS } from "./limits.ts";
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

interface Rung {
  readonly api: WorkerApi;
  /** Resolves when nobody answers any more. */
  readonly died: Promise<"died">;
  readonly die: () => void | Promise<void>;
}

type Climb = () => Promise<Rung>;

export class Ladder {
  readonly #options: LadderOptions;
  /** Rungs still to be tried, the present one first. */
  #climbs: readonly Climb[];
  #rung: Promise<Rung> | null = null;
  #deaths = 0;
  #pending = 0;
  #watching = false;
  #ended = false;

  constructor(options: LadderOptions) {
    this.#options = options;
    const { worker, workerUrl } = options;
    const climbs: Climb[] = [async () => onPage()];
    if (worker === "auto" && typeof Worker === "function") {
      const source = typeof HEADWATER_WORKER_SOURCE === "string" ? HEADWATER_WORKER_SOURCE : null;
      if (source !== null) climbs.unshift(() => inWorker(() => blobWorker(source)));
      if (workerUrl !== undefined) climbs.unshift(() => inWorker(() => new Worker(trusted(workerUrl))));
    }
    this.#climbs = climbs;
  }

  /** Makes a call that may be made twice. Pending until some rung has answered. */
  async call<T>(request: (api: WorkerApi) => Promise<T>): Promise<T> {
    this.#pending++;
    try {
      for (;;) {
        const rung = await this.#hold();
        this.#watch(rung);
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
      if (climb === undefined) throw new Error("no rung holds");
      try {
        const rung = await climb();
        rung.died.then(() => {
          this.#rung = null;
          // A worker may die by chance, once: twice, and the next rung has to hold.
          if (this.#deaths++ > 0) this.#climbs = rest;
        });
        const { config, onReport, onOpen } = this.#options;
        const opened = rung.api.open(config, onReport);
        const outcome = await Promise.race([opened, rung.died]);
        if (outcome === "died") continue;
        onOpen(outcome);
        return rung;
      } catch (error) {
        this.#climbs = rest;
        this.#options.onFall(String(error));
      }
    }
  }

  /** As long as calls are pending, asks now and then whether the worker lives. */
  async #watch(rung: Rung): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    while (this.#pending > 0 && !this.#ended) {
      await delay(WORKER_LIMITS.callMs);
      if (this.#pending === 0) break;
      // Where the page itself was busy, time and answer come up together: the answer gets a moment to be heard.
      const silence = delay(WORKER_LIMITS.pingMaxMs).then(() => delay(WORKER_LIMITS.pingGraceMs));
      const answered = await Promise.race([rung.api.ping(), silence, rung.died]);
      if (answered === true) continue;
      if (answered !== "died") this.#options.onFall("the worker does not answer");
      rung.die();
      break;
    }
    this.#watching = false;
  }
}

function onPage(): Rung {
  // Nobody else can end it: it lives as long as the page.
  const api = new Host();
  return { api, died: new Promise(() => {}), die: () => api.close() };
}

/** @throws if the worker does not answer its first call in time */
async function inWorker(create: () => Worker): Promise<Rung> {
  const worker = create();
  let die = () => {};
  const died = new Promise<"died">((resolve) => {
    die = () => {
      worker.terminate();
      resolve("died");
    };
  });
  const failed = new Promise<never>((_, reject) => {
    worker.addEventListener("error", (event) => reject(new Error(event.message || "the worker did not start")));
  });
  const remote = wrap<WorkerApi>(worker);
  try {
    const answered = await Promise.race([remote.ping(), failed, delay(WORKER_LIMITS.handshakeMaxMs)]);
    if (answered !== true) throw new Error("the worker did not answer");
  } catch (error) {
    worker.terminate();
    throw error;
  }
  failed.catch(() => {});
  // Methods that take and return plain data are the same on both sides; a callback has to be said to be one.
  const api = remote as unknown as WorkerApi;
  return {
    died,
    die,
    // The object must be held for as long as answers are awaited: https://github.com/GoogleChromeLabs/comlink/issues/692
    api: new Proxy(api, {
      get: (_, name) => {
        if (name === "open") return (config: HostConfig, report: OpenCallback) => remote.open(config, proxy(report));
        return api[name as keyof WorkerApi];
      },
    }),
  };
}

type OpenCallback = Parameters<WorkerApi["open"]>[1];

function blobWorker(source: string): Worker {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(trusted(url));
  // The worker has its own reference once it has been asked for; Safari looks it up a little later.
  setTimeout(() => URL.revokeObjectURL(url), WORKER_LIMITS.handshakeMaxMs);
  return worker;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** Pages that require Trusted Types allow us with `trusted-types headwater`. A name can be had once only. */
let policy: ReturnType<TrustedTypes["createPolicy"]> | undefined;

function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypes };
  if (trustedTypes === undefined) return url;
  policy ??= trustedTypes.createPolicy("headwater", { createScriptURL: (given) => given });
  return policy.createScriptURL(url);
}

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
