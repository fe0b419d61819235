/** What is remembered of decisions about a view: who made them and why, what they changed, and whether the view is sound. */
import type { ViewSpec } from "#engine";

/** Who did something, as they say themselves, and why. */
export interface Note {
  readonly by: string;
  readonly reason: string | null;
}

/** What a replay that is promoted by itself may change, in shares from 0 to 1. */
export interface PromotionPolicy {
  /** Of the total of each measure. */
  readonly totalChangeMax?: number;
  /** Of the rows that were compared. */
  readonly rowsChangedMax?: number;
}

export interface ReplayDiff {
  readonly rowsCompared: number;
  readonly rowsChanged: number;
  readonly totals: { readonly [measure: string]: { readonly before: number | null; readonly after: number | null } };
  readonly largest: readonly { readonly [field: string]: unknown }[];
}

/** A page of a diff's rows. */
export interface DiffRowsRequest {
  /** What a row is of: a window and a key, or one of them over all of the other. */
  readonly by: "row" | "window" | "key";
  readonly onlyChanged: boolean;
  readonly limit: number;
  readonly cursor: DiffCursor;
}

/** Where a page begins: in the window that starts there, or the first one after it, behind so many rows. Milliseconds since the epoch. */
export interface DiffCursor {
  readonly day: number;
  readonly window: number;
  readonly index: number;
}

export interface DiffRowsPage {
  /** `time`, the key's attributes, and `{before, after}` of each measure; in the order of time and key. */
  readonly rows: readonly { readonly [field: string]: unknown }[];
  /** Null: that was all. A page may have fewer rows than were asked for, and there may be more all the same. */
  readonly next: DiffCursor | null;
}

/** What a verification of a view found. */
export interface VerificationReport {
  readonly replay: string;
  readonly state: "verified" | "differs" | "failed";
  readonly at: number;
  readonly tookMs: number;
  readonly compared: number;
  readonly differing: number;
  readonly skipped: number;
  readonly differences: readonly { readonly partition: number; readonly window: number }[];
  readonly error?: string;
}

export type LedgerAction = "promote" | "rollback";

/** One change of what a view publishes. */
export interface LedgerEntry extends Note {
  /** Rises by one with each entry of the stream. */
  readonly entry: number;
  readonly view: string;
  readonly action: LedgerAction;
  readonly at: number;
  /** The job that built the generation, if it is known still. */
  readonly replay: string | null;
  /** Null: there was none. */
  readonly fromGeneration: number | null;
  readonly toGeneration: number;
  readonly specBefore: ViewSpec | null;
  readonly specAfter: ViewSpec;
  /** What that changed, as it was when the newer generation had caught up. */
  readonly diff: ReplayDiff | null;
  readonly diffFrozenAt: number | null;
  /** Why there is no diff. */
  readonly noDiff: string | null;
}

export interface LedgerPage {
  /** The newest first. */
  readonly entries: readonly LedgerEntry[];
  /** Where the next page begins; null: that was all. */
  readonly next: number | null;
  /** Entries of the stream that are no longer kept. */
  readonly dropped: number;
}
