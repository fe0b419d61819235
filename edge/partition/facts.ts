/**
 * Small facts of which a partition has one each, stored as JSON under their name. Writing one is one row.
 */
import { addTotals, type DropTotals } from "#protocol";
import type { Intervals } from "#engine";
import type { Database } from "./database.ts";
import type { PartitionConfig, RejectedRecord } from "./rpc.ts";

/** Counts since the partition was made. */
export interface Counters {
  readonly duplicates: number;
  readonly late: number;
  readonly rejected: number;
  readonly lost: number;
  /** Events that producers have told to have dropped, by reason; those in `lost` are among them, where producers tell. */
  readonly dropped: DropTotals;
}

export const NO_COUNTS: Counters = { duplicates: 0, late: 0, rejected: 0, lost: 0, dropped: {} };

export const hasCounted = ({ dropped, ...counts }: Counters): boolean =>
  Object.values(counts).some((count) => count !== 0) || Object.keys(dropped).length > 0;

export const addCounters = (a: Counters, b: Counters): Counters => ({
  duplicates: a.duplicates + b.duplicates,
  late: a.late + b.late,
  rejected: a.rejected + b.rejected,
  lost: a.lost + b.lost,
  dropped: addTotals(a.dropped, b.dropped),
});

/** Everything up to `logEnd` that is derived from the log and was stored; recovery goes on from here. */
export interface Checkpoint {
  readonly commitId: number;
  /** The log's end then, always the end of a segment. It also keeps offsets from being used again once all is trimmed. */
  readonly logEnd: number;
  readonly lastAppendTime: number;
  /** Greatest event time that was logged, never beyond its append time. */
  readonly greatestTime: number;
  readonly counters: Counters;
  readonly rejects: readonly RejectedRecord[];
}

/** Before the first one: nothing is stored. */
export const NO_CHECKPOINT: Checkpoint = {
  commitId: 0,
  logEnd: 0,
  lastAppendTime: 0,
  greatestTime: 0,
  counters: NO_COUNTS,
  rejects: [],
};

export interface Facts {
  config: PartitionConfig;
  checkpoint: Checkpoint;
  /** Event times, on whole minutes, of which records were trimmed. */
  trimmed: Intervals;
  /** The generation of dictionaries in use, and when it was opened. */
  dictionary: { readonly generation: number; readonly openedAt: number };
  /** When generations of dictionaries were opened, and the first one that stored windows may refer to. */
  windowDictionaries: {
    readonly from: number;
    readonly opened: readonly { readonly generation: number; readonly at: number }[];
  };
  /** When windows were last looked through for expired ones. */
  viewRetention: { readonly at: number };
  /** When windows were last looked through for those that are to be rolled up. */
  rollup: { readonly at: number };
  /** Whether somebody listens to the live feed. */
  listened: boolean;
  /** Base offset of the pack that went from the archive last, whose object may still be there; null: it is not. */
  expiredPack: number | null;
  /** The stream is gone. `archived`: whose objects may still be in the archive's bucket. */
  deleted: { readonly at: number; readonly archived?: { readonly streamId: string; readonly partition: number } };
}

export class FactStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  get<N extends keyof Facts>(name: N): Facts[N] | undefined {
    const row = this.#database.first<{ value: string }>("SELECT value FROM facts WHERE name = ?", name);
    return row && (JSON.parse(row.value) as Facts[N]);
  }

  put<N extends keyof Facts>(name: N, value: Facts[N]): void {
    this.#database.run("INSERT OR REPLACE INTO facts VALUES (?, ?)", name, JSON.stringify(value));
  }
}
