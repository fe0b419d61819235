import { describe, expect, it } from "vitest";
import { PAGE_LIMITS } from "../../sdk/limits.ts";
import type { LogOptions } from "../../sdk/log/log.ts";
import { MemoryLog } from "../../sdk/log/memory-log.ts";
import { eraseSpills, readSpills, removeSpill, writeSpill } from "../../sdk/spill.ts";

/** As localStorage: items are its own keys, everything else is on the prototype. */
class FakeStorage {
  [key: string]: unknown;
  getItem(key: string): string | null {
    return (this[key] as string | undefined) ?? null;
  }
  setItem(key: string, value: string): void {
    this[key] = value;
  }
  removeItem(key: string): void {
    delete this[key];
  }
}

const storage = () => new FakeStorage() as unknown as Storage;
/** What a page sees of it. */
const seen = (localStorage: Storage) => ({ localStorage });
const events = (count: number) => Array.from({ length: count }, (_, n) => JSON.stringify({ type: "click", n }));
const OPTIONS: LogOptions = { eventsMax: 100, bytesMax: 1e6, sendableBytesMax: 1e6, randomId: () => "0".repeat(16) };

describe("spill", () => {
  it("is found by the next page, but not by its own", () => {
    const local = storage();
    writeSpill(seen(local), "log", { lane: "a", first: 3, events: events(2) }, 17);
    expect(readSpills(seen(local), "log", "a")).toEqual([]);
    expect(readSpills(seen(local), "another log", "b")).toEqual([]);
    expect(readSpills(seen(local), "log", "b")).toEqual([
      { at: 17, cut: 0, call: { lane: "a", first: 3, events: events(2) } },
    ]);
  });

  it("adds nothing when it is imported twice, or after the log had its events already", async () => {
    const local = storage();
    const log = new MemoryLog(OPTIONS);
    const call = { lane: "a", first: 0, events: events(3) };
    // The first two were logged, but the page went away before it heard.
    await log.append({ ...call, events: events(2) }, 1);
    writeSpill(seen(local), "log", call, 2);
    for (let tab = 0; tab < 3; tab++) {
      for (const spill of readSpills(seen(local), "log", `tab-${tab}`)) await log.append(spill.call, 3);
    }
    expect(await log.state()).toMatchObject({ events: 3, next: 3 });
  });

  it("is bounded, and cut at its end: what is kept has no hole", () => {
    const local = storage();
    const long = Array.from({ length: 100 }, (_, n) => JSON.stringify({ n, text: "x".repeat(5_000) }));
    writeSpill(seen(local), "log", { lane: "a", first: 0, events: long }, 1);
    const kept = readSpills(seen(local), "log", "b")[0]?.call.events ?? [];
    expect(kept).toEqual(long.slice(0, kept.length));
    expect(kept.join("").length).toBeLessThanOrEqual(PAGE_LIMITS.spillCharsMax);
    expect(kept.length).toBeGreaterThan(10);
    expect(readSpills(seen(local), "log", "b")[0]?.cut).toBe(long.length - kept.length);
  });

  it("takes what a storage that is nearly full takes, and counts the rest", () => {
    const local = storage();
    const roomy = local.setItem.bind(local);
    local.setItem = (key, value) => {
      if (value.length > 1_000) throw new DOMException("full", "QuotaExceededError");
      roomy(key, value);
    };
    writeSpill(seen(local), "log", { lane: "a", first: 0, events: events(100) }, 1);
    const [spill] = readSpills(seen(local), "log", "b");
    const kept = spill?.call.events ?? [];
    expect(kept.length).toBeGreaterThan(10);
    expect(kept).toEqual(events(kept.length));
    expect(spill?.cut).toBe(100 - kept.length);
  });

  it("is removed by its own page once that has logged its events, and whole on opting out", () => {
    const local = storage();
    const call = { first: 0, events: events(1) };
    for (const lane of ["a", "b", "c"]) writeSpill(seen(local), "log", { lane, ...call }, 1);
    writeSpill(seen(local), "another log", { lane: "a", ...call }, 1);
    removeSpill(seen(local), "log", "a");
    expect(readSpills(seen(local), "log", "x").map(({ call: { lane } }) => lane)).toEqual(["b", "c"]);
    eraseSpills(seen(local), "log");
    expect(Object.keys(local)).toEqual(["another log:spill:a"]);
  });

  it.each([
    "",
    "{",
    "null",
    "[]",
    '{"first":-0.5,"at":1,"events":[]}',
    '{"first":-1,"at":1,"events":[]}',
    '{"first":0,"at":1,"events":[7]}',
  ])("that says %s is thrown away", (text) => {
    const local = storage();
    local.setItem("log:spill:a", text);
    expect(readSpills(seen(local), "log", "b")).toEqual([]);
    expect(Object.keys(local)).toEqual([]);
  });

  it("is no error where storage is forbidden", () => {
    const forbidden = {
      get localStorage(): Storage {
        throw new DOMException("no", "SecurityError");
      },
    };
    expect(() => writeSpill(forbidden, "log", { lane: "a", first: 0, events: events(1) }, 1)).not.toThrow();
    expect(() => removeSpill(forbidden, "log", "a")).not.toThrow();
    expect(() => eraseSpills(forbidden, "log")).not.toThrow();
    expect(readSpills(forbidden, "log", "a")).toEqual([]);
  });
});
