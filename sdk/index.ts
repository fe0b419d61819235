/**
 * The public face of the browser SDK. Importing it does nothing: no globals, no listeners, no storage, on a server either.
 */
export { createTracker } from "./tracker.ts";
export { TrackerError } from "./types.ts";
export type {
  Acknowledgement,
  Attributes,
  AutocaptureOptions,
  Consent,
  Drop,
  DropReason,
  Durability,
  Status,
  Tracked,
  Tracker,
  TrackerErrorCode,
  TrackerOptions,
  TrackerProblem,
} from "./types.ts";
