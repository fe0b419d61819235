/** A stream's configuration as tests use it. */
import type { GenerationStatus } from "../../../edge/partition/rpc.ts";
import type { JobReports } from "../../../edge/stream/reports.ts";
import type { StreamConfig, ViewConfig } from "../../../edge/stream/rpc.ts";

export const CLICKS_PER_AD: ViewConfig = {
  name: "clicks_per_ad",
  where: {},
  groupBy: ["adId"],
  windowMs: 60_000,
  measures: { clicks: { count: true } },
  retentionMs: 400 * 86_400_000,
};

export const FROM_PHONES: ViewConfig = { ...CLICKS_PER_AD, where: { device: "mobile" } };

export const view = (name: string, changes: Partial<ViewConfig> = {}): ViewConfig => ({
  ...CLICKS_PER_AD,
  name,
  ...changes,
});

export const DEFAULTS: StreamConfig = {
  partitions: 1,
  jurisdiction: null,
  retentionMs: 7 * 86_400_000,
  retentionBytes: 8 * 2 ** 30,
  allowedLatenessMs: 60_000,
  allowedOrigins: [],
  ip: "hash",
  identifiers: ["userId", "eventId"],
  views: [CLICKS_PER_AD],
};

/** What partitions that all answer say of one job. */
export const heard = (id: string, known: ReadonlyMap<number, GenerationStatus>): ReadonlyMap<string, JobReports> =>
  new Map([[id, { known, silent: new Map() }]]);
