/**
 * What a partition can be told and asked. Plain data: expected failures are values, because error classes lose their
 * fields at the wall of an object. Written so that old and new code can talk to each other during a deploy: fields are
 * added, never given a new meaning.
 */
import type { AdmissionFailure, AppendReply, CommitPoint, DropTotals, RejectedEvent, Result } from "#protocol";
import type {
  EarlyStop,
  EventColumns,
  GroupSelection,
  HashSeed,
  Query,
  SentValues,
  ViewSpec,
  WideWindows,
} from "#engine";

import type { ArchiveStatus, RecordsPage, RejectedRecord } from "./log-reports.ts";

export type * from "./log-reports.ts";

/** Everything that a partition knows of its stream. Pushed whole; a partition keeps the newest and refuses older ones. */
export interface PartitionConfig {
  /** Rises with every change of the stream. */
  readonly version: number;
  readonly streamId: string;
  readonly partition: number;
  readonly seed: HashSeed;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  /** Sealed segments are archived before they are trimmed. Missing from a stream's object of before: they are not. */
  readonly archive?: boolean;
  /** How long a record stays archived after it was appended. Null, or missing: until the stream is deleted. */
  readonly archiveRetentionMs?: number | null;
  readonly allowedLatenessMs: number;
  readonly identifiers: readonly string[];
  /**
   * The view generations that are wanted, whatever is there now. The partition builds those that it lacks by replay, keeps
   * folding those that it has, and drops the rest: starting, cancelling and retiring a generation are all this one list.
   */
  readonly generations: readonly GenerationConfig[];
}

export interface GenerationConfig {
  readonly view: string;
  readonly generation: number;
  readonly spec: ViewSpec;
  /** How long a window is kept after the append time of the last record that changed it. */
  readonly retentionMs: number;
  /** How old a window is, and how long unchanged, when it is rolled up. Missing from a stream's object of before: the defaults. */
  readonly rollup?: RollupAges;
  /** `verify`: built aside only to be compared with `against`, window by window. */
  readonly mode: "build" | "verify";
  /** Event time from which windows are recomputed; null: all that the log holds. */
  readonly from: number | null;
  /** The generation in force when the build began: compared with, and the source of windows that the log has lost. */
  readonly against: number | null;
  /** Share of the time that the replay may take, 0 < maxDuty <= 1. */
  readonly maxDuty: number;
  /** Nothing is folded into its build until it is absent again. */
  readonly paused?: true;
}

/** How long a window has been over and unchanged, in milliseconds, when it becomes part of a window of an hour, or of a day. */
export interface RollupAges {
  readonly hourAfterMs: number;
  readonly dayAfterMs: number;
}

/** A producer as the partition knows it: never its id, only a keyed hash of (kind of key, id). */
export interface ProducerRef {
  /** 32 hexadecimal digits. */
  readonly key: string;
  /** 0 <= slot < 1024. */
  readonly slot: number;
  readonly sequence: number;
  readonly lost: number;
  readonly commits: readonly CommitPoint[];
  /** Missing from a Worker of before there were any. */
  readonly dropped?: DropTotals;
  /** True for an Idempotency-Key: the batch is new or wholly a duplicate. */
  readonly once: boolean;
}

export interface PartitionAppend {
  readonly configVersion: number;
  readonly kind: "write" | "import";
  readonly producer: ProducerRef | null;
  /** Events that the client sent, rejected ones included. */
  readonly count: number;
  /** Place in the batch of each event in `events`; null when none was rejected: 0, 1, 2, … */
  readonly indexes: Uint32Array | null;
  readonly events: EventColumns;
  readonly rejected: readonly RejectedEvent[];
}

/** Failures that say nothing of the request, only of what caller and partition know of each other. */
export type ConfigFailure =
  /** The caller's configuration is older than the partition's: fetch it again. */
  | { readonly reason: "stale_config"; readonly version: number }
  /** The partition's is older, or it has none: call `configure` and try again. */
  | { readonly reason: "config_needed" }
  /** The stream is gone. */
  | { readonly reason: "deleted" };

