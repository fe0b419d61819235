/**
 * The public types of the browser SDK: what a page hands in, and what it is told. No behaviour.
 */
import type { AttributeValue } from "#protocol";

/** What autocapture may read of the element that was clicked. */
export interface AutocaptureOptions {
  /** Names of `data-*` attributes, as in `dataset` (`campaignId`), that may be read beside `adId`. Default: all it has. */
  readonly attributes?: readonly string[];
}

/** What an event says beside its type and time. Null means absent on purpose: the edge then fills nothing in. */
export interface Attributes {
  readonly [name: string]: AttributeValue | null | undefined;
}

/** `disk`: in IndexedDB, its transaction completed. `memory`: in this page only. */
export type Durability = "disk" | "memory";

/** `pending`: events wait in memory, bounded; nothing is stored or sent. `denied`: log and producer id are deleted. */
export type Consent = "granted" | "denied" | "pending";

/** Stable codes of rejected calls. */
export type TrackerErrorCode =
  /** The log holds as much as it may; what it has acknowledged stays. */
  | "log_full"
  /** The event breaks the wire contract: see the message. */
  | "invalid_event"
  /** Consent is denied, or Global Privacy Control asks for it. */
  | "no_consent"
  /** The tracker is closed, or this is not a browser. */
  | "closed"
  /** Only of `optOut()`: the browser did not let the log be deleted. */
  | "erase_failed"
  /** Only of `flush()`: the edge refuses the events (wrong key, unknown stream, …). They stay in the log. */
  | "refused";

/** How calls reject. Never thrown synchronously. */
export class TrackerError extends Error {
  override readonly name = "TrackerError";
  readonly code: TrackerErrorCode;

  constructor(code: TrackerErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface Tracked {
  /** The event's place in this browser's log, and its sequence at the edge. */
  readonly sequence: number;
  readonly durability: Durability;
}

/** Why events were dropped: the keys of `status().lost`. */
export type DropReason =
  /** The log was full, or too much waited for it; `track()` rejected. */
  | "log_full"
  /** More waited for the log than could be spilled as its page went away. */
  | "spill_full"
  /** Older than `logAgeMaxMs` without ever reaching the edge. */
  | "expired"
  /** The edge took the batch, but not this event. */
  | "rejected"
  /** One event that the edge finds too large by itself. */
  | "too_large"
  /** Somebody cleared the browser's storage, and no open page held it any more. */
  | "cleared"
  /** Logged, but gone after a power loss although it may have been sent. */
  | "rolled_back"
  /** Consent was withdrawn while events waited. */
  | "no_consent";

export interface Drop {
  readonly reason: DropReason;
  readonly count: number;
  /** The edge's code for a rejected event, such as `too_old`. */
  readonly code?: string;
  readonly detail?: string;
  /** The event, where it is still known. */
  readonly event?: unknown;
}

/** Something that went wrong and that the tracker goes on from: `status` is HTTP's, where there was an answer. */
export interface TrackerProblem {
  readonly code: string;
  readonly detail: string;
  readonly status?: number;
}

export interface Acknowledgement {
  /** Events that the edge has newly taken, from any tab of this log. */
  readonly count: number;
}

/** The state of the log that this tracker shares with its other tabs, as last heard. */
export interface Status {
  readonly durability: Durability;
  /** Events that the edge has not acknowledged yet, those that are not yet logged included. */
  readonly pending: number;
  /** Events that the edge has acknowledged, since this log exists. */
  readonly acknowledged: number;
  /** Events dropped, by reason, since this log exists. */
  readonly lost: { readonly [reason in DropReason]?: number };
  /** Whether this tab is the one that sends. */
  readonly leader: boolean;
  readonly lastError?: TrackerProblem;
}

export interface TrackerOptions {
  /** Origin (or base URL) of the edge, such as `https://events.example.com`. */
  readonly endpoint: string;
  readonly stream: string;
  /** A write key, `wk_…`: public, it can only append. */
  readonly writeKey: string;
  /** Attributes laid under every event. */
  readonly context?: Attributes;
  /** Report clicks on and inside `[data-ad-id]`; its `data-*` become attributes, or those that are named. Default false. */
  readonly autocapture?: boolean | AutocaptureOptions;
  /**
   * Where the log lives. `auto` takes the first that works: a worker from `workerUrl`, a worker from a blob, this page.
   * `page`: no worker at all.
   */
  readonly worker?: "auto" | "page";
  /** Same-origin URL of `headwater/worker`, for pages whose Content-Security-Policy forbids blob workers. */
  readonly workerUrl?: string;
  /** Most events of one request. Default 500, at most 1,000. */
  readonly batchEvents?: number;
  /** How long a batch waits to fill, in milliseconds. Default 200. */
  readonly lingerMs?: number;
  /** Bytes of events kept in this browser. Default and most: 8 MB. */
  readonly logBytesMax?: number;
  /** Events that the edge did not take within this time are dropped and counted. Default and most: 30 days. */
  readonly logAgeMaxMs?: number;
  /** Default `granted`. */
  readonly consent?: Consent;
  /** Treat Global Privacy Control as denied consent. Default true; false where the user has opted in to this site. */
  readonly respectGpc?: boolean;
  readonly onError?: (problem: TrackerProblem) => void;
  readonly onDrop?: (drop: Drop) => void;
  readonly onAcknowledged?: (acknowledgement: Acknowledgement) => void;
}

export interface Tracker {
  /**
   * Logs one event. Resolves once it is durable in this browser (see {@link Tracked.durability}); delivery follows.
   *
   * @param type such as `click`
   * @param attributes strings, finite numbers or booleans; `time` (milliseconds or ISO 8601) if it did not happen now
   * @throws {TrackerError} asynchronously, `log_full`, `invalid_event`, `no_consent` or `closed`
   */
  track(type: string, attributes?: Attributes): Promise<Tracked>;
  /** `track("click", { adId, …attributes })` */
  click(adId: string, attributes?: Attributes): Promise<Tracked>;
  /** Merges into what lies under every event from now on; `undefined` takes a name out. */
  setContext(context: Attributes): void;
  /**
   * `denied` deletes the log, what waits in it, and the producer id. `pending` stops storing and sending until it is granted
   * again: what is tracked waits in memory, and what was logged stays where it is.
   */
  setConsent(consent: Consent): void;
  /**
   * The same as `setConsent("denied")`, for whoever has to know that it is done: resolves when log, spills and producer id
   * are deleted. Works on a closed tracker, too.
   *
   * @throws {TrackerError} asynchronously, `erase_failed`; call it again then
   */
  optOut(): Promise<void>;
  /** Resolves when every event tracked so far has left the log: acknowledged by the edge, or counted as lost. */
  flush(): Promise<void>;
  status(): Status;
  /** Waits until what was tracked is durable, then lets go of everything. Later calls reject with `closed`. */
  close(): Promise<void>;
}
