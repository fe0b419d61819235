/**
 * The producer table: for each producer that a partition knows, what admission needs, in hash buckets that are stored as one
 * value each. Derived: one more fold of the log, rebuilt from the tail on waking.
 */
import { type CommitPoint, type DropTotals, fail, ok, type Result } from "#protocol";
import type { ProducerState } from "./admission.ts";

export type ProducerKind = "write" | "import" | "once";

export interface ProducerEntry extends ProducerState {
  readonly kind: ProducerKind;
  /** Append time of its last batch, in milliseconds since the epoch. */
  readonly lastAt: number;
}

/** The producers of one slot, by their key. */
export type ProducerBucket = Map<string, ProducerEntry>;

/** How long a producer is remembered after its last batch, by kind; import producers are never forgotten. */
export interface ProducerRetention {
  readonly writeMs: number;
  readonly onceMs: number;
}

const VERSION = 1;

type StoredEntry = readonly [
  key: string,
  kind: ProducerKind,
  last: number,
  lastAt: number,
  points: readonly CommitPoint[],
  /** Missing where nothing was dropped, and in what was stored before there were any. */
  dropped?: DropTotals,
];

export function encodeBucket(bucket: ProducerBucket): string {
  const entries: StoredEntry[] = [];
  for (const [key, { kind, last, lastAt, points, dropped }] of bucket) {
    entries.push([key, kind, last, lastAt, points, ...orNothing(dropped)]);
  }
  return JSON.stringify([VERSION, entries]);
}

export function decodeBucket(text: string): Result<ProducerBucket, { reason: "unknown_version"; version: number }> {
  const [version, entries] = JSON.parse(text) as [number, StoredEntry[]];
  if (version !== VERSION) return fail({ reason: "unknown_version", version });
  const bucket: ProducerBucket = new Map();
  for (const [key, kind, last, lastAt, points, dropped = {}] of entries) {
    bucket.set(key, { kind, last, lastAt, points, dropped });
  }
  return ok(bucket);
}

/** The end of a stored entry: most producers have dropped nothing, and that takes no room. */
export const orNothing = (dropped: DropTotals): [] | [DropTotals] =>
  Object.keys(dropped).length === 0 ? [] : [dropped];

export function isForgotten(entry: ProducerEntry, now: number, retention: ProducerRetention): boolean {
  switch (entry.kind) {
    case "import":
      return false;
    case "write":
      return entry.lastAt < now - retention.writeMs;
    case "once":
      return entry.lastAt < now - retention.onceMs;
  }
}
