/**
 * Group commit: requests that wait together share one commit, which is one row and one synchronization of the disk.
 *
 * Paced by the storage itself: while one commit is on its way to the disk, what arrives waits, and goes all together when
 * that one has arrived. An idle object commits at once, so that a single click waits for nothing; the slower the disk or the
 * busier the object, the more share a commit.
 *
 * A disk that is faster than a round trip to the client would split the clients in two halves that take turns, with twice
 * the rows. So after a commit that was shared, two milliseconds pass at least: those who were just answered are back by then.
 *
 * Measured in workerd on a local disk (fsync about 1 ms, two cores), each client sending one click after the other; medians
 * of five interleaved rounds:
 *
 *   clients   rows per 1,000 clicks              clicks a second
 *             each its own  sync  2 ms  this     each its own   sync   2 ms   this
 *         1          1,000  1,000 1,000 1,000             771    873    253    796
 *         8          1,000    251   127   127             892  1,927  1,695  1,543
 *        32          1,000     63    32    32             713  3,324  3,511  3,095
 *       128          1,000     16     9     9             848  3,707  4,170  4,213
 *
 * "sync" alone waits for the disk, "2 ms" alone for a timer.
 *
 * Lacks any knowledge of what is committed.
 */
import { PARTITION_LIMITS } from "./limits.ts";

/** The bounds of a partition. */
export const COMMIT_BOUNDS = {
  sharedGapMs: PARTITION_LIMITS.sharedCommitGapMs,
  waitingRequestsMax: PARTITION_LIMITS.waitingRequestsMax,
  waitingWeightMax: PARTITION_LIMITS.waitingBytesMax,
  commitRequestsMax: PARTITION_LIMITS.commitRequestsMax,
  commitRecordsMax: PARTITION_LIMITS.commitRecordsMax,
} as const;

export interface GroupCommitOptions<Request, Verdict> {
  /** Decides and writes, synchronously: one verdict for each request. If it throws, nothing of it may survive. */
  commit(requests: readonly Request[]): readonly Verdict[];
  /** Resolves when everything written so far is durable. */
  sync(): Promise<void>;
  wait(ms: number): Promise<void>;
  /** Least time between a commit that was shared and the next one. */
  readonly sharedGapMs: number;
  /** How much of the next commit's room a request takes. */
  recordsOf(request: Request): number;
  /** Bytes that a request takes while it waits. */
  weightOf(request: Request): number;
  /** How many requests, and how many bytes of them, may wait; a single request may always. */
  readonly waitingRequestsMax: number;
  readonly waitingWeightMax: number;
  /** How much one commit takes; a single request always. */
  readonly commitRequestsMax: number;
  readonly commitRecordsMax: number;
}

interface Waiting<Request, Verdict> {
  readonly request: Request;
  readonly weight: number;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: unknown) => void;
}

export class GroupCommit<Request, Verdict> {
  readonly #options: GroupCommitOptions<Request, Verdict>;
  #waiting: Waiting<Request, Verdict>[] = [];
  #weight = 0;
  #running = false;

  constructor(options: GroupCommitOptions<Request, Verdict>) {
    this.#options = options;
  }

  /** Commits a request with whatever waits beside it. @returns null if too much is waiting already */
  add(request: Request): Promise<Verdict> | null {
    const { waitingRequestsMax, waitingWeightMax, weightOf } = this.#options;
    const weight = weightOf(request);
    const isFull = this.#waiting.length >= waitingRequestsMax || this.#weight + weight > waitingWeightMax;
    if (isFull && this.#waiting.length > 0) return null;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, weight, resolve, reject });
      this.#weight += weight;
      if (!this.#running) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#take();
      try {
        const verdicts = this.#options.commit(group.map(({ request }) => request));
        group.forEach(({ resolve }, i) => resolve(verdicts[i] as Verdict));
        await this.#pace(group.length > 1);
      } catch (error) {
        for (const { reject } of [...group, ...this.#waiting]) reject(error);
        this.#waiting = [];
        this.#weight = 0;
      }
    }
    this.#running = false;
  }

  async #pace(wasShared: boolean): Promise<void> {
    const { sync, wait, sharedGapMs } = this.#options;
    await (wasShared ? Promise.all([sync(), wait(sharedGapMs)]) : sync());
  }

  /** The requests of the next commit, at least one. */
  #take(): readonly Waiting<Request, Verdict>[] {
    const { commitRequestsMax, commitRecordsMax, recordsOf } = this.#options;
    let taken = 0;
    let records = 0;
    while (taken < this.#waiting.length && taken < commitRequestsMax) {
      records += recordsOf((this.#waiting[taken] as Waiting<Request, Verdict>).request);
      if (taken > 0 && records > commitRecordsMax) break;
      taken += 1;
    }
    const group = this.#waiting.slice(0, taken);
    this.#waiting = this.#waiting.slice(taken);
    for (const { weight } of group) this.#weight -= weight;
    return group;
  }
}
