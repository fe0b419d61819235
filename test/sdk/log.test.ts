import "fake-indexeddb/auto";
import { describe, expect, it } from "vitest";
import { eraseIdbLog } from "../../sdk/log/erase.ts";
import { openIdbLog } from "../../sdk/log/idb-log.ts";
import type { LogOptions } from "../../sdk/log/log.ts";
import { MemoryLog } from "../../sdk/log/memory-log.ts";
import { randomId } from "../../sdk/random.ts";
import { describeLog } from "../contract/log.ts";

let logs = 0;

describeLog("IndexedDB log", (options) => openIdbLog(`log-${logs++}`, options));
describeLog("memory log", async (options) => new MemoryLog(options));

const OPTIONS: LogOptions = { eventsMax: 100, bytesMax: 10_000, sendableBytesMax: 5_000, randomId };
const event = JSON.stringify({ type: "click" });

describe("IndexedDB log: what only a disk can do", () => {
  it("is found again as it was left", async () => {
    const name = `log-${logs++}`;
    const before = await openIdbLog(name, OPTIONS);
    await before.append({ lane: "a", first: 0, events: [event, event] }, 1);
    const state = await before.state();
    before.close();
    const after = await openIdbLog(name, OPTIONS);
    expect(await after.state()).toEqual(state);
    expect(await after.append({ lane: "a", first: 1, events: [event, event] }, 2)).toMatchObject({
      value: {
        runs: [
          [1, 1],
          [2, 1],
        ],
      },
    });
  });

  it("is one log for two tabs: no sequence is given twice", async () => {
    const name = `log-${logs++}`;
    const tabs = await Promise.all([openIdbLog(name, OPTIONS), openIdbLog(name, OPTIONS)]);
    const appended = await Promise.all(
      Array.from({ length: 40 }, (_, i) => {
        const lane = `lane-${i % 2}`;
        return tabs[i % 2]?.append({ lane, first: Math.floor(i / 2), events: [event] }, i);
      }),
    );
    const sequences = appended.map((result) => (result?.ok ? result.value.runs[0]?.[0] : undefined));
    expect(sequences.toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(Array.from({ length: 40 }, (_, i) => i));
  });

  it("goes on with a new connection when the browser has closed the old one", async () => {
    const name = `log-${logs++}`;
    const log = await openIdbLog(name, OPTIONS);
    await log.append({ lane: "a", first: 0, events: [event] }, 1);
    // The page's own code deletes all databases: every connection lets go of it. Pages put back what they hold.
    const { logId } = await log.state();
    await new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = resolve));
    expect(await log.append({ lane: "a", first: 1, events: [event] }, 2)).toMatchObject({
      ok: true,
      value: { runs: [[1, 1]], state: { events: 1, lost: { cleared: 1 } } },
    });
    expect((await log.state()).logId).not.toBe(logId);
  });

  it("is not found again, by whoever had it open, once it was erased on purpose", async () => {
    const name = `log-${logs++}`;
    const log = await openIdbLog(name, OPTIONS);
    await log.append({ lane: "a", first: 0, events: [event] }, 1);
    await eraseIdbLog(name);
    expect(await log.append({ lane: "a", first: 1, events: [event] }, 2)).toEqual({
      ok: false,
      failure: { reason: "erased" },
    });
    // Its connection lets go once it has seen why it is asked to.
    await expect.poll(async () => (await indexedDB.databases()).map((database) => database.name)).not.toContain(name);
  });

  it("has no database made for it in order to be erased", async () => {
    await eraseIdbLog("never opened");
    expect((await indexedDB.databases()).map(({ name }) => name)).not.toContain("never opened");
  });

  it.each(["InvalidStateError", "AbortError", "UnknownError"])("tries a fresh connection after an %s", async (name) => {
    const log = await openIdbLog(`log-${logs++}`, OPTIONS);
    const transaction = IDBDatabase.prototype.transaction;
    IDBDatabase.prototype.transaction = () => {
      IDBDatabase.prototype.transaction = transaction;
      throw new DOMException("Connection to Indexed Database server lost", name);
    };
    expect(await log.append({ lane: "a", first: 0, events: [event] }, 1)).toMatchObject({ ok: true });
    expect((await log.state()).events).toBe(1);
  });

  it("says that storage failed, when it fails on a fresh connection, too", async () => {
    const log = await openIdbLog(`log-${logs++}`, OPTIONS);
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("no", "UnknownError");
    };
    try {
      const appended = await log.append({ lane: "a", first: 0, events: [event] }, 1);
      expect(appended).toMatchObject({ ok: false, failure: { reason: "storage_failed" } });
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    expect((await log.state()).events).toBe(0);
  });

  it("tells a full disk from a broken one, and keeps nothing of what did not fit", async () => {
    const log = await openIdbLog(`log-${logs++}`, OPTIONS);
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    try {
      const appended = await log.append({ lane: "a", first: 0, events: [event] }, 1);
      expect(appended).toEqual({ ok: false, failure: { reason: "quota_exceeded" } });
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    expect((await log.state()).events).toBe(0);
  });

  it("counts what a full disk made it refuse, and declares it once there is room", async () => {
    const log = await openIdbLog(`log-${logs++}`, OPTIONS);
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    try {
      await log.append({ lane: "a", first: 0, events: [event, event] }, 1);
      // These are still in their spill.
      await log.append({ lane: "b", first: 0, events: [event], spilled: true }, 1);
      expect(await log.state()).toMatchObject({ events: 0, lost: { log_full: 2 } });
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    const appended = await log.append({ lane: "a", first: 2, events: [event] }, 2);
    expect(appended).toMatchObject({ ok: true, value: { runs: [[0, 1]], state: { lost: { log_full: 2 } } } });
    await log.append({ lane: "a", first: 3, events: [event] }, 3);
    const { producerId } = await log.state();
    await log.settle(producerId, 1, { kind: "delivered", rejected: 0 });
    expect(await log.prepare(null, { eventsMax: 9, bytesMax: 1e4 })).toMatchObject({ value: { sequence: 3, lost: 2 } });
    expect((await log.state()).lost).toEqual({ log_full: 2 });
  });
});
