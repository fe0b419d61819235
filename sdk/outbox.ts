/**
 * Calls of the page that are not durable yet, in order. One call to the log is under way at a time; what is tracked in the
 * meantime goes with the next, as one record: the busier the page, the larger the commits.
 *
 * Every event has a number in its lane, the page load. The log keeps how far a lane has come, so that whatever is handed
 * over twice (to the next worker, or by a spill) is kept once.
 */
import { PAGE_LIMITS } from "./limits.ts";
import { type Tracked, TrackerError } from "./types.ts";
import type { AppendCall } from "./log/log.ts";
import type { Logged } from "./worker-api.ts";

interface Waiting {
  readonly json: string;
  readonly resolve: (tracked: Tracked) => void;
  readonly reject: (error: TrackerError) => void;
}

export class Outbox {
  readonly #lane: string;
  #first = 0;
  #waiting: Waiting[] = [];
  #chars = 0;

  constructor(lane: string) {
    this.#lane = lane;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Adds one event, as JSON. The promise settles when the log has answered for it. Null: no room. */
  add(json: string): Promise<Tracked> | null {
    const chars = this.#chars + json.length;
    if (this.#waiting.length >= PAGE_LIMITS.waitingEventsMax || chars > PAGE_LIMITS.waitingCharsMax) return null;
    this.#chars = chars;
    return new Promise((resolve, reject) => this.#waiting.push({ json, resolve, reject }));
  }

  /** What comes next; the same until {@link answered} has settled it. Null: nothing waits. */
  next(): AppendCall | null {
    if (this.#waiting.length === 0) return null;
    const events = this.#waiting.slice(0, PAGE_LIMITS.callEventsMax).map(({ json }) => json);
    return { lane: this.#lane, first: this.#first, events };
  }

  /** All that waits, for the page's last moment. */
  all(): AppendCall {
    return { lane: this.#lane, first: this.#first, events: this.#waiting.map(({ json }) => json) };
  }

  /** Settles the promises of a call. Returns how many of its events were refused. */
  answered(call: AppendCall, { durability, runs }: Logged): number {
    // What was handed over has been given up in the meantime: consent was withdrawn.
    if (call.first !== this.#first) return 0;
    const settled = this.#take(call.events.length);
    const sequences = runs.flatMap(([sequence, count]) => Array.from({ length: count }, (_, i) => sequence + i));
    settled.forEach(({ resolve, reject }, i) => {
      const sequence = sequences[i];
      if (sequence === undefined) reject(new TrackerError("log_full", "the log holds as much as it may"));
      else resolve({ sequence, durability });
    });
    return settled.length - sequences.length;
  }

  /** Rejects all that waits. Returns how much it was. */
  fail(error: TrackerError): number {
    const failed = this.#take(this.#waiting.length);
    failed.forEach(({ reject }) => reject(error));
    return failed.length;
  }

  #take(count: number): readonly Waiting[] {
    this.#first += count;
    const taken = this.#waiting.splice(0, count);
    for (const { json } of taken) this.#chars -= json.length;
    return taken;
  }
}
