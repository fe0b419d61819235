/** What leaves Headwater and what comes back: a batch engine gives the same answers over the file as Headwater over its log. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inRoot } from "../../scripts/lib/project.mjs";
import { type Row, StreamClient } from "../support/api.ts";
import { Cli } from "../support/cli.ts";
import { type Server, startServer } from "../support/server.ts";

const BASE = Date.UTC(2025, 0, 1);
const HOUR_MS = 3_600_000;
const EVENTS = 60_000;
const BATCH = 10_000;
const RANGE = { from: BASE, to: BASE + HOUR_MS };
const RANGE_FLAGS = ["--from", "2025-01-01", "--to", "2025-01-01T01:00:00Z"];

/** Two hours of events, of which the file takes one; absent, empty, foreign and mixed values among them. */
const event = (i: number) => ({
  time: BASE + ((i * 131) % 7_200_000),
  type: i % 9 === 0 ? "view" : "click",
  adId: `ad-${(i * 7) % 301}`,
  ...(i % 3 !== 0 && { country: ["US", "", "Côte d’Ivoire\u2028", '日本, "x"\n'][i % 4] }),
  price: (i % 40) / 4, // quarters: sums of them are exact in any order
  ...(i % 5 === 0 && { paid: i % 2 === 0 }),
  userId: `u-${i % 900}`,
  mixed: i % 2 === 0 ? i % 10 : String(i % 10),
});

const folder = mkdtempSync(join(tmpdir(), "headwater-cli-"));
const file = (name: string) => join(folder, name);
let server: Server;
let stream: StreamClient;
let cli: Cli;

beforeAll(async () => {
  [cli, server] = await Promise.all([Cli.install(), startServer({ persistTo: join(folder, "state") })]);
  stream = await StreamClient.create(server, "clicks", { partitions: 3, archive: true });
  for (let batch = 0; batch * BATCH < EVENTS; batch++) {
    const events = Array.from({ length: BATCH }, (_, i) => event(batch * BATCH + i));
    const { status } = await stream.append({ producer: { id: `p${batch}`, sequence: 0 }, events }, stream.keys.import);
    expect(status).toBe(200);
  }
  // One partition has nothing but its archive, one a part of its log beside it, one all of its log.
  for (const [partition, before] of [10_000_000, 9_000].entries()) {
    const { status } = await stream.admin("POST", `/partitions/${partition}/trim`, { before });
    expect(status).toBe(200);
  }
  cli.use(stream, server.adminToken);
});

