/**
 * What a stream's object can be told and asked. It is the only writer of the stream's configuration, keys, view generations
 * and replay jobs. Plain data, failures as values; see edge/partition/rpc.ts.
 */
import type { Result } from "#protocol";
import type { Measures, SessionRule, SpamRule, ViewSpec, Where } from "#engine";
import type { GenerationState, PartitionConfig, PartitionStatus, RollupAges } from "../partition/rpc.ts";
import type {
  DiffRowsPage,
  DiffRowsRequest,
  LedgerPage,
  Note,
  PromotionPolicy,
  ReplayDiff,
  VerificationReport,
} from "./accounts.ts";

export type * from "./accounts.ts";

export type KeyKind = "write" | "import" | "read";
export type IpSetting = "drop" | "hash" | "store";

/** A view as it is configured; what `PUT …/views/{view}` and `GET …/views` speak of. */
export interface ViewConfig {
  readonly name: string;
  readonly where: Where;
  readonly groupBy: readonly string[];
  readonly windowMs: number;
  readonly measures: Measures;
  readonly spam?: SpamRule;
  readonly session?: SessionRule;
  /** How long a window is kept after the append time of the last record that changed it. */
  readonly retentionMs: number;
  /** When windows are rolled up. Absent: after seven days to hours, after ninety to days. */
  readonly rollup?: RollupAges;
}

export interface StreamConfig {
  readonly partitions: number;
  readonly jurisdiction: "eu" | "fedramp" | null;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  /** Whether what retention trims is kept in the archive's bucket. Absent: it is not. */
  readonly archive?: boolean;
  /** How long, counted from its append time, a record stays there; null or absent: until the stream is deleted. */
  readonly archiveRetentionMs?: number | null;
  readonly allowedLatenessMs: number;
  readonly allowedOrigins: readonly string[];
  readonly ip: IpSetting;
  readonly identifiers: readonly string[];
  readonly views: readonly ViewConfig[];
}

/** What a PUT may change; absent fields stay. */
export type StreamChange = Partial<StreamConfig>;

export interface KeyDigest {
  readonly id: string;
  readonly kind: KeyKind;
  /** SHA-256 of the key in hexadecimal: the key itself is shown once and kept nowhere. */
  readonly digest: string;
  readonly createdAt: number;
  /** Milliseconds since the epoch from which it no longer counts; null: in force. */
  readonly expiresAt: number | null;
}

/**
 * What the Worker needs to take an append: cached for at most 30 s. `partitionConfigs[p]` is what partition p has to be
 * told if it says `config_needed`.
 */
export interface AppendContext {
  readonly streamId: string;
  readonly version: number;
  readonly jurisdiction: StreamConfig["jurisdiction"];
  readonly allowedOrigins: readonly string[];
  readonly ip: IpSetting;
  /** Secret of the stream, 32 hexadecimal digits: keys the hashes of producer ids and addresses. */
  readonly secret: string;
  /** Partition of each of the 1,024 slots. */
  readonly slots: readonly number[];
  readonly keys: readonly KeyDigest[];
  readonly partitionConfigs: readonly PartitionConfig[];
}

/** The stored views that may answer, and everything else a query needs. Asked anew for each query. */
export interface QueryContext extends AppendContext {
  readonly allowedLatenessMs: number;
  readonly views: readonly {
    readonly name: string;
    readonly spec: ViewSpec;
    /** The generation in force; null until the first one has caught up everywhere. */
    readonly generation: number | null;
  }[];
}

export type ReplayState = "running" | "caught-up" | "promoted" | "verified" | "differs" | "cancelled" | "failed";

export interface ReplayRequest {
  /** A view's name (its own specification, computed again), or a whole view (a changed specification). */
  readonly view: string | ViewConfig;
  /** Event time in milliseconds since the epoch; null: earliest. */
  readonly from: number | null;
  readonly mode: "build" | "verify";
  readonly promote: "manual" | "auto";
  /** Only with `auto`: beyond it, the job waits as if it were `manual`. Absent: whatever it changes. */
  readonly promoteIf?: PromotionPolicy;
  readonly maxDuty: number;
  readonly note?: Note;
}

export interface ReplayJob {
  readonly id: string;
  readonly view: string;
  readonly generation: number;
  readonly mode: "build" | "verify";
  readonly promote: "manual" | "auto";
  readonly state: ReplayState;
  /** 0..1 */
  readonly progress: number;
  readonly recordsDone: number;
  readonly recordsTotal: number;
  /** From the job's start to caught-up, over all partitions. */
  readonly recordsPerSecond: number;
  readonly etaMs: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  /** It stands still, until it is resumed. */
  readonly paused?: true;
  readonly partitions: readonly {
    readonly partition: number;
    readonly from: number;
    readonly next: number;
    readonly target: number;
    readonly state: GenerationState;
    /** It does not answer, and is waited for: since when, and why. */
    readonly silent?: { readonly since: number; readonly reason: string };
  }[];
  readonly diff?: ReplayDiff;
  /** Of a verification: windows compared, differing, and skipped because the log can no longer recompute them. */
  readonly verification?: {
    readonly compared: number;
    readonly differing: number;
    readonly skipped: number;
    /** The first windows that differ, by partition. */
    readonly differences: readonly { readonly partition: number; readonly window: number }[];
  };
  readonly promoteIf?: PromotionPolicy;
  /** Why it was not promoted by itself, though it was to be. */
  readonly held?: string;
  readonly by?: string;
  readonly reason?: string;
  /** Why it failed; of a job that did not, why it has no diff, or why it was ended. */
  readonly error?: string;
}

