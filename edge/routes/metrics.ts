/** GET /admin/metrics: every partition of every stream in Prometheus' text format. */
import { ok, type Result } from "#protocol";
import type { PartitionStatus } from "../partition/rpc.ts";
import type { VerificationReport, ViewDescription } from "../stream/rpc.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { directoryOf, streamOf } from "./objects.ts";

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  /** Null: not known, no sample. */
  readonly value: (status: PartitionStatus) => number | null;
}

const SECONDS = 1 / 1000;

/** Names end in their unit, `_total` for what only rises: https://prometheus.io/docs/practices/naming/ */
const METRICS: readonly Metric[] = [
  { name: "log_start_offset", type: "gauge", help: "First offset that is still there.", value: (s) => s.logStart },
  { name: "log_end_offset", type: "gauge", help: "Next offset: records ever logged.", value: (s) => s.logEnd },
  { name: "checkpoint_offset", type: "gauge", help: "Recovery replays from here.", value: (s) => s.checkpointOffset },
  { name: "records", type: "gauge", help: "Records in the log.", value: (s) => s.records },
  { name: "segments", type: "gauge", help: "Sealed segments in the log.", value: (s) => s.segments },
  { name: "database_bytes", type: "gauge", help: "Bytes that the partition's database takes.", value: (s) => s.bytes },
  {
    name: "oldest_append_time_seconds",
    type: "gauge",
    help: "When the oldest record was logged, since the epoch.",
    value: (s) => (s.oldestAppendTime === null ? null : s.oldestAppendTime * SECONDS),
  },
  {
    name: "archive_end_offset",
    type: "gauge",
    help: "Records below it are archived.",
    value: (s) => s.archive?.end ?? null,
  },
  { name: "archive_bytes", type: "gauge", help: "Bytes in the archive.", value: (s) => s.archive?.bytes ?? null },
  {
    name: "archive_up",
    type: "gauge",
    help: "Whether the archive took what it was last given.",
    value: (s) => (s.archive ? (s.archive.error === undefined ? 1 : 0) : null),
  },
  {
    name: "watermark_seconds",
    type: "gauge",
    help: "How far event time has come, since the epoch.",
    value: (s) => s.watermark * SECONDS,
  },
  { name: "duplicates_total", type: "counter", help: "Events that were sent again.", value: (s) => s.duplicates },
  { name: "late_total", type: "counter", help: "Events that came after their window was final.", value: (s) => s.late },
  { name: "rejected_total", type: "counter", help: "Events that were refused.", value: (s) => s.rejected },
  { name: "lost_total", type: "counter", help: "Events that producers declared lost.", value: (s) => s.lost },
  {
    name: "rows_written_total",
    type: "counter",
    help: "Rows written since the partition woke: what the platform bills.",
    value: (s) => s.rowsWritten,
  },
];

interface Scraped {
  readonly stream: string;
  readonly partition: number;
  /** Null: it did not answer. */
  readonly status: PartitionStatus | null;
}

async function metrics(c: HttpContext): Promise<Result<Response, Failure>> {
  const streams = await directoryOf(c.env).list();
  const described = await Promise.all(streams.map(({ name, streamId }) => scrape(c.env, name, streamId)));
  const scraped = described.flatMap(({ partitions }) => partitions);
  const families = [UP, ...METRICS.map((metric) => ({ ...metric, value: whenUp(metric.value) }))];
  const body =
    families.map((metric) => family(metric, scraped)).join("") + droppedFamily(scraped) + verifiedFamilies(described);
  return ok(c.body(body, 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }));
}

interface ScrapedStream {
  readonly stream: string;
  readonly partitions: readonly Scraped[];
  readonly views: readonly ViewDescription[];
}

async function scrape(env: Env, stream: string, streamId: string): Promise<ScrapedStream> {
  const description = await streamOf(env, streamId).describe();
  // Deleted just now.
  if (!description.ok) return { stream, partitions: [], views: [] };
  const partitions = description.value.partitions.map((answer) => ({
    stream,
    partition: answer.partition,
    status: "error" in answer ? null : answer,
  }));
  return { stream, partitions, views: description.value.views };
}

type Family = Omit<Metric, "value"> & { readonly value: (scraped: Scraped) => number | null };

const UP: Family = {
  name: "partition_up",
  type: "gauge",
  help: "Whether the partition answered.",
  value: ({ status }) => (status === null ? 0 : 1),
};

const whenUp =
  (value: Metric["value"]): Family["value"] =>
  ({ status }) =>
    status === null ? null : value(status);

/** One metric with its samples. */
function family({ name, type, help, value }: Family, scraped: readonly Scraped[]): string {
  const samples = scraped.flatMap((one) => {
    const sample = value(one);
    return sample === null ? [] : [sampleLine(name, one, "", sample)];
  });
  return header(name, type, help) + samples.join("");
}

/** What producers say to have dropped: a sample for each reason, of which there are few. */
function droppedFamily(scraped: readonly Scraped[]): string {
  const name = "dropped_total";
  const samples = scraped.flatMap((one) =>
    Object.entries(one.status?.dropped ?? {}).map(([reason, count]) =>
      sampleLine(name, one, `,reason="${reason}"`, count),
    ),
  );
  return header(name, "counter", "Events that producers say to have dropped, by reason.") + samples.join("");
}

/** Of each view that was verified: whether it was sound, and when. */
function verifiedFamilies(streams: readonly ScrapedStream[]): string {
  const lines = (name: string, value: (verified: VerificationReport) => number): string =>
    streams
      .flatMap(({ stream, views }) =>
        views.map(({ name: view, verification }) =>
          verification === null ? "" : `headwater_${name}{stream="${stream}",view="${view}"} ${value(verification)}\n`,
        ),
      )
      .join("");
  return (
    header("view_verified", "gauge", "Whether the last verification of the view found it to be what the log gives.") +
    lines("view_verified", ({ state }) => (state === "verified" ? 1 : 0)) +
    header("view_verified_time_seconds", "gauge", "When the view was last verified, since the epoch.") +
    lines("view_verified_time_seconds", ({ at }) => at * SECONDS)
  );
}

const header = (name: string, type: string, help: string): string =>
  `# HELP headwater_${name} ${help}\n# TYPE headwater_${name} ${type}\n`;

/** Names of streams need no escaping: see their pattern. */
const sampleLine = (name: string, { stream, partition }: Scraped, labels: string, sample: number): string =>
  `headwater_${name}{stream="${stream}",partition="${partition}"${labels}} ${sample}\n`;

export const metricsEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/admin/metrics",
    summary: "Metrics of all streams in Prometheus' text format",
    access: "admin",
    answers: { 200: { description: "Text", otherTypes: ["text/plain"] } },
    failures: [],
    handle: metrics,
  },
];
