/** The real clicks in a stream of a real server, and what a batch job (SQLite) answered over the same file. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { inRoot } from "../../scripts/lib/project.mjs";
import { type QueryAnswer, type Row, type StreamClient } from "./api.ts";
import { clicksFile, truthFile } from "./data.ts";

export const CLICKS = 107_853;
export const FROM = Date.UTC(2013, 0, 1);
export const TO = Date.UTC(2013, 2, 1);
const HOUR_MS = 3_600_000;
const USERS = { clicks: { count: true }, users: { distinct: "userId" } };

/** Between them they can answer all that the truth has answers to. */
export const VIEWS = [
  { name: "clicks_per_ad", groupBy: ["adId"], window: "1m", measures: { clicks: { count: true } } },
  { name: "users_per_ad", groupBy: ["adId"], window: "1m", measures: USERS },
  { name: "users_per_country", groupBy: ["country"], window: "1h", measures: USERS },
  {
    name: "clicks_by_place",
    groupBy: ["adId", "country", "device"],
    window: "1m",
    measures: { clicks: { count: true } },
  },
];

type TruthRow = Readonly<Record<string, string>>;
const truth = (name: string): TruthRow[] => parse(readFileSync(truthFile(name)), { columns: true }) as TruthRow[];
const number = (row: TruthRow, field: string) => Number(row[field]);
const textOrNull = (row: TruthRow, field: string) => row[field] || null;