export interface ViewDescription extends ViewConfig {
  readonly state: "building" | "ready" | "failed";
  /** In force; null while the first one is being built. */
  readonly generation: number | null;
  /** What a rollback would return to. */
  readonly previousGeneration: number | null;
  /** True when the generation in force was built by another version of the engine. */
  readonly outdated: boolean;
  /** Event time up to which the rule of the generation in force may have forgotten clicks in some partition. */
  readonly forgottenTo?: number;
  readonly error?: string;
  /** Its last verification; null: none yet. */
  readonly verification: VerificationReport | null;
  /** How often it is verified by itself, in milliseconds, and when next; null: only when somebody asks for it. */
  readonly verifyEvery: number | null;
  readonly verifyNext: number | null;
}

export interface StreamDescription {
  readonly name: string;
  readonly createdAt: number;
  readonly config: StreamConfig;
  readonly views: readonly ViewDescription[];
  readonly keys: readonly {
    readonly id: string;
    readonly kind: KeyKind;
    readonly createdAt: number;
    readonly expiresAt: number | null;
  }[];
  readonly partitions: readonly (PartitionStatus | { readonly partition: number; readonly error: string })[];
}

/** Every way in which administration can be refused. */
export type AdminFailure =
  | { readonly reason: "unknown_stream"; readonly stream: string }
  | { readonly reason: "fixed_at_creation"; readonly field: "partitions" | "jurisdiction" }
  /** The platform has no such place for objects: local ones have none at all. */
  | { readonly reason: "jurisdiction_unavailable"; readonly jurisdiction: string }
  | { readonly reason: "unknown_view"; readonly view: string }
  | { readonly reason: "too_many_views"; readonly max: number }
  | { readonly reason: "view_not_ready"; readonly view: string }
  | { readonly reason: "unknown_replay"; readonly id: string }
  /** A replay of the same view is under way, or has caught up and waits to be promoted or cancelled. */
  | { readonly reason: "replay_running"; readonly id: string }
  /** The job is not in a state in which this can be done to it. */
  | { readonly reason: "replay_state"; readonly id: string; readonly state: ReplayState }
  /** There are no rows of a diff to show. */
  | { readonly reason: "no_diff"; readonly id: string; readonly detail: string }
  /** There is no earlier generation to return to. */
  | { readonly reason: "nothing_to_roll_back"; readonly view: string }
  /** A partition did not answer; nothing was decided on a part of the stream. */
  | { readonly reason: "partition_unavailable"; readonly partition: number; readonly detail: string };

/**
 * The methods of a stream's object. Objects are named by a random stream id, so that a deleted stream never comes back;
 * one more instance of the class, named `directory`, knows which id a name stands for.
 */
export interface StreamRpc {
  // Of the instance `directory`:
  resolve(name: string): Promise<string | null>;
  /** Answers the id that the name stands for, an existing one or a new one. */
  register(name: string): Promise<{ readonly streamId: string; readonly created: boolean }>;
  unregister(name: string, streamId: string): Promise<void>;
  list(): Promise<readonly { readonly name: string; readonly streamId: string }[]>;

  // Of a stream's instance:
  /** Creates the stream (201: `keys` is there, shown once) or changes it. */
  put(
    name: string,
    streamId: string,
    change: StreamChange,
    defaults: StreamConfig,
  ): Promise<
    Result<{ readonly config: StreamConfig; readonly keys?: { readonly [kind in KeyKind]: string } }, AdminFailure>
  >;
  /** null: the stream is gone, or was never made. */
  appendContext(): Promise<AppendContext | null>;
  queryContext(): Promise<QueryContext | null>;
  describe(): Promise<Result<StreamDescription, AdminFailure>>;
  createKey(
    kind: KeyKind,
    graceMs: number,
  ): Promise<Result<{ readonly id: string; readonly key: string }, AdminFailure>>;
  putView(
    view: ViewConfig,
    note?: Note,
  ): Promise<
    Result<{ readonly created: boolean; readonly view: ViewDescription; readonly replay: string | null }, AdminFailure>
  >;
  deleteView(view: string): Promise<Result<null, AdminFailure>>;
  views(): Promise<Result<readonly ViewDescription[], AdminFailure>>;
  startReplay(request: ReplayRequest): Promise<Result<{ readonly id: string }, AdminFailure>>;
  replays(): Promise<Result<readonly ReplayJob[], AdminFailure>>;
  replay(id: string): Promise<Result<ReplayJob, AdminFailure>>;
  diffRows(id: string, request: DiffRowsRequest): Promise<Result<DiffRowsPage, AdminFailure>>;
  promote(id: string, note?: Note): Promise<Result<ReplayJob, AdminFailure>>;
  cancel(id: string, note?: Note): Promise<Result<ReplayJob, AdminFailure>>;
  pause(id: string): Promise<Result<ReplayJob, AdminFailure>>;
  resume(id: string): Promise<Result<ReplayJob, AdminFailure>>;
  /** @param to the generation to return to: nothing is done if it answers already */
  rollback(view: string, note?: Note, to?: number): Promise<Result<ViewDescription, AdminFailure>>;
  /** @param everyMs null: only when somebody asks for it */
  scheduleVerification(view: string, everyMs: number | null): Promise<Result<ViewDescription, AdminFailure>>;
  /** @param before the number of an entry: older ones are asked for */
  ledger(view: string, before: number | null, limit: number): Promise<Result<LedgerPage, AdminFailure>>;
  /** A partition's log has grown. @returns whether anybody listens to the live feed, and wants to know */
  logGrew(): Promise<boolean>;
  /** Deletes the stream with all its partitions. */
  destroy(): Promise<Result<null, AdminFailure>>;
}
