/** What the pages of a soak have told: which events they tracked, and of which they were told that they are durable. */
import type { Status } from "../../sdk/index.ts";

/** What a page tells, since it last did. */
export interface Told {
  /** Names the page load; ids of its events begin with it. */
  readonly lane: string;
  readonly tracked: readonly string[];
  readonly durable: readonly string[];
  readonly drops: readonly { readonly reason: string; readonly count: number }[];
  /** How often it came back from the back/forward cache. */
  readonly restored: number;
  readonly status: Status;
}

/** What it hears in return. */
export interface Heard {
  /** Track no more. */
  readonly stop: boolean;
}

/** A page load, as far as it was heard. */
interface Lane {
  readonly sinceMs: number;
  untilMs: number;
  status: Status;
}

export class Ledger {
  readonly tracked = new Set<string>();
  /** When each was told to be durable. */
  readonly durable = new Map<string, number>();
  readonly drops = new Map<string, number>();
  restored = 0;
  stop = false;
  readonly #lanes = new Map<string, Lane>();
  readonly #start = performance.now();

  /** Since the soak began. */
  get nowMs(): number {
    return performance.now() - this.#start;
  }

  hear(body: string): string {
    const told = JSON.parse(body) as Told;
    const now = this.nowMs;
    for (const id of told.tracked) this.tracked.add(id);
    for (const id of told.durable) this.durable.set(id, now);
    for (const { reason, count } of told.drops) this.drops.set(reason, (this.drops.get(reason) ?? 0) + count);
    this.restored += told.restored;
    const sinceMs = this.#lanes.get(told.lane)?.sinceMs ?? now;
    this.#lanes.set(told.lane, { sinceMs, untilMs: now, status: told.status });
    return JSON.stringify({ stop: this.stop } satisfies Heard);
  }

  /** What pages that have spoken within this time say of the log. */
  statuses(withinMs: number): readonly Status[] {
    const since = this.nowMs - withinMs;
    return [...this.#lanes.values()].filter(({ untilMs }) => untilMs >= since).map(({ status }) => status);
  }

  /** What is known of some ids, by the pages they come from. */
  fates(ids: readonly string[]): readonly string[] {
    return [...Map.groupBy(ids, (id) => id.slice(0, id.lastIndexOf("-")))].map(([name, own]) => {
      const lane = this.#lanes.get(name);
      const heard =
        lane === undefined ? "never heard" : `heard from ${seconds(lane.sinceMs)} to ${seconds(lane.untilMs)}`;
      const events = own.map((id) => `${id.slice(name.length + 1)} (${this.#told(id)})`);
      return `page ${name}, ${heard}: ${events.slice(0, 20).join(", ")}${own.length > 20 ? ` and ${own.length - 20} more` : ""}`;
    });
  }

  #told(id: string): string {
    const at = this.durable.get(id);
    return at === undefined ? "not told to be durable" : `durable at ${seconds(at)}`;
  }
}

export const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