export type PartitionAppendFailure =
  | ConfigFailure
  | AdmissionFailure
  | { readonly reason: "overloaded"; readonly retryAfterMs: number }
  | { readonly reason: "storage_full"; readonly bytes: number; readonly max: number };

export interface PartitionQuery {
  readonly configVersion: number;
  readonly query: Query;
  readonly source:
    | {
        readonly kind: "view";
        readonly view: string;
        readonly generation: number;
        /** Windows that were rolled up across the range or its buckets are left out and named, instead of `range_not_aligned`. */
        readonly leaveOutCut?: boolean;
      }
    | { readonly kind: "log" };
  /** How the asker can do with less than all groups. Absent: it cannot. */
  readonly early?: EarlyStop;
}

export interface Interval {
  /** Milliseconds since the epoch; [from, to). */
  readonly from: number;
  readonly to: number;
}

export interface PartitionAnswer {
  readonly watermark: number;
  /** The next offset: everything below it is in the answer. */
  readonly logEnd: number;
  readonly missing: readonly (Interval & { readonly reason: "trimmed" | "rolled_up" | "archive_unavailable" })[];
  readonly carried: readonly (Interval & { readonly generation: number })[];
  readonly recordsScanned: number;
  /** The partial state, as `encodeState` made it: a stream, because an object's reply is bounded at 32 MiB. */
  readonly partial: ReadableStream<Uint8Array>;
  /** Absent: the partial is all that there is. Else its first groups, out of so many. */
  readonly held?: {
    readonly groups: number;
    /** Under which more of them can be asked for, for a while; null if nobody will have to. */
    readonly id: string | null;
  };
}

export type PartitionQueryFailure =
  | ConfigFailure
  | { readonly reason: "too_many_groups"; readonly max: number }
  | { readonly reason: "view_not_ready"; readonly view: string }
  /** Windows were rolled up across the range, or across its buckets. */
  | {
      readonly reason: "range_not_aligned";
      readonly view: string;
      /** Width of the widest of them, and when the last of them within the range ends. */
      readonly windowMs: number;
      readonly rolledUpTo: number;
      /** How much of the range would be missing if the view left them out, and if the log answered. */
      readonly missingMs: { readonly view: number; readonly log: number };
    }
  | { readonly reason: "view_failed"; readonly view: string; readonly detail: string }
  | { readonly reason: "overloaded"; readonly retryAfterMs: number };

/** Held-back groups are gone: the time was over, or the object has restarted. */
export type PartialGone = { readonly reason: "partial_gone" };

export type PartitionTrimmed = Result<
  { readonly logStart: number },
  ConfigFailure | { readonly reason: "archive_unavailable"; readonly detail: string }
>;

export type PartitionRecords = Result<
  RecordsPage,
  /** `readableFrom`: the first offset at or after the one asked for that is there, in the archive or in the log. */
  | { readonly reason: "offset_trimmed"; readonly logStart: number; readonly readableFrom: number }
  | { readonly reason: "archive_unavailable"; readonly detail: string }
  | ConfigFailure
>;

export interface PartitionStatus {
  readonly partition: number;
  readonly logStart: number;
  readonly logEnd: number;
  readonly records: number;
  /** Bytes that the object's database takes. */
  readonly bytes: number;
  readonly segments: number;
  readonly oldestAppendTime: number | null;
  /** Null, or missing from an object of before: nothing is archived, and nothing is to be. */
  readonly archive?: ArchiveStatus | null;
  readonly watermark: number;
  readonly duplicates: number;
  readonly late: number;
  readonly rejected: number;
  readonly lost: number;
  /** Missing from an object of before there were any. */
  readonly dropped?: DropTotals;
  /** Everything below it is covered by the views' stored state; recovery replays from here. */
  readonly checkpointOffset: number;
  readonly configVersion: number;
  /** Rows inserted, updated and deleted since the object woke, by SQLite's own counter: what the platform bills. */
  readonly rowsWritten: number;
  readonly generations: readonly GenerationStatus[];
}

