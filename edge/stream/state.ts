/**
 * All that a stream's object knows, as one immutable value. Every decision of this room is a pure function from it to the
 * next one; the object stores what changed and does what the next value calls for. Lacks I/O, clock and dice.
 *
 * Stored as JSON (edge/stream/store.ts), so fields are added with a migration and never given a new meaning.
 */
import type { HashSeed, ViewSpec } from "#engine";
import type { GenerationState, GenerationStatus, RollupAges } from "../partition/rpc.ts";
import type {
  KeyDigest,
  LedgerEntry,
  Note,
  PromotionPolicy,
  ReplayDiff,
  ReplayState,
  StreamConfig,
  VerificationReport,
  ViewConfig,
} from "./rpc.ts";

export interface StreamState {
  readonly name: string;
  readonly streamId: string;
  readonly createdAt: number;
  /** Rises with every change that partitions or Workers must learn of. */
  readonly version: number;
  /** The newest version that every partition is known to hold. Below `version`: a push is due. */
  readonly pushedVersion: number;
  /** Set once, by deletion; what is left then is to empty the partitions. */
  readonly deleting: boolean;
  readonly settings: StreamSettings;
  readonly seed: HashSeed;
  /** 32 hexadecimal digits. */
  readonly secret: string;
  /** The greatest generation number of any deleted view: one made again under its name starts above it. */
  readonly generationFloor: number;
  readonly views: ReadonlyMap<string, ViewState>;
  readonly keys: ReadonlyMap<string, KeyDigest>;
  /** By id, in the order in which they were started. */
  readonly replays: ReadonlyMap<string, ReplayRecord>;
  /** The oldest first; see ledger.ts. */
  readonly ledger: readonly LedgerEntry[];
}

/** The configuration without its views, which have a life of their own. */
export type StreamSettings = Omit<StreamConfig, "views">;

/**
 * A view and its generations, at most three: the one that answers, the one before it, and the one being built. A number
 * stands for one (specification, engine version) and is never used again, not even after the view was deleted.
 */
export interface ViewState {
  /** What was last asked for. Differs from what is in force while a changed specification is being built, or has failed. */
  readonly config: ViewConfig;
  readonly lastGeneration: number;
  /** Null until the first generation has caught up everywhere. */
  readonly inForce: Generation | null;
  /** Kept folding, so that a rollback is instant. */
  readonly previous: { readonly generation: Generation; readonly until: number } | null;
  /** Being built or verified, or caught up and waiting to be promoted. */
  readonly building: Generation | null;
  /** Why the latest build came to nothing; null after a success. */
  readonly error: string | null;
  /** When it is verified by itself. */
  readonly verify?: { readonly everyMs: number; readonly dueAt: number };
  /** What its last verification found. */
  readonly verified?: VerificationReport;
}

export interface Generation {
  readonly generation: number;
  readonly spec: ViewSpec;
  readonly engineVersion: number;
  readonly retentionMs: number;
  readonly rollup?: RollupAges;
  readonly mode: "build" | "verify";
  readonly from: number | null;
  readonly against: number | null;
  readonly maxDuty: number;
  /** Its build stands still until it is resumed. */
  readonly paused?: boolean;
}

/** A replay job as it is stored; `describeReplay` adds what can be computed. */
export interface ReplayRecord {
  readonly id: string;
  readonly view: string;
  readonly generation: number;
  readonly mode: "build" | "verify";
  readonly promote: "manual" | "auto";
  readonly promoteIf?: PromotionPolicy;
  /** It builds what a PUT of the view asked for, and makes way for the next one. Absent: nobody wrote down which. */
  readonly declared?: boolean;
  /** Who started it, and why. */
  readonly note?: Note;
  /** Why it waits for a decision although it was to be promoted by itself. */
  readonly held?: string;
  /** The generation that it is compared with; null: there was none. */
  readonly against: number | null;
  readonly state: ReplayState;
  readonly startedAt: number;
  /** When the last partition had caught up. With `state` still `running`: the comparison is being made. */
  readonly caughtUpAt: number | null;
  readonly finishedAt: number | null;
  /** Since when it stands still; absent: it does not. */
  readonly pausedAt?: number;
  /** How long it has stood still before. */
  readonly pausedMs?: number;
  readonly partitions: readonly PartitionProgress[];
  /** Frozen when it caught up; null: not yet, or there was nothing to compare with. */
  readonly diff: ReplayDiff | null;
  /** Why it failed; or, of a job that has not, why it has no diff or was ended. */
  readonly error: string | null;
}

export interface PartitionProgress {
  readonly partition: number;
  readonly from: number;
  readonly next: number;
  readonly target: number;
  readonly state: GenerationState;
  readonly caughtUpAt: number | null;
  readonly verification: GenerationStatus["verification"] | null;
  /** Since when it has not answered, and why; absent: it does. */
  readonly silent?: { readonly since: number; readonly reason: string };
}

/** `map` with `key` set to `value`, or taken out if `value` is null. The order of the other entries stays. */
export function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V | null): ReadonlyMap<K, V> {
  const next = new Map(map);
  if (value === null) next.delete(key);
  else next.set(key, value);
  return next;
}
