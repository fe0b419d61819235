/** From what a page hands in to what the working half needs: complete, and within its bounds. */
import { SEND_LIMITS } from "./limits.ts";
import { LOG_LIMITS } from "./log/limits.ts";
import type { TrackerOptions } from "./types.ts";
import type { HostConfig } from "./worker-api.ts";

/** Null if no edge can be reached with these. */
export function hostConfig(options: TrackerOptions): HostConfig | null {
  const { endpoint, stream, writeKey } = options;
  const base = absolute(endpoint);
  if (base === null || !stream || !writeKey) return null;
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
}

/** A worker from a blob has no base that a relative address could start from. */
function absolute(endpoint: string): string | null {
  if (!endpoint) return null;
  try {
    return new URL(endpoint, location.href).href.replace(/\/+$/, "");
  } catch {
    return null;
  }
}

const within = (value: number | undefined, otherwise: number, least: number, most: number): number =>
  Number.isFinite(value) ? Math.min(Math.max(value ?? otherwise, least), most) : otherwise;
