/** What the SDK bench finds. No behaviour. */
import type { Weight } from "./bundles.ts";

/** One fault befallen one tracker, over all rounds. */
export interface Cell {
  readonly adapter: string;
  readonly column: string;
  readonly sent: number;
  /** Never arrived; for Headwater, never counted. */
  readonly lost: number;
  readonly twiceOnTheWire: number;
  /** After deduplication at the edge; null where that was not run. */
  readonly countedTwice: number | null;
}

/** 2,000 calls at a sixth of the processor's speed; medians over rounds. */
export interface Cost {
  readonly adapter: string;
  readonly rounds: number;
  /** In the calls themselves. */
  readonly callsMs: number;
  /** Of the page's main thread in all, from the first call until it has been quiet for a while. */
  readonly mainThreadMs: number;
  /** Tasks of more than 50 ms. */
  readonly longTasks: number;
  /** What these took beyond 50 ms each. */
  readonly blockingMs: number;
}

/** Headwater's own latencies, in microseconds. */
export interface Latency {
  readonly throttling: number;
  readonly callMedianUs: number;
  readonly callP99Us: number;
  /** From the call until the event is on disk; null where throttled, when it is not promised. */
  readonly durableMedianUs: number | null;
}

/** How many arrived although nobody came back. */
export interface SameVisit {
  readonly adapter: string;
  readonly leaving: "navigate" | "close";
  readonly visits: number;
  readonly delivered: number;
}

export interface Results {
  readonly browser: string;
  readonly platform: string;
  readonly versions: Record<string, string>;
  faults: Cell[];
  sizes: ({ readonly adapter: string } & Weight)[];
  cost: Cost[];
  latency: Latency[];
  sameVisit: SameVisit[];
}
