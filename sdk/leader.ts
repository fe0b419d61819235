/**
 * Leadership: of all tabs that share a log, one sends.
 *
 * A Web Lock decides where there are Web Locks: it is handed over within milliseconds of a tab's end. It is not enough. A
 * holder that is frozen or in the back/forward cache while another waits never lets go (Chromium), so tabs release it on
 * the way there; and a holder that could not is told by its lease in the log, whose heartbeat stops: then the lock is
 * stolen. In insecure contexts, without Web Locks, the lease alone decides.
 *
 * Two tabs may both believe for a while that they lead. That costs requests, never truth: each term has a random token, and
 * the log compares it inside every transaction that only a leader may make.
 *
 * Lacks any knowledge of what leading is for.
 */
import { Alarm } from "./alarm.ts";
import { LEADER_LIMITS } from "./limits.ts";
import { LEASE_LIMITS } from "./log/limits.ts";
import type { Log } from "./log/log.ts";

export interface LeadershipOptions {
  readonly log: Pick<Log, "takeLease" | "keepLease" | "dropLease" | "leaseExpired">;
  readonly name: string;
  /** Null where the browser has none. */
  readonly locks: LockManager | null;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly randomId: () => string;
  /** Leads for one term: until the signal is aborted, or there is no more leading to do. */
  readonly lead: (term: string, signal: AbortSignal) => Promise<void>;
  readonly onChange: (leader: boolean) => void;
  /** A term ended in an error; another candidacy follows. */
  readonly onError: (error: unknown) => void;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  #candidacy: { readonly end: AbortController; readonly ended: Promise<void> } | null = null;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /** Stands for leader until it withdraws. */
  stand(): void {
    if (this.#candidacy !== null) return;
    const end = new AbortController();
    this.#candidacy = { end, ended: this.#campaign(end.signal) };
  }

  /** Ends the term, if there is one, and waits for no other. Resolves once lock and lease are free. */
  async withdraw(): Promise<void> {
    const candidacy = this.#candidacy;
    this.#candidacy = null;
    candidacy?.end.abort();
    await candidacy?.ended;
  }

  async #campaign(signal: AbortSignal): Promise<void> {
    const pause = new Alarm();
    while (!signal.aborted) {
      try {
        await (this.#options.locks === null ? this.#serve(signal, false) : this.#queue(this.#options.locks, signal));
      } catch (error) {
        if (!signal.aborted) this.#options.onError(error);
      }
      await pause.sleep(LEADER_LIMITS.reelectMs, signal);
    }
  }

  /** Waits for the lock, or steals it from a holder whose heartbeat has stopped. */
  async #queue(locks: LockManager, signal: AbortSignal): Promise<void> {
    const waiting = linked(signal);
    let serving: Promise<void> | null = null;
    const serve = () => {
      waiting.abort();
      // With the lock in hand the lease is taken by force: whoever wrote it has lost the lock.
      serving = this.#serve(signal, true);
      return serving;
    };
    const expired = this.#watchLease(waiting.signal).then((dead) => {
      if (dead && serving === null) waiting.abort();
      return dead && serving === null;
    });
    try {
      await locks.request(this.#options.name, { signal: waiting.signal }, serve);
    } catch (error) {
      if (serving !== null || signal.aborted) throw error;
      if (!(await expired)) throw error;
      await locks.request(this.#options.name, { steal: true }, serve);
    } finally {
      waiting.abort();
    }
  }

  /** One term, if the lease can be had. */
  async #serve(signal: AbortSignal, force: boolean): Promise<void> {
    const { log, now, randomId, lead, onChange } = this.#options;
    const term = randomId();
    if (!(await log.takeLease(term, now(), force))) return;
    const over = linked(signal);
    const beat = setInterval(() => {
      log.keepLease(term, now()).then(
        (kept) => kept || over.abort(),
        () => over.abort(),
      );
    }, LEASE_LIMITS.heartbeatMs);
    try {
      if (over.signal.aborted) return;
      onChange(true);
      await lead(term, over.signal);
    } finally {
      clearInterval(beat);
      over.abort();
      onChange(false);
      // If the storage fails here, the lease expires by itself.
      await log.dropLease(term).catch(() => {});
    }
  }

  /** Resolves true once the lease is found dead twice: the first time, a new holder may not have taken it yet. */
  async #watchLease(signal: AbortSignal): Promise<boolean> {
    const pause = new Alarm();
    let dead = 0;
    while (!signal.aborted && dead < 2) {
      await pause.sleep(LEADER_LIMITS.watchMs, signal);
      if (signal.aborted) return false;
      const expired = await this.#options.log.leaseExpired(this.#options.now()).catch(() => false);
      dead = expired ? dead + 1 : 0;
    }
    return !signal.aborted;
  }
}

/** A controller that is aborted with a signal, too. */
function linked(signal: AbortSignal): AbortController {
  const controller = new AbortController();
  if (signal.aborted) controller.abort();
  else signal.addEventListener("abort", () => controller.abort(), { signal: controller.signal, once: true });
  return controller;
}
