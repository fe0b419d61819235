/**
 * The questions, one table: what is asked, of which events, and how many times faster than each peer the answer should come.
 * Every engine's own form of a question is made from here (headwater.ts, sql.ts), so that all are asked the same.
 */
import { DAY_MS, DAY_START, type DatasetName, HOUR_MS, MINUTE_MS } from "./dataset.ts";

export type Key = "ad" | "country" | "device";

/** Contenders by id. */
export type ContenderId =
  | "headwater"
  | "headwater-view"
  | "duckdb-strings"
  | "duckdb-ints"
  | "duckdb-ints-2t"
  | "clickhouse-strings"
  | "clickhouse-ints"
  | "sqlite";

export interface Question {
  readonly id: string;
  readonly title: string;
  readonly dataset: DatasetName;
  readonly groupBy: readonly Key[];
  /** Width of a window; null: one over the whole range. */
  readonly everyMs: number | null;
  /** What is computed of each group besides its clicks. */
  readonly measure: "users" | "price" | null;
  /** Event times, [from, to). */
  readonly from: number;
  readonly to: number;
  /** Only clicks from this country, by its number. */
  readonly country: number | null;
  /** The groups with the most clicks, instead of all. */
  readonly top: number | null;
  /** Whom Headwater answers as: by folding the log, or from the windows of a stored view. */
  readonly source: "log" | "view";
  /** Median of (peer's time / Headwater's) that is aimed at. A contender that is not named here does not take part. */
  readonly targets: Readonly<Partial<Record<Exclude<ContenderId, "headwater" | "headwater-view">, number | null>>>;
}

const DAY_END = DAY_START + DAY_MS;
const day = { from: DAY_START, to: DAY_END };
const lastHour = { from: DAY_END - HOUR_MS, to: DAY_END };
/** Neither the most frequent country nor a rare one: one click in 23. */
const SOME_COUNTRY = 3;

const PER_MINUTE_AND_AD = {
  dataset: "zipf",
  groupBy: ["ad"],
  everyMs: MINUTE_MS,
  measure: null,
  ...day,
  country: null,
  top: null,
  source: "log",
} as const;
const TOP_ADS = { ...PER_MINUTE_AND_AD, everyMs: null, top: 100 } as const;

export const QUESTIONS: readonly Question[] = [
  {
    ...PER_MINUTE_AND_AD,
    id: "q1",
    title: "clicks per minute and ad",
    targets: {
      "duckdb-strings": 10,
      "duckdb-ints": 5,
      "duckdb-ints-2t": 4,
      "clickhouse-strings": null,
      "clickhouse-ints": 3,
      sqlite: null,
    },
  },
  {
    ...PER_MINUTE_AND_AD,
    id: "q1u",
    // Headwater counts exactly up to 1,024 of a group; peers are asked for their approximation.
    title: "clicks and users per minute and ad",
    measure: "users",
    targets: { "duckdb-strings": null, "duckdb-ints": 3, "clickhouse-ints": null },
  },
  {
    ...TOP_ADS,
    id: "q2-day",
    title: "top 100 ads of 24 h",
    targets: { "duckdb-strings": 4, "duckdb-ints": null, "clickhouse-strings": null, "clickhouse-ints": null },
  },
  {
    ...TOP_ADS,
    ...lastHour,
    id: "q2-hour",
    title: "top 100 ads of 60 min",
    targets: { "duckdb-strings": 2, "duckdb-ints": null, "clickhouse-strings": null },
  },
  {
    ...TOP_ADS,
    ...lastHour,
    id: "q2-hour-view",
    title: "top 100 ads of 60 min, from a view",
    source: "view",
    targets: { "duckdb-strings": 5 },
  },
  {
    ...TOP_ADS,
    id: "q3-day",
    title: "top 100 of 24 h in one country",
    country: SOME_COUNTRY,
    targets: { "duckdb-strings": 2.5, "duckdb-ints": null, "clickhouse-strings": null, "clickhouse-ints": null },
  },
  {
    ...TOP_ADS,
    ...lastHour,
    id: "q3-hour",
    title: "top 100 of 60 min in one country",
    country: SOME_COUNTRY,
    targets: { "duckdb-strings": 2, "duckdb-ints": null, "clickhouse-strings": null },
  },
  {
    ...TOP_ADS,
    ...lastHour,
    id: "q3-hour-view",
    title: "top 100 of 60 min in one country, from a view",
    country: SOME_COUNTRY,
    source: "view",
    targets: { "duckdb-strings": 5 },
  },
  {
    ...PER_MINUTE_AND_AD,
    id: "q4",
    // Approximate on all sides.
    title: "distinct users per ad",
    everyMs: null,
    measure: "users",
    targets: { "duckdb-strings": 2, "duckdb-ints": null, "clickhouse-strings": null, "clickhouse-ints": null },
  },
  {
    ...PER_MINUTE_AND_AD,
    id: "q5",
    title: "clicks and price per hour, ad, country, device",
    groupBy: ["ad", "country", "device"],
    everyMs: HOUR_MS,
    measure: "price",
    targets: { "duckdb-strings": 3, "duckdb-ints": null, "clickhouse-strings": null, "clickhouse-ints": null },
  },
  {
    ...PER_MINUTE_AND_AD,
    id: "q1-100k",
    title: "clicks per minute and ad, 100,000 even ads",
    dataset: "uniform-100k",
    targets: { "duckdb-strings": null, "duckdb-ints": 4, "clickhouse-ints": null },
  },
  {
    ...PER_MINUTE_AND_AD,
    id: "q1-1m",
    title: "clicks per minute and ad, 1,000,000 even ads",
    dataset: "uniform-1m",
    targets: { "duckdb-strings": null, "duckdb-ints": 1.5, "clickhouse-ints": null },
  },
];
