import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { HashSeed } from "#engine";
import { Database } from "../../../edge/partition/database.ts";
import { DictionaryStore } from "../../../edge/partition/dictionary-store.ts";
import { FactStore } from "../../../edge/partition/facts.ts";
import { PARTITION_LIMITS } from "../../../edge/partition/limits.ts";

const SEED: HashSeed = [1, 2, 3, 4];
const NOW = 1_763_790_000_000;

function onStores<T>(name: string, body: (wake: () => DictionaryStore, database: Database) => T): Promise<T> {
  return runInDurableObject(env.PARTITION.getByName(`dictionaries-${name}`), (_, { storage }) => {
    const database = new Database(storage);
    return body(() => new DictionaryStore(database, new FactStore(database), SEED, NOW), database);
  });
}

const textOf = (i: number): string => `ad-${i}`.padStart(40, ".");

function fill(store: DictionaryStore, from: number, to: number): void {
  const id = store.current.attributeId("ad");
  for (let i = from; i < to; i++) store.current.intern(id, textOf(i));
}

test("a large dictionary is stored in rows of a bounded size, each entry once, and wakes with its codes", async () => {
  await onStores("rows", (wake, database) => {
    const store = wake();
    fill(store, 0, 60_000);
    store.store();
    fill(store, 60_000, 60_010);
    store.store();
    const lengths = database
      .all<{ length: number }>("SELECT length(additions) AS length FROM dictionaries")
      .map(({ length }) => length);
    expect(lengths.length).toBeGreaterThan(PARTITION_LIMITS.dictionaryRowsPageMax);
    expect(Math.max(...lengths)).toBeLessThanOrEqual(PARTITION_LIMITS.dictionaryRowBytesMax + 1_024);
    expect(lengths.reduce((sum, length) => sum + length)).toBeLessThan(60_010 * 41 + 1_024);
    const { current } = wake();
    expect(current.mark()).toEqual([60_011]);
    for (const i of [0, 1, 29_999, 59_999, 60_009]) expect(current.intern(0, textOf(i))).toBe(i + 1);
    expect(current.intern(0, "new")).toBe(60_011);
  });
});

test("rows of JSON, which an earlier version wrote, are woken, and what comes after them is stored beside them", async () => {
  await onStores("json", (wake, database) => {
    wake();
    database.run(
      "INSERT INTO dictionaries (generation, additions) VALUES (1, ?)",
      new TextEncoder().encode('[[0,"ad",1,["a",true,"é"]]]'),
    );
    const store = wake();
    store.current.intern(0, "b");
    store.store();
    const { current } = wake();
    expect([1, 2, 3, 4].map((code) => current.dictionary(0).valueOf(code))).toEqual(["a", true, "é", "b"]);
  });
});

test("of old generations that are large, one at a time is in memory, and each still answers", async () => {
  await onStores("old", (wake) => {
    const store = wake();
    for (let generation = 1; generation <= 3; generation++) {
      fill(store, generation * 1_000_000, generation * 1_000_000 + 150_000);
      store.store();
      store.renew(NOW);
    }
    const first = store.of(1);
    expect(first.dictionary(0).valueOf(1)).toBe(textOf(1_000_000));
    expect(2 * first.bytes).toBeGreaterThan(PARTITION_LIMITS.oldDictionariesBytesMax);
    expect(store.of(1)).toBe(first);
    expect(store.of(2).dictionary(0).valueOf(1)).toBe(textOf(2_000_000));
    expect(store.of(1)).not.toBe(first);
    expect(store.of(1).dictionary(0).valueOf(150_000)).toBe(textOf(1_149_999));
    expect(store.of(4)).toBe(store.current);
  });
});

test("of old generations that are small, a few are kept", async () => {
  await onStores("small", (wake) => {
    const store = wake();
    for (let generation = 1; generation <= 3; generation++) {
      fill(store, generation, generation + 1);
      store.store();
      store.renew(NOW);
    }
    const [first, second] = [store.of(1), store.of(2)];
    expect(store.of(1)).toBe(first);
    store.of(3);
    expect(store.of(1)).toBe(first);
    expect(store.of(2)).not.toBe(second);
  });
});
