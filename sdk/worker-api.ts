/**
 * What the page and the worker say to each other: plain data through Comlink. Nothing but shapes; host.ts answers them, in
 * the worker or, where there is none, on the page.
 */
import type { AppendCall, Batch, Held, LogState, Run } from "./log/log.ts";
import type { CommitPoint } from "#protocol";
import type { Answer } from "./transport.ts";
import type { Drop, Durability, TrackerProblem } from "./types.ts";

export interface HostConfig {
  /** Name of the log: endpoint and stream, whatever the key. */
  readonly name: string;
  readonly endpoint: string;
  readonly stream: string;
  readonly writeKey: string;
  readonly batchEvents: number;
  readonly lingerMs: number;
  readonly logBytesMax: number;
  readonly logEventsMax: number;
  readonly logAgeMaxMs: number;
}

/** The log as the page needs to know it. */
export type LogSummary = Pick<
  LogState,
  "logId" | "producerId" | "renewed" | "acknowledged" | "floor" | "events" | "delivered" | "lost"
>;

export interface OpenReply {
  readonly durability: Durability;
  readonly log: LogSummary;
}

export interface Logged {
  readonly durability: Durability;
  /** Sequences of the first events of the call; what they do not cover was refused: the log is full. */
  readonly runs: readonly Run[];
  readonly commits: readonly CommitPoint[];
  /** It was the browser that had no room. */
  readonly quotaExceeded: boolean;
  /** Whether the page may send these events as it hides. */
  readonly sendable: boolean;
  readonly log: LogSummary;
}

/** What the page is told without having asked. Everything is optional: one message carries what has changed. */
export interface Report {
  readonly durability?: Durability;
  readonly log?: LogSummary;
  readonly leader?: boolean;
  /** Events that the edge has newly taken. */
  readonly acknowledged?: number;
  readonly dropped?: Drop;
  /** Null: what was wrong is over. */
  readonly problem?: TrackerProblem | null;
  /** Consent was withdrawn in another tab, and the log is gone. Nothing else follows. */
  readonly erased?: true;
}

export type FlushReply = { readonly ok: true } | { readonly ok: false; readonly problem: TrackerProblem };

export interface WorkerApi {
  /** The handshake, and the question whether the worker still lives. */
  ping(): Promise<true>;
  /** Opens the log and stands for leader. Never fails: without storage the log is in memory. */
  open(config: HostConfig, report: (report: Report) => void): Promise<OpenReply>;
  append(call: AppendCall): Promise<Logged>;
  /** The storage was cleared: puts back what the page still holds. */
  restore(held: Held): Promise<LogSummary>;
  /** The first unacknowledged events that fit one hide-time request, recorded as sent. Null: there are none. */
  tail(): Promise<Batch | null>;
  /** The edge has answered a hide-time request, and the page lived to hear it. */
  tailAnswered(batch: Batch, answer: Answer): Promise<void>;
  /** Resolves when what is logged now has left the log, or the edge refuses it. */
  flush(): Promise<FlushReply>;
  /** A good moment to send: online again, or looked at again. */
  kick(): Promise<void>;
  /** The page is frozen, or goes to the back/forward cache: another tab shall lead. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}