export type GenerationState = "building" | "caught-up" | "verified" | "differs" | "failed";

export interface GenerationStatus {
  readonly view: string;
  readonly generation: number;
  readonly state: GenerationState;
  /** The replay's first offset, the next one that it will fold, and where the log ended when it was last asked. */
  readonly from: number;
  readonly next: number;
  readonly target: number;
  readonly startedAt: number;
  readonly caughtUpAt: number | null;
  readonly carried: readonly (Interval & { readonly generation: number })[];
  readonly missing: readonly Interval[];
  readonly verification?: {
    readonly compared: number;
    readonly differing: number;
    readonly skipped: number;
    /** Starts of the first windows that differ. Absent in an answer of before there were any. */
    readonly windows?: readonly number[];
  };
  /** Event time up to which its rule may have forgotten records, because too many keys came: a later one near them is valid. */
  readonly forgottenTo?: number;
  readonly error?: string;
}

/**
 * One UTC day of the comparison that was frozen when a generation caught up: tables in pieces, which `cutPieces` finds in each of
 * these arrays of bytes.
 */
export interface ComparedDay {
  /** The day's start; null: no day at or after the one asked for. */
  readonly day: number | null;
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
  /** Windows that are the same on both sides, and stand in neither of the two: in the shape of the one after. */
  readonly both: readonly Uint8Array[];
  /** Which of them are wider than the generations' specifications say. Missing: none. */
  readonly wide?: WideWindows;
  /** What the codes in all of them stand for. */
  readonly values: readonly SentValues[];
  /** There is no such comparison any more. */
  readonly isGone?: true;
  /** The part of the day to ask for next; absent: there is none. */
  readonly next?: number;
}

/** The methods of a partition. Names of objects are `{streamId}/{partition}`. */
export interface PartitionRpc {
  /** Takes a configuration at least as new as its own; answers `stale_config` to an older one. Idempotent. */
  configure(config: PartitionConfig): Promise<Result<null, ConfigFailure>>;
  append(request: PartitionAppend): Promise<Result<AppendReply, PartitionAppendFailure>>;
  query(request: PartitionQuery): Promise<Result<PartitionAnswer, PartitionQueryFailure>>;
  /** More groups of a partial that is held back, as a stream like the partial's own. May be repeated. */
  more(id: string, selection: GroupSelection): Promise<Result<ReadableStream<Uint8Array>, PartialGone | ConfigFailure>>;
  /** Nothing more will be asked of it. */
  release(id: string): Promise<void>;
  records(offset: number, limit: number): Promise<PartitionRecords>;
  /** Trims the records below `before`, once they are archived if they are to be; answers the log start that came of it. */
  trim(before: number): Promise<PartitionTrimmed>;
  status(): Promise<Result<PartitionStatus, ConfigFailure>>;
  /** Somebody listens to the live feed: from now on the stream's object is told when the log has grown, as long as it wants. */
  listen(): Promise<Result<null, ConfigFailure>>;
  rejects(): Promise<readonly RejectedRecord[]>;
  /**
   * The frozen comparison of a generation with the one it was built against: its first day at or after `day`.
   *
   * Code of before this method asks for days by another one. During a deploy such a question, or this one to such a partition,
   * fails: the comparison is interrupted, and goes on when both are of one version.
   *
   * @param part where to go on within the day: the `next` of the answer before this one; 0: at its beginning
   */
  comparedDay(view: string, generation: number, day: number, part: number): Promise<Result<ComparedDay, ConfigFailure>>;
  /** Deletes everything. Afterwards every call answers `deleted`. */
  destroy(): Promise<void>;
}
