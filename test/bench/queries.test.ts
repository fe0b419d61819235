// What the query bench rests on: the same events every time, and a contender that answers as a plain count over them does.
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Answer } from "./queries/contender.ts";
import { type Chunk, generate } from "./queries/dataset.ts";
import { type Key, type Question, QUESTIONS } from "./queries/definitions.ts";
import { differenceOf } from "./queries/equal.ts";
import { Headwater } from "./queries/headwater.ts";
import { pairedRatio } from "./queries/measure.ts";
import { NodeStorage } from "./queries/node-storage.ts";
import { AliasTable, Random } from "./queries/random.ts";

const EVENTS = 20_000;
const folder = mkdtempSync(join(tmpdir(), "headwater-bench-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const chunksOf = (events: number): Chunk[] => [...generate("zipf", events)];

test("the events are the same on every machine", () => {
  const hash = createHash("sha256");
  for (const { times, ads, users, countries, devices, cents } of chunksOf(EVENTS))
    for (const column of [times, ads, users, countries, devices, cents]) hash.update(column);
  expect(hash.digest("hex").slice(0, 16)).toBe("0aed99b6d584acdf");
});

test("dice in the proportions that were asked for", () => {
  const table = new AliasTable(Float64Array.of(1, 0, 2, 5));
  const random = new Random(7);
  const drawn = [0, 0, 0, 0];
  for (let i = 0; i < 80_000; i++) {
    const side = table.draw(random);
    drawn[side] = (drawn[side] as number) + 1;
  }
  const [one = 0, none, two = 0, five = 0] = drawn;
  expect(none).toBe(0);
  expect(Math.abs(one - 10_000)).toBeLessThan(500);
  expect(Math.abs(two - 20_000)).toBeLessThan(500);
  expect(Math.abs(five - 50_000)).toBeLessThan(500);
});

test("a ratio is taken within rounds, so that a slow round changes nothing", () => {
  expect(pairedRatio([20, 400, 22], [10, 200, 11])).toEqual({ median: 2, lower: 2, upper: 2 });
});

test("a storage in which a transaction throws has nothing of it", () => {
  const storage = new NodeStorage(join(folder, "storage.sqlite"));
  const { sql } = storage;
  sql.exec("CREATE TABLE t (a INTEGER, b BLOB) STRICT");
  storage.transactionSync(() => sql.exec("INSERT INTO t VALUES (?, ?)", 1, new Uint8Array([1, 2])));
  const fails = () =>
    storage.transactionSync(() => {
      storage.transactionSync(() => sql.exec("INSERT INTO t VALUES (?, ?)", 2, null));
      throw new Error("no");
    });
  expect(fails).toThrow("no");
  const rows = sql.exec("SELECT a, b FROM t WHERE a < ?2 AND a >= ?1", 1, 9).toArray();
  expect(rows).toEqual([{ a: 1, b: new Uint8Array([1, 2]).buffer }]);
  storage.close();
});

test("answers that differ are told apart", () => {
  const [question] = QUESTIONS as [Question];
  const summary = { groups: 2, clicks: 10, clicksMax: 6, measure: null };
  const own: Answer = { kind: "summary", summary };
  expect(differenceOf(question, own, { kind: "summary", summary })).toBeNull();
  expect(differenceOf(question, own, { kind: "summary", summary: { ...summary, clicks: 11 } })).toContain("clicks");
  const top = (ads: number[]): Answer => ({ kind: "top", rows: ads.map((ad) => [ad, 5] as const) });
  expect(differenceOf(question, top([1, 2]), top([1, 2]))).toBeNull();
  expect(differenceOf(question, top([1, 2]), top([2, 1]))).toContain("row 0");
});

describe("Headwater answers as a plain count does", () => {
  const engines = { log: new Headwater(folder, "log"), view: new Headwater(folder, "view") };
  const events = chunksOf(EVENTS);

  beforeAll(async () => {
    for (const engine of Object.values(engines)) {
      for (const chunk of events) await engine.load(chunk);
      await engine.settle();
    }
  });
  afterAll(async () => {
    for (const engine of Object.values(engines)) await engine.close();
  });

  test.for(QUESTIONS.filter(({ dataset }) => dataset === "zipf"))("$id", async (question) => {
    const [contender] = engines[question.source].contenders;
    const answer = await (await contender?.prepare(question))?.();
    const expected = plainAnswer(question, events);
    if (answer === undefined) throw new Error("an answer");
    expect(differenceOf(question, expected, answer)).toBeNull();
    expect(answer.kind).toBe(question.top === null ? "summary" : "top");
  });
});

/** The answer, as anybody would compute it who has all the time in the world. */
function plainAnswer(question: Question, chunks: readonly Chunk[]): Answer {
  const groups = new Map<string, { ad: number; clicks: number; users: Set<number>; price: number }>();
  for (const chunk of chunks)
    for (let i = 0; i < chunk.count; i++) {
      const time = chunk.times[i] as number;
      if (time < question.from || time >= question.to) continue;
      if (question.country !== null && chunk.countries[i] !== question.country) continue;
      const columns: Readonly<Record<Key, ArrayLike<number>>> = {
        ad: chunk.ads,
        country: chunk.countries,
        device: chunk.devices,
      };
      const window = question.everyMs === null ? 0 : Math.floor(time / question.everyMs);
      const key = [window, ...question.groupBy.map((name) => columns[name][i])].join();
      const group = groups.get(key) ?? { ad: chunk.ads[i] as number, clicks: 0, users: new Set(), price: 0 };
      group.clicks += 1;
      group.users.add(chunk.users[i] as number);
      group.price += (chunk.cents[i] as number) / 100;
      groups.set(key, group);
    }
  const all = [...groups.values()];
  if (question.top !== null) {
    const first = all.sort((a, b) => b.clicks - a.clicks || a.ad - b.ad).slice(0, question.top);
    return { kind: "top", rows: first.map(({ ad, clicks }) => [ad, clicks] as const) };
  }
  const sum = (of: (group: (typeof all)[number]) => number) => all.reduce((total, group) => total + of(group), 0);
  const measures = { users: () => sum(({ users }) => users.size), price: () => sum(({ price }) => price) };
  return {
    kind: "summary",
    summary: {
      groups: all.length,
      clicks: sum(({ clicks }) => clicks),
      clicksMax: Math.max(...all.map(({ clicks }) => clicks)),
      measure: question.measure === null ? null : measures[question.measure](),
    },
  };
}
