/**
 * What every engine of the bench can do, and what its answers look like. Small answers only: an engine that would have to
 * hand millions of groups out is asked for sums over them instead, so that nobody's time is spent on carrying rows.
 */
import type { Chunk } from "./dataset.ts";
import type { ContenderId, Question } from "./definitions.ts";

/** Of all groups: how many there are, and sums over what is known of each. */
export interface Summary {
  readonly groups: number;
  readonly clicks: number;
  /** Clicks of the greatest group. */
  readonly clicksMax: number;
  /** Sum of the groups' distinct users, or of their prices. */
  readonly measure: number | null;
}

export type Answer =
  | { readonly kind: "summary"; readonly summary: Summary }
  /** Ads by their number, most clicks first, equal ones by number. */
  | { readonly kind: "top"; readonly rows: readonly (readonly [ad: number, clicks: number])[] };

/** One way of one engine to answer. */
export interface Contender {
  readonly id: ContenderId;
  readonly name: string;
  /** Ready to be asked, as often as wanted; what can be done before the clock runs is done. */
  prepare(question: Question): Promise<() => Answer | Promise<Answer>>;
}

/** Something that holds the events, and the contenders over it. */
export interface Engine {
  readonly name: string;
  /** @param csv the same events in a file; see csv.ts */
  load(chunk: Chunk, csv: string): Promise<void>;
  /** After the last chunk: everything is in the engine's own best form, on disk. */
  settle(): Promise<void>;
  readonly contenders: readonly Contender[];
  /** Bytes on disk, by what holds them. */
  bytes(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}
