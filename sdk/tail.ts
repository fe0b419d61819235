/**
 * The hide-time tail: the first events that the edge has not acknowledged, ready on the page, because a page that goes away
 * can wait for nobody. Only logged events, under the sequences that the log gave them; they may well be sent twice, by the
 * page and by whoever leads, and the edge counts them once.
 *
 * It grows by what this page logs, shrinks by what is acknowledged, and is asked of the log again when it has lost track
 * (another tab logged in between). Pure state: tracker.ts sends it.
 */
import type { CommitPoint } from "#protocol";
import { endOfBatch } from "./batch.ts";
import { PAGE_LIMITS, SEND_LIMITS } from "./limits.ts";
import type { Batch } from "./log/log.ts";
import { COMMIT_BYTES } from "./log/plan.ts";
import { utf8Length } from "./log/utf8.ts";
import type { Logged, LogSummary } from "./worker-api.ts";

const BYTES_MAX = PAGE_LIMITS.tailBytesMax - PAGE_LIMITS.tailEnvelopeBytes;

export class Tail {
  #batch: Batch | null = null;
  #bytes = 0;
  /** End of what this page has logged: as long as the edge has not acknowledged it, a tail is worth having. */
  #ownEnd = 0;
  #producerId: string | null = null;
  /** End of what was sent as the page hid. */
  #sentEnd = 0;

  /** Takes what the log says the tail is. */
  replace(batch: Batch | null): void {
    this.#batch = batch;
    this.#bytes = batch === null ? 0 : sizeOf(batch.events, batch.commits.length);
    if (batch !== null) this.#adopt(batch.producerId);
  }

  /**
   * This page has logged events.
   *
   * @returns false if they do not follow upon what is here: the log has to be asked
   */
  logged(reply: Logged, events: readonly string[]): boolean {
    const run = reply.runs.at(-1);
    const first = reply.commits[0]?.[0];
    if (run === undefined) return true;
    // A call that had been answered before, perhaps by a worker that died: this page does not know the commits.
    if (first === undefined) return false;
    const end = run[0] + run[1];
    this.#adopt(reply.log.producerId);
    this.#ownEnd = end;
    // Too much is waiting for one hide-time request. What is here is still its beginning.
    if (!reply.sendable) return true;
    const covered = reply.runs.reduce((sum, [, count]) => sum + count, 0);
    const added = events.slice(covered - (end - first), covered);
    if (this.#batch === null && reply.log.events === added.length) {
      const { producerId, acknowledged } = reply.log;
      this.#batch = {
        producerId,
        sequence: first,
        lost: Math.max(first - acknowledged, 0),
        dropped: {},
        commits: [],
        events: [],
      };
    }
    if (this.#batch === null || endOfBatch(this.#batch) !== first) return false;
    this.#extend(this.#batch, added, reply.commits);
    return true;
  }

  /**
   * The log has moved on.
   *
   * @returns false if the log has to be asked what the tail is now
   */
  settled(log: LogSummary): boolean {
    this.#adopt(log.producerId);
    const batch = this.#batch;
    if (batch !== null && log.floor > batch.sequence) this.#trim(batch, log);
    return this.#batch !== null || log.floor >= this.#ownEnd;
  }

  /** What to send now; null if there is nothing, or nothing new since this page was last looked at. */
  take(): Batch | null {
    const batch = this.#batch;
    if (batch === null || batch.events.length === 0 || endOfBatch(batch) <= this.#sentEnd) return null;
    this.#sentEnd = endOfBatch(batch);
    return batch;
  }

  /** The page is looked at again: by the next time it hides, what was sent may have been lost on the way. */
  shown(): void {
    this.#sentEnd = 0;
  }

  /** Under another producer id all sequences are others. */
  #adopt(producerId: string): void {
    if (this.#producerId === producerId) return;
    this.#producerId = producerId;
    this.#ownEnd = 0;
    this.#sentEnd = 0;
    if (this.#batch?.producerId !== producerId) this.#batch = null;
  }

  #extend(batch: Batch, added: readonly string[], commits: readonly CommitPoint[]): void {
    const taken: string[] = [];
    this.#bytes += commits.length * COMMIT_BYTES;
    for (const event of added) {
      const bytes = utf8Length(event) + 1;
      const full = batch.events.length + taken.length >= SEND_LIMITS.batchEventsMax || this.#bytes + bytes > BYTES_MAX;
      if (full) break;
      this.#bytes += bytes;
      taken.push(event);
    }
    const events = [...batch.events, ...taken];
    const end = batch.sequence + events.length;
    this.#batch = { ...batch, events, commits: [...batch.commits, ...commits.filter(([first]) => first < end)] };
  }

  #trim(batch: Batch, { floor, acknowledged }: LogSummary): void {
    const events = batch.events.slice(floor - batch.sequence);
    if (events.length === 0) return this.replace(null);
    const holder = batch.commits.findLastIndex(([first]) => first <= floor);
    const commits = batch.commits.slice(Math.max(holder, 0));
    this.replace({ ...batch, sequence: floor, lost: Math.max(floor - acknowledged, 0), commits, events });
  }
}

const sizeOf = (events: readonly string[], commits: number): number =>
  events.reduce((sum, event) => sum + utf8Length(event) + 1, commits * COMMIT_BYTES);
