import type { Tracker, TrackerOptions } from "./types.ts";

/** Filled in by the next commit; the types stand. */
export declare function createTracker(options: TrackerOptions): Tracker;