afterAll(async () => {
  cli.uninstall();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function duckdb(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const rows = await (await connection.runAndReadAll(sql)).getRowObjectsJS();
    return rows.map((row) => {
      const cells = Object.entries(row).map(([name, value]) => [
        name,
        typeof value === "bigint" ? Number(value) : value,
      ]);
      return Object.fromEntries(cells) as Row;
    });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

const QUESTIONS: readonly [string, object, string][] = [
  [
    "clicks and prices per minute and ad",
    {
      every: "1m",
      groupBy: ["adId"],
      where: { type: "click" },
      measures: { n: { count: true }, spent: { sum: "price" }, least: { min: "price" }, users: { distinct: "userId" } },
    },
    `SELECT epoch_ms(date_trunc('minute', time)) AS time, adId, count(*) AS n, sum(price) AS spent, min(price) AS least,
       count(DISTINCT userId) AS users FROM events WHERE type = 'click' GROUP BY ALL`,
  ],
  [
    "groups with absent, empty and foreign texts",
    { groupBy: ["country", "type"], measures: { n: { count: true }, most: { max: "price" } } },
    `SELECT country, type, count(*) AS n, max(price) AS most FROM events GROUP BY ALL`,
  ],
  [
    "booleans",
    { groupBy: ["paid"], measures: { n: { count: true } } },
    `SELECT paid, count(*) AS n FROM events GROUP BY ALL`,
  ],
  [
    "an attribute of two types, each in its column",
    { where: { mixed: { gte: 4 } }, measures: { n: { count: true }, total: { sum: "mixed" } } },
    `SELECT count(*) AS n, sum("mixed:number") AS total FROM events WHERE "mixed:number" >= 4`,
  ],
  [
    "and by its text",
    { where: { mixed: "7" }, measures: { n: { count: true } } },
    `SELECT count(*) AS n FROM events WHERE "mixed:string" = '7'`,
  ],
];

const sorted = (rows: readonly Row[]) =>
  rows.map((row) => JSON.stringify(Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)))).toSorted();

test("a Parquet file gives DuckDB the answers that Headwater gives", async () => {
  const path = file("clicks.parquet");
  expect(await cli.ok("export", ...RANGE_FLAGS, "-o", path)).toContain("12 columns");
  for (const [what, query, sql] of QUESTIONS) {
    const { rows } = await stream.query({ ...RANGE, ...query, view: null, limit: 10_000 });
    const theirs = await duckdb(`WITH events AS (SELECT * FROM '${path}') ${sql}`);
    expect(rows.length, what).toBeGreaterThan(0);
    expect(sorted(theirs), what).toEqual(sorted(rows));
  }
  // As the log has it, in its order, in more than one row group.
  const read = await duckdb(`SELECT partition, "offset", epoch_ms(time) AS time, adId FROM '${path}'`);
  const records = (await Promise.all([0, 1, 2].map((partition) => stream.records(partition)))).flatMap(
    (log, partition) =>
      log
        .filter(({ time }) => Number(time) >= RANGE.from && Number(time) < RANGE.to)
        .map(({ offset, time, adId }) => ({ partition, offset, time, adId })),
  );
  expect(read).toEqual(records);
  const [groups] = await duckdb(`SELECT max(row_group_id) AS last FROM parquet_metadata('${path}')`);
  expect(groups?.last).toBe(0);
  // `npm run export` is the same command.
  const args = [inRoot("scripts", "export.mjs"), "--stream", "clicks", "-o", file("all.parquet")];
  execFileSync(process.execPath, args, { env: { ...process.env, ...cli.env }, encoding: "utf8" });
  const [all] = await duckdb(`SELECT max(row_group_id) AS last FROM parquet_metadata('${file("all.parquet")}')`);
  expect(all?.last).toBe(1);
});

test("a CSV file gives DuckDB the same, and imported into another stream, Headwater too", async () => {
  const path = file("clicks.csv");
  await cli.ok("export", ...RANGE_FLAGS, "--format", "csv", "-o", path);
  const [query, sql] = [QUESTIONS[0]?.[1] ?? {}, QUESTIONS[0]?.[2] ?? ""];
  const { rows } = await stream.query({ ...RANGE, ...query, view: null, limit: 10_000 });
  const theirs = await duckdb(`WITH events AS (SELECT * FROM read_csv('${path}', strict_mode = true)) ${sql}`);
  expect(sorted(theirs)).toEqual(sorted(rows));

  const copy = await StreamClient.create(server, "copy", { partitions: 2 });
  const into = { env: { HEADWATER_STREAM: "copy", HEADWATER_IMPORT_KEY: copy.keys.import } };
  const skipped = ["appendTime", "partition", "offset", "mixed:number", "mixed:string"].flatMap((name) => [
    "--skip",
    name,
  ]);
  const args = ["import", path, "--number", "price", ...skipped];
  const first = await cli.run(args, into);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stdout).toContain(`${(await stream.query(RANGE)).rows[0]?.clicks?.toLocaleString("en")} accepted`);
  expect((await cli.run(args, into)).stdout).toContain(" 0 accepted");
  const copied = await copy.query({ ...RANGE, ...query, view: null, limit: 10_000 });
  expect(sorted(copied.rows)).toEqual(sorted(rows));
});
