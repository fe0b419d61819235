/**
 * The tracker: what a page holds in its hand. Checks and freezes events the moment they are tracked, asks for consent before
 * anything is stored or sent, and keeps every failure out of the page: promises reject, nothing throws.
 */
import { type AttributeValue, parseContext, parseEvent } from "#protocol";
import { autocapture } from "./autocapture.ts";
import { whenActivated } from "./hide.ts";
import { hostConfig } from "./config.ts";
import { eraseIdbLog } from "./log/erase.ts";
import { LOG_LIMITS } from "./log/limits.ts";
import { utf8Length } from "./log/utf8.ts";
import { Outbox } from "./outbox.ts";
import { localStorageOf, PageLog } from "./page-log.ts";
import { randomId } from "./random.ts";
import { eraseSpills } from "./spill.ts";
import {
  type Attributes,
  type Consent,
  type Drop,
  type DropReason,
  type Status,
  type Tracked,
  type Tracker,
  TrackerError,
  type TrackerOptions,
  type TrackerProblem,
} from "./types.ts";
import type { HostConfig } from "./worker-api.ts";

/**
 * Creates a tracker. On a server, and with options that cannot be right, it is inert: every call rejects with `closed`.
 *
 * @throws nothing, ever; what is wrong with the options is told to `onError`
 */
export function createTracker(options: TrackerOptions): Tracker {
  let given = {};
  try {
    // Pages are not compiled: it may be nothing, or an object whose properties throw.
    given = { ...options };
  } catch {
    // Then there is no endpoint, and it is told so.
  }
  return new PageTracker(given as TrackerOptions);
}

type Mode =
  /** No consent yet, or the page is only prerendered: events wait in memory. */
  "waiting" | "running" | "denied" | "closed";

class PageTracker implements Tracker {
  readonly #options: TrackerOptions;
  readonly #config: HostConfig | null;
  readonly #lane = randomId();
  readonly #outbox = new Outbox(this.#lane);
  #stopCapturing = () => {};
  #mode: Mode = "waiting";
  #context: ReadonlyMap<string, AttributeValue | null> = new Map();
  #log: PageLog | null = null;
  /** Starting and deleting wait for each other. */
  #settled: Promise<void> = Promise.resolve();
  #pumpScheduled = false;
  #lastError: TrackerProblem | undefined;
  /** Events that no log counts. */
  readonly #lost: { [reason in DropReason]?: number } = {};

  constructor(options: TrackerOptions) {
    this.#options = options;
    this.#config = typeof document === "undefined" ? null : hostConfig(options);
    if (this.#config === null) {
      this.#mode = "closed";
      if (typeof document !== "undefined") {
        this.#tellProblem({ code: "invalid_options", detail: "endpoint, stream and writeKey are needed" });
      }
      return;
    }
    if (options.context) this.setContext(options.context);
    if (options.autocapture)
      this.#stopCapturing = autocapture(this, options.autocapture === true ? {} : options.autocapture);
    this.setConsent(options.consent ?? "granted");
  }

  track(type: string, attributes: Attributes = {}): Promise<Tracked> {
    const tracked = this.#track(type, attributes);
    // Whoever does not look at the promise shall not find its rejection among the page's uncaught errors.
    tracked.catch(() => {});
    return tracked;
  }

  click(adId: string, attributes: Attributes = {}): Promise<Tracked> {
    return this.track("click", { ...attributes, adId });
  }

