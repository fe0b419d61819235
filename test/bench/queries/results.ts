/** What was measured, as plain data: what the report shows and what is kept in a file. */
import type { DatasetName } from "./dataset.ts";
import type { ContenderId } from "./definitions.ts";
import type { Ratio } from "./measure.ts";

/** One question to one peer. */
export interface Comparison {
  readonly question: string;
  readonly title: string;
  readonly events: number;
  readonly peer: ContenderId;
  readonly peerName: string;
  readonly ownMs: number;
  readonly peerMs: number;
  /** How many times longer the peer took. */
  readonly ratio: Ratio;
  /** The same of processor time. */
  readonly processorRatio: Ratio;
  readonly target: number | null;
}

/** Bytes on disk, in all. */
export interface Size {
  readonly events: number;
  readonly name: string;
  readonly bytes: number;
}

/** The first question at one size of the log, all sizes asked in the same rounds. */
export interface Growth {
  readonly events: number;
  readonly nanosecondsPerEvent: number;
  /** How many times more than an event of the smallest log takes. */
  readonly ratio: Ratio;
}

/** Memory that the partition takes, in bytes: what its process takes beyond what it took before; `external` are typed arrays. */
export interface Memory {
  readonly dataset: DatasetName;
  readonly events: number;
  readonly moment: string;
  readonly heap: number;
  readonly external: number;
  readonly resident: number;
}

export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

export interface Results {
  readonly node: string;
  readonly platform: string;
  readonly rounds: number;
  readonly comparisons: Comparison[];
  readonly sizes: Size[];
  readonly growth: Growth[];
  readonly memory: Memory[];
  readonly skipped: Skipped[];
}

/**
 * Aimed at: the log is no larger than the same events in Parquet, an event of a long log takes hardly longer, and a partition that
 * has taken in everything takes half of the memory of its object.
 */
export const SIZE_TARGET = { name: "Headwater, segments", against: "Parquet, snappy" } as const;
export const GROWTH_TARGET = 1.3;
export const MEMORY_TARGET = 64 * 1024 ** 2;
export const AFTER_LOADING = "after loading";
