/** What the pages of a soak have told: which events they tracked, and of which they were told that they are durable. */
import type { Status } from "../../sdk/index.ts";

/** What a page tells, since it last did. */
export interface Told {
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

export class Ledger {
  readonly tracked = new Set<string>();
  readonly durable = new Set<string>();
  readonly drops = new Map<string, number>();
  restored = 0;
  stop = false;
  /** What each page load has said last, and when. */
  readonly #statuses = new Map<string, { readonly status: Status; readonly at: number }>();

  hear(body: string): string {
    const told = JSON.parse(body) as Told;
    for (const id of told.tracked) this.tracked.add(id);
    for (const id of told.durable) this.durable.add(id);
    for (const { reason, count } of told.drops) this.drops.set(reason, (this.drops.get(reason) ?? 0) + count);
    this.restored += told.restored;
    this.#statuses.set(told.lane, { status: told.status, at: Date.now() });
    return JSON.stringify({ stop: this.stop } satisfies Heard);
  }

  /** What pages that have spoken within this time say of the log. */
  statuses(withinMs: number): readonly Status[] {
    const since = Date.now() - withinMs;
    return [...this.#statuses.values()].filter(({ at }) => at >= since).map(({ status }) => status);
  }
}
