/** Partitions of before windows were keyed by one number wake with all that they have stored. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, test, vi } from "vitest";
import { digestState } from "#engine";
import { SIDES } from "../../../edge/partition/comparison-rows.ts";
import { Database } from "../../../edge/partition/database.ts";
import { PARTITION_LIMITS } from "../../../edge/partition/limits.ts";
import { migrate } from "../../../edge/partition/migrations.ts";
import { moveSomeRows } from "../../../edge/partition/move-rows.ts";
import { comparisonPlaceOf, startOfKey } from "../../../edge/partition/row-keys.ts";
import { clicks, DAY, generation, HeldPartition, MINUTE } from "./held-partition.ts";
import { readComparison } from "./read-comparison.ts";

const START = Date.UTC(2026, 5, 1);
const BASE_MINUTE = START - 30 * DAY;

const OLD_TABLES = [
  `CREATE TABLE windows (
     generation INTEGER NOT NULL,
     start INTEGER NOT NULL,
     part INTEGER NOT NULL,
     changed_at INTEGER NOT NULL,
     state BLOB NOT NULL,
     PRIMARY KEY (generation, start, part)
   ) STRICT, WITHOUT ROWID`,
  `CREATE TABLE comparisons (
     generation INTEGER NOT NULL,
     day INTEGER NOT NULL,
     side INTEGER NOT NULL,
     part INTEGER NOT NULL,
     state BLOB NOT NULL,
     PRIMARY KEY (generation, day, side, part)
   ) STRICT, WITHOUT ROWID`,
];

beforeEach(() => {
  vi.setSystemTime(START);
});

type WindowRow = { key: number; changed_at: number; state: ArrayBuffer };
type ComparisonRow = { key: number; state: ArrayBuffer };

/** A partition as the code before this migration has left it: two generations, and what the second one has changed. */
async function makeOld(): Promise<HeldPartition> {
  const held = await HeldPartition.make();
  await held.append(clicks(3_000, BASE_MINUTE, MINUTE / 10));
  vi.setSystemTime(START + DAY);
  await held.ring();
  await held.configure({ generations: [generation(), generation({ generation: 2, against: 1 })] });
  await held.settle();
  await runInDurableObject(held.stub, (_, { storage }) => {
    const { sql } = storage;
    storage.transactionSync(() => {
      for (const statement of OLD_TABLES) sql.exec(statement);
      for (const row of sql.exec<WindowRow>("SELECT * FROM window_rows").toArray()) {
        const generationId = Math.floor(row.key / 2 ** 34);
        const place = [generationId, startOfKey(row.key), row.key % PARTITION_LIMITS.windowRowsMax];
        sql.exec("INSERT INTO windows VALUES (?, ?, ?, ?, ?)", ...place, row.changed_at, row.state);
      }
      for (const row of sql.exec<ComparisonRow>("SELECT * FROM comparison_rows").toArray()) {
        const { day, side, part } = comparisonPlaceOf(row.key);
        const generationId = Math.floor(row.key / 2 ** 34);
        // It knew two sides only, and kept what is the same on both under either.
        for (const known of side === SIDES.both ? [SIDES.before, SIDES.after] : [side])
          sql.exec("INSERT INTO comparisons VALUES (?, ?, ?, ?, ?)", generationId, day, known, part, row.state);
      }
      // And what came later.
      for (const table of ["window_rows", "comparison_rows", "rule_memories", "packs"]) sql.exec(`DROP TABLE ${table}`);
      sql.exec("DELETE FROM migrations WHERE id > 2");
    });
  });
  return held;
}

async function contentOf(held: HeldPartition) {
  return {
    digests: [
      (await held.queryView({ everyMs: MINUTE }, 1)).digest,
      (await held.queryView({ everyMs: MINUTE }, 2)).digest,
    ],
    compared: await readComparison(held, 2),
  };
}

const tablesOf = async (held: HeldPartition) =>
  (await held.sql<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")).map(({ name }) => name);

test("windows and comparisons are carried over, and changed and replaced after that as others are", async () => {
  const held = await makeOld();
  expect(await held.rowCount("windows")).toBeGreaterThan(2 * PARTITION_LIMITS.movedRowsMax);
  expect(await held.rowCount("comparisons")).toBeGreaterThan(0);
  const fresh = await held.queryLog({ everyMs: MINUTE });
  await evictDurableObject(held.stub);
  const { digests, compared } = await contentOf(held);
  expect(digests).toEqual([fresh.digest, fresh.digest]);
  expect(compared.pieces).toEqual({ before: 300, after: 300, both: 0 });
  expect([digestState(compared.before), digestState(compared.after)]).toEqual(digests);
  expect(await tablesOf(held)).not.toContain("windows");
  // A late click goes to a window that was carried over.
  await held.append(clicks(1, BASE_MINUTE));
  vi.setSystemTime(START + 2 * DAY);
  await held.ring();
  const late = await held.queryView({ everyMs: MINUTE });
  expect(late.digest).toBe((await held.queryLog({ everyMs: MINUTE })).digest);
  expect(late.digest).not.toBe(fresh.digest);
});

test("a move that was stopped goes on from where it was", async () => {
  const held = await makeOld();
  const { digest } = await held.queryLog({ everyMs: MINUTE });
  await runInDurableObject(held.stub, (_, { storage }) => {
    const database = new Database(storage);
    expect(migrate(database, START)).toBe(true);
    expect(moveSomeRows(database)).toBe(true);
  });
  expect(await held.rowCount("window_rows")).toBe(2 * PARTITION_LIMITS.movedRowsMax);
  await evictDurableObject(held.stub);
  expect((await contentOf(held)).digests).toEqual([digest, digest]);
});