  setContext(context: Attributes): void {
    const parsed = parseContext(withoutUndefined({ ...Object.fromEntries(this.#context), ...context }));
    if (parsed.ok) this.#context = parsed.value;
    else this.#tellProblem({ code: "invalid_context", detail: parsed.failure.detail });
  }

  setConsent(consent: Consent): void {
    if (this.#mode === "closed" || this.#config === null) return;
    const optedOut = this.#options.respectGpc !== false && globalPrivacyControl();
    if (consent === "denied" || optedOut) this.#deny(this.#config);
    else if (consent === "granted") this.#grant(this.#config);
    else if (this.#mode === "denied") this.#mode = "waiting";
  }

  async flush(): Promise<void> {
    if (this.#mode === "closed") throw new TrackerError("closed", "the tracker is closed");
    if (this.#mode === "denied") throw new TrackerError("no_consent", "consent is denied");
    await this.#settled;
    // Waiting for consent, nothing is logged: all that is logged has been acknowledged.
    await this.#log?.flush();
  }

  status(): Status {
    const log = this.#log?.log;
    const lost: { [reason: string]: number } = { ...log?.lost };
    for (const [reason, count] of Object.entries(this.#lost)) lost[reason] = (lost[reason] ?? 0) + count;
    return {
      durability: this.#log?.durability ?? "memory",
      pending: this.#outbox.length + (log?.events ?? 0),
      acknowledged: log?.delivered ?? 0,
      lost,
      leader: this.#log?.leader ?? false,
      ...(this.#lastError && { lastError: this.#lastError }),
    };
  }

  async close(): Promise<void> {
    if (this.#mode === "closed") return;
    this.#mode = "closed";
    this.#stopCapturing();
    await this.#settled;
    const log = this.#log;
    if (log === null) this.#outbox.fail(new TrackerError("closed", "the tracker was closed before consent"));
    await log?.close();
  }

  async #track(type: string, attributes: Attributes): Promise<Tracked> {
    if (this.#mode === "closed") throw new TrackerError("closed", "the tracker is closed");
    if (this.#mode === "denied") throw new TrackerError("no_consent", "consent is denied");
    const json = this.#freeze(type, attributes);
    const added = this.#outbox.add(json);
    this.#schedulePump();
    return added;
  }

  /** The event as it is now, whatever the page does to its objects afterwards. */
  #freeze(type: string, attributes: Attributes): string {
    const parsed = parseEvent({ ...withoutUndefined(attributes), type }, this.#context);
    if (!parsed.ok) throw new TrackerError("invalid_event", `${parsed.failure.code}: ${parsed.failure.detail}`);
    const { time, names, values } = parsed.value;
    const entries = names.map((name, i) => [name, values[i]]);
    const json = JSON.stringify({ type: parsed.value.type, time: time ?? Date.now(), ...Object.fromEntries(entries) });
    if (utf8Length(json) > LOG_LIMITS.eventBytesMax) {
      throw new TrackerError("invalid_event", `an event is at most ${LOG_LIMITS.eventBytesMax} bytes of JSON`);
    }
    return json;
  }

  /** All calls of one turn go over in one message: by far the larger part of the cost is per message. */
  #schedulePump(): void {
    if (this.#pumpScheduled || this.#log === null) return;
    this.#pumpScheduled = true;
    queueMicrotask(() => {
      this.#pumpScheduled = false;
      const log = this.#log;
      log?.pump().catch((error: unknown) => {
        // One that was given up may fail as it likes; what waits now is for its successor.
        if (log === this.#log) this.#fail(error);
      });
    });
  }

  #fail(error: unknown): void {
    if (this.#mode === "running") this.#tellProblem({ code: "internal_error", detail: String(error) });
    this.#outbox.fail(new TrackerError("closed", String(error)));
  }

  #grant(config: HostConfig): void {
    if (this.#mode === "running") return;
    this.#mode = "waiting";
    this.#settled = this.#settled.then(async () => {
      await whenActivated();
      // Consent may have been withdrawn while this waited.
      if (this.#mode === "waiting") this.#run(config);
    });
  }

  #run(config: HostConfig): void {
    const { worker = "auto", workerUrl } = this.#options;
    this.#mode = "running";
    this.#log = new PageLog({
      config,
      worker,
      workerUrl,
      lane: this.#lane,
      outbox: this.#outbox,
      onDrop: (drop, counted) => this.#tellDrop(drop, counted === "by nobody"),
      onProblem: (problem) => (problem === null ? (this.#lastError = undefined) : this.#tellProblem(problem)),
      onErased: () => this.#erasedElsewhere(),
      onAcknowledged: (count) => this.#tell(() => this.#options.onAcknowledged?.({ count })),
    });
    this.#log.start();
    if (this.#outbox.length > 0) this.#schedulePump();
  }

  /** Lets go of everything, because nobody may keep it any more. */
  #abandon(): Promise<void> | undefined {
    this.#mode = "denied";
    const log = this.#log;
    this.#log = null;
    const abandoned = log?.abandon();
    const waiting = this.#outbox.fail(new TrackerError("no_consent", "consent is denied"));
    const count = waiting + (log?.log?.events ?? 0);
    if (count > 0) this.#tellDrop({ reason: "no_consent", count }, true);
    return abandoned;
  }

  /** What was withdrawn there holds here, until this page says that it was granted again. */
  #erasedElsewhere(): void {
    if (this.#mode !== "running") return;
    const abandoned = this.#abandon();
    this.#settled = this.#settled.then(() => abandoned);
    this.#tellProblem({ code: "no_consent", detail: "consent was withdrawn in another tab" });
  }

  /** Nothing of this visitor stays: neither what was logged, nor the id that would know them again. */
  #deny(config: HostConfig): void {
    if (this.#mode === "denied") return;
    const abandoned = this.#abandon();
    this.#settled = this.#settled
      .then(async () => {
        await abandoned;
        const storage = localStorageOf(window);
        if (storage !== null) eraseSpills(storage, config.name);
        await eraseIdbLog(config.name);
      })
      .catch((error: unknown) => this.#tellProblem({ code: "erase_failed", detail: String(error) }));
  }

  #tellDrop(drop: Drop, count: boolean): void {
    if (count) this.#lost[drop.reason] = (this.#lost[drop.reason] ?? 0) + drop.count;
    this.#tell(() => this.#options.onDrop?.(drop));
  }

  /** The same thing going wrong again and again is told once, until it is over. */
  #tellProblem(problem: TrackerProblem): void {
    const known = this.#lastError?.code === problem.code;
    this.#lastError = problem;
    if (!known) this.#tell(() => this.#options.onError?.(problem));
  }

  /** A page's callback that throws is the page's error: it shows as one, and goes no further. */
  #tell(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      reportError(error);
    }
  }
}

/** Tolerates what is no object at all: pages are not compiled. */
const withoutUndefined = (attributes: Attributes): Attributes =>
  Object.fromEntries(Object.entries({ ...attributes }).filter(([, value]) => value !== undefined));

/** https://www.w3.org/TR/gpc/ */
const globalPrivacyControl = (): boolean =>
  (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true;
