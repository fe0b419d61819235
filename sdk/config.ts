/**
 * From what a page hands in to what the working half needs: complete, and within its bounds. Pages are not compiled: options
 * may be absent, of another type, or throw as they are looked at. They are read once.
 */
import { SEND_LIMITS } from "./limits.ts";
import { LOG_LIMITS } from "./log/limits.ts";
import { appendUrl } from "./transport.ts";
import type { AutocaptureOptions, TrackerOptions } from "./types.ts";
import type { HostConfig } from "./worker-api.ts";

/** A copy of what a page handed over: its later changes to it change nothing here. */
export interface ReadOptions extends Partial<Omit<TrackerOptions, "autocapture">> {
  readonly autocapture?: AutocaptureOptions | false | undefined;
}

/** Nothing, if the options throw. */
export function readOptions(options: unknown): ReadOptions {
  try {
    const { autocapture, ...rest } = options as TrackerOptions;
    return { ...rest, autocapture: autocapture && { ...(autocapture as AutocaptureOptions) } };
  } catch {
    return {};
  }
}

/** Null if no edge can be reached with these. */
export function hostConfig(options: ReadOptions): HostConfig | null {
  const { endpoint, stream, writeKey } = options;
  if (!isText(endpoint) || !isText(stream) || !isText(writeKey)) return null;
  try {
    // A worker from a blob has no base that a relative address could start from.
    const base = new URL(endpoint, location.href).href.replace(/\/+$/, "");
    // Throws for a key that no URL can carry: better now than as the page hides.
    appendUrl({ endpoint: base, stream, writeKey });
    return {
      name: `headwater:${base}:${stream}`,
      endpoint: base,
      stream,
      writeKey,
      batchEvents: within(options.batchEvents, SEND_LIMITS.batchEventsDefault, 1, SEND_LIMITS.batchEventsMax),
      lingerMs: within(options.lingerMs, SEND_LIMITS.lingerDefaultMs, 0, SEND_LIMITS.backoffMaxMs),
      logBytesMax: within(options.logBytesMax, LOG_LIMITS.bytesMax, 0, LOG_LIMITS.bytesMax),
      logEventsMax: LOG_LIMITS.eventsMax,
      logAgeMaxMs: within(options.logAgeMaxMs, LOG_LIMITS.ageMaxMs, 0, LOG_LIMITS.ageMaxMs),
    };
  } catch {
    return null;
  }
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";

/** A whole number: a batch of at most 1.5 events would never be found to be full. */
const within = (value: unknown, otherwise: number, least: number, most: number): number =>
  typeof value === "number" && Number.isFinite(value) ? Math.min(Math.max(Math.floor(value), least), most) : otherwise;