function groupBy<T>(rows: readonly T[], key: (row: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return groups;
}

/** With the import command. @returns what it printed */
export function importClicks(stream: StreamClient): Promise<string> {
  const target = ["--stream", stream.name, "--endpoint", stream.url, "--key", stream.keys.import];
  const mapping = ["--time", "event_time_ms", "--ad", "ad_id", "--user", "user_id", "--rename", "event_id=eventId"];
  return new Promise((resolve, reject) => {
    const args = [inRoot("scripts", "import.mjs"), clicksFile, ...target, ...mapping];
    execFile(process.execPath, args, (error, stdout, stderr) => {
      if (error) reject(new Error(`${stdout}${stderr}`));
      else resolve(stdout);
    });
  });
}

/** Distinct users: exact up to 1,024, else within 3 %. */
function expectUsers(actual: unknown, expected: number, what: string): void {
  if (expected <= 1024) expect(actual, what).toBe(expected);
  else expect(Math.abs(Number(actual) - expected) / expected, what).toBeLessThanOrEqual(0.03);
}

function expectComplete(answer: QueryAnswer): void {
  expect(answer).toMatchObject({ complete: true, missing: [], truncated: false, final: true });
}

const FILTERS: Readonly<Record<string, object>> = {
  all: {},
  "country=US": { country: "US" },
  "device=mobile": { device: "mobile" },
  "country=US and device=mobile": { country: "US", device: "mobile" },
  "country in GB,CA": { country: { in: ["GB", "CA"] } },
  // SQLite's file has '' for an unknown country, and counts it as different from US.
  "country != US": { or: [{ country: { ne: "US" } }, { country: { exists: false } }] },
};

/** Tests that every answer is the batch job's: from the stored views, and from the log. */
export function answersAreTrue(streamOf: () => StreamClient): void {
  test.each([
    ["the view", "clicks_per_ad", {}],
    ["the log", null, USERS],
    ["the view with users", "users_per_ad", USERS],
  ])("give every minute's clicks per ad from %s", async (_, view, measures) => {
    const withUsers = "users" in measures;
    const hours = groupBy(truth("per-minute-ad.csv"), (row) => String(Math.floor(number(row, "minute_ms") / HOUR_MS)));
    let compared = 0;
    for (const [hour, expected] of hours) {
      const from = Number(hour) * HOUR_MS;
      const question = { from, to: from + HOUR_MS, every: "1m", groupBy: ["adId"], view, limit: 10_000 };
      const answer = await streamOf().query({ ...question, ...(withUsers && { measures }) });
      expectComplete(answer);
      expect(answer.source.split("@")[0]).toBe(view === null ? "log" : `view:${view}`);
      const actual = new Map(answer.rows.map((row) => [`${row.time} ${row.adId}`, row]));
      expect(actual.size).toBe(expected.length);
      for (const row of expected) {
        const found = actual.get(`${row.minute_ms} ${row.ad_id}`);
        expect(found?.clicks, `${row.minute_ms} ${row.ad_id}`).toBe(number(row, "clicks"));
        if (withUsers) expectUsers(found?.users, number(row, "users"), `${row.minute_ms} ${row.ad_id}`);
        compared += 1;
      }
    }
    expect(compared).toBe(46_744);
  });

  test.each([["users_per_country"], [null]])(
    "give every hour's clicks and users per country (view: %s)",
    async (view) => {
      const expected = truth("per-hour-country.csv");
      const answer = await streamOf().query({
        from: FROM,
        to: TO,
        every: "1h",
        groupBy: ["country"],
        measures: USERS,
        view,
        limit: 10_000,
      });
      expectComplete(answer);
      const actual = new Map(answer.rows.map((row) => [`${row.time} ${row.country}`, row]));
      expect(actual.size).toBe(expected.length);
      for (const row of expected) {
        const key = `${row.hour_ms} ${textOrNull(row, "country")}`;
        expect(actual.get(key)?.clicks, key).toBe(number(row, "clicks"));
        expectUsers(actual.get(key)?.users, number(row, "users"), key);
      }
    },
  );

  test.each([["users_per_ad"], [null]])("give each ad's total clicks and users (view: %s)", async (view) => {
    const question = { from: FROM, to: TO, groupBy: ["adId"], measures: USERS, orderBy: "adId", limit: 10_000, view };
    const first = await streamOf().query(question);
    expect(first).toMatchObject({ complete: true, truncated: true });
    const rest = await streamOf().query({ ...question, where: { adId: { gt: String(first.rows.at(-1)?.adId) } } });
    expectComplete(rest);
    const actual = new Map<unknown, Row>([...first.rows, ...rest.rows].map((row) => [row.adId, row]));
    const expected = truth("total-ad.csv");
    expect(actual.size).toBe(expected.length);
    for (const row of expected) {
      expect(actual.get(row.ad_id)?.clicks, row.ad_id).toBe(number(row, "clicks"));
      expectUsers(actual.get(row.ad_id)?.users, number(row, "users"), row.ad_id ?? "");
    }
  });

  test.each([["clicks_by_place"], [null]])("give the top 100 ads under all six filters (view: %s)", async (view) => {
    const cases = groupBy(truth("top100.csv"), (row) => `${row.filter}|${row.end_ms}|${row.minutes}`);
    expect(new Set([...cases.keys()].map((key) => key.split("|")[0]))).toEqual(new Set(Object.keys(FILTERS)));
    for (const [key, expected] of cases) {
      const [filter = "", end, minutes] = key.split("|");
      const to = Number(end);
      const answer = await streamOf().query({
        from: to - Number(minutes) * 60_000,
        to,
        where: FILTERS[filter],
        groupBy: ["adId"],
        orderBy: "-clicks",
        limit: 100,
        view,
      });
      expect(answer.complete).toBe(true);
      expect(answer.rows, key).toEqual(expected.map((row) => ({ adId: row.ad_id, clicks: number(row, "clicks") })));
    }
  });

  test("answer the two classic questions", async () => {
    const [first] = groupBy(truth("top100.csv"), (row) => `${row.filter}|${row.end_ms}|${row.minutes}`).values();
    const sample = first?.[0];
    if (first === undefined || sample === undefined) throw new Error("truth has a first case");
    const to = number(sample, "end_ms");
    const range = `from=${to - number(sample, "minutes") * 60_000}&to=${to}`;
    const top = await streamOf().get(`/ads/top?count=100&${range}`);
    expect(top.body).toMatchObject({
      ads: first.map((row) => ({ adId: row.ad_id, clicks: number(row, "clicks") })),
      complete: true,
      final: true,
    });
    const one = await streamOf().get(`/ads/${sample.ad_id}/count?${range}`);
    expect(one.body).toMatchObject({
      adId: sample.ad_id,
      clicks: number(sample, "clicks"),
      final: true,
      complete: true,
    });
  });
}
