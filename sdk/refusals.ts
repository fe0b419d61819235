/** How calls are refused: with a stable code, and never as an uncaught error of the page. */
import { TrackerError, type TrackerErrorCode } from "./types.ts";

export const closed = (): TrackerError => new TrackerError("closed", "the tracker is closed");
export const noConsent = (): TrackerError => new TrackerError("no_consent", "consent is denied");

/** Whatever was thrown, as something with a stable code. */
export const coded = (error: unknown, code: TrackerErrorCode = "invalid_event"): TrackerError =>
  error instanceof TrackerError ? error : new TrackerError(code, error instanceof Error ? error.message : "unreadable");

/** Whoever does not look at a promise shall not find its rejection among the page's uncaught errors. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}
