/**
 * The tracker: what a page holds in its hand. Checks and freezes events the moment they are tracked, asks for consent before
 * anything is stored or sent, and keeps every failure out of the page: promises reject, nothing throws.
 */
import { type AttributeValue, parseContext } from "#protocol";
import { freezeEvent, withoutUndefined } from "./freeze.ts";
import { isPrerendered, whenActivated } from "./hide.ts";
import { eraseIdbLog } from "./log/erase.ts";
import { hostConfig, type ReadOptions, readOptions } from "./config.ts";
import { Outbox } from "./outbox.ts";
import { PageLog } from "./page-log.ts";
import { randomId } from "./random.ts";
import { closed, coded, noConsent, quiet } from "./refusals.ts";
import { eraseSpills } from "./spill.ts";
import {
  type Attributes,
  type AutocaptureOptions,
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
  return new PageTracker(readOptions(options));
}

class PageTracker implements Tracker {
  readonly #options: ReadOptions;
  /** Null: inert. */
  readonly #config: HostConfig | null;
  readonly #lane = randomId();
  readonly #outbox = new Outbox(this.#lane);
  #stopCapturing = (): void => {};
  #consent: Consent = "pending";
  #context: ReadonlyMap<string, AttributeValue | null> = new Map();
  /** Null as long as there is no consent, or the page is only prerendered: events wait in memory. */
  #log: PageLog | null = null;
  /** Starting and deleting wait for each other. */
  #settled: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;
  #pumpScheduled = false;
  #lastError: TrackerProblem | undefined;
  /** Events that no log counts. */
  readonly #lost: { [reason in DropReason]?: number } = {};

  constructor(options: ReadOptions) {
    this.#options = options;
    this.#config = typeof document === "undefined" ? null : hostConfig(options);
    if (this.#config === null) {
      if (typeof document !== "undefined") {
        this.#tellProblem({ code: "invalid_options", detail: "endpoint, stream and writeKey are needed" });
      }
      return;
    }
    if (options.context) this.setContext(options.context);
    if (options.autocapture) void this.#capture(options.autocapture);
    this.setConsent(options.consent ?? "granted");
  }

  track(type: string, attributes: Attributes = {}): Promise<Tracked> {
    return this.#track(type, () => attributes);
  }

  click(adId: string, attributes?: Attributes): Promise<Tracked> {
    return this.#track("click", () => ({ ...attributes, adId }));
  }

  setContext(context: Attributes): void {
    try {
      const parsed = parseContext(withoutUndefined({ ...Object.fromEntries(this.#context), ...context }));
      if (parsed.ok) this.#context = parsed.value;
      else this.#tellProblem({ code: "invalid_context", detail: parsed.failure.detail });
    } catch (error) {
      this.#tellProblem({ code: "invalid_context", detail: coded(error).message });
    }
  }

  setConsent(consent: Consent): void {
    if (this.#closing !== null || this.#config === null) return;
    const optedOut = this.#options.respectGpc !== false && globalPrivacyControl();
    if (consent === "denied" || optedOut) {
      // Told to `onError` if it fails.
      if (this.#consent !== "denied") void quiet(this.#erase(this.#config));
    } else if (consent === "granted") {
      this.#consent = "granted";
      this.#start(this.#config);
    } else {
      if (consent !== "pending") this.#tellProblem({ code: "invalid_consent", detail: "granted, denied or pending" });
      this.#consent = "pending";
      this.#letGo();
    }
  }

  optOut(): Promise<void> {
    return this.#config === null ? quiet(Promise.reject(closed())) : quiet(this.#erase(this.#config));
  }

  async flush(): Promise<void> {
    const refusal = this.#refusal();
    if (refusal !== null) throw refusal;
    await this.#settled;
    const log = this.#log;
    try {
      // Waiting for consent, nothing is logged: all that is logged has been acknowledged.
      await log?.flush();
    } catch (error) {
      throw this.#refusal() ?? coded(error, "closed");
    }
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

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopCapturing();
    // What was tracked in the same breath as the tracker was made finds its log first.
    await this.#settled;
    await this.#log?.close().catch(() => {});
    this.#outbox.fail(closed());
  }

  /** Loaded where it is wanted. A click that is made before is one made before the page's scripts were there. */
  async #capture(options: AutocaptureOptions): Promise<void> {
    try {
      const { autocapture } = await import("./autocapture.ts");
      if (this.#closing === null) this.#stopCapturing = autocapture(this, options);
    } catch (error) {
      this.#tellProblem({ code: "autocapture_failed", detail: String(error) });
    }
  }

  /** @param read looks at what a page handed over, which may throw */
  #track(type: string, read: () => Attributes): Promise<Tracked> {
    try {
      const refusal = this.#refusal();
      if (refusal !== null) throw refusal;
      const tracked = this.#outbox.add(freezeEvent(type, read(), this.#context, Date.now()));
      if (tracked === null) {
        this.#tellDrop({ reason: "log_full", count: 1 }, true);
        throw new TrackerError("log_full", "too much waits to be logged");
      }
      this.#schedulePump();
      return quiet(tracked);
    } catch (error) {
      return quiet(Promise.reject(coded(error)));
    }
  }

  /** Why nothing can be tracked now; null if it can. */
  #refusal(): TrackerError | null {
    if (this.#closing !== null || this.#config === null) return closed();
    return this.#consent === "denied" ? noConsent() : null;
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
    if (this.#closing === null) this.#tellProblem({ code: "internal_error", detail: String(error) });
    this.#outbox.fail(new TrackerError("closed", String(error)));
  }

  /** Opens the log once it may be: what was deleted is gone, and a person sees the page. */
  #start(config: HostConfig): void {
    if (isPrerendered()) {
      void whenActivated().then(() => this.#refusal() === null && this.#consent === "granted" && this.#start(config));
      return;
    }
    this.#settled = this.#settled.then(() => {
      // Consent may have been withdrawn while this waited.
      if (this.#consent === "granted" && this.#log === null) this.#run(config);
    });
  }

  #run(config: HostConfig): void {
    const { worker = "auto", workerUrl } = this.#options;
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

  /** Stops logging and sending. What waits in memory goes on waiting. */
  #letGo(): void {
    const abandoned = this.#log?.abandon();
    this.#log = null;
    this.#settled = this.#settled.then(() => abandoned);
  }

  /** Lets go of everything, because nobody may keep it any more. */
  #forget(): void {
    this.#consent = "denied";
    const logged = this.#log?.log?.events ?? 0;
    this.#letGo();
    const count = this.#outbox.fail(noConsent()) + logged;
    if (count > 0) this.#tellDrop({ reason: "no_consent", count }, true);
  }

  /** What was withdrawn there holds here, until this page says that it was granted again. */
  #erasedElsewhere(): void {
    this.#forget();
    this.#tellProblem({ code: "no_consent", detail: "consent was withdrawn in another tab" });
  }

  /** Nothing of this visitor stays: neither what was logged, nor the id that would know them again. */
  #erase(config: HostConfig): Promise<void> {
    this.#forget();
    const erased = this.#settled.then(async () => {
      eraseSpills(window, config.name);
      await eraseIdbLog(config.name);
    });
    this.#settled = erased.catch(() => {});
    return erased.catch((error: unknown) => {
      const detail = String(error);
      this.#tellProblem({ code: "erase_failed", detail });
      throw new TrackerError("erase_failed", detail);
    });
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

/** https://www.w3.org/TR/gpc/ */
const globalPrivacyControl = (): boolean =>
  (navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl === true;
