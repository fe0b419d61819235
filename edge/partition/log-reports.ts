/** What a partition tells of its log: data of its calls, see rpc.ts. */
import type { AttributeValue, RejectedEvent } from "#protocol";

/** A record as the administrator reads it. */
export interface LogRecord {
  readonly offset: number;
  readonly appendTime: number;
  readonly time: number;
  readonly [attribute: string]: AttributeValue;
}

export interface RecordsPage {
  readonly records: readonly LogRecord[];
  readonly next: number;
  readonly logStart: number;
  readonly logEnd: number;
  /** Null: nothing is archived. */
  readonly archiveStart: number | null;
}

/** What of a partition's log is in the archive's bucket. */
export interface ArchiveStatus {
  /** The first archived offset; null: none yet. */
  readonly start: number | null;
  /** The offset behind the last archived one. */
  readonly end: number;
  readonly packs: number;
  readonly bytes: number;
  /** Why nothing could be archived the last time that it was tried; absent: it could. */
  readonly error?: string;
}

export interface RejectedRecord extends RejectedEvent {
  readonly partition: number;
  /** When it was refused, in milliseconds since the epoch. */
  readonly at: number;
}
