import { beforeAll, describe, expect, it, vi } from "vitest";
import { SEND_LIMITS } from "../../sdk/limits.ts";
import { hostConfig, type ReadOptions, readOptions } from "../../sdk/config.ts";

const SOUND = { endpoint: "https://events.example.com/", stream: "clicks", writeKey: "wk_1" };

beforeAll(() => {
  vi.stubGlobal("location", { href: "https://shop.example.com/cart?id=7" });
  return () => vi.unstubAllGlobals();
});

const throwing = new Proxy(SOUND, {
  get: () => {
    throw new Error("look away");
  },
});

describe("options", () => {
  it.each([
    ["undefined", undefined],
    ["null", null],
    ["a number", 7],
    ["a text", "text"],
    ["a list", []],
    ["a symbol", Symbol("s")],
    ["something that throws", throwing],
    ["empty and frozen", Object.freeze({})],
  ])("may be %s", (_, options) => {
    expect(hostConfig(readOptions(options))).toBeNull();
  });

  it.each([
    ["endpoint", ""],
    ["endpoint", "http://["],
    ["endpoint", Symbol("e")],
    ["stream", 7],
    ["stream", Symbol("s")],
    ["writeKey", {}],
    ["writeKey", "\ud800"],
  ])("are refused with a wrong %s (%#)", (name, value) => {
    expect(hostConfig({ ...SOUND, [name]: value } as ReadOptions)).toBeNull();
  });

  it("are read once", () => {
    let reads = 0;
    const options = {
      ...SOUND,
      get lingerMs() {
        return reads++;
      },
    };
    const read = readOptions(options);
    expect([hostConfig(read)?.lingerMs, hostConfig(read)?.lingerMs, reads]).toEqual([0, 0, 1]);
  });

  it("are brought within their bounds, and to whole numbers", () => {
    const config = (batchEvents: unknown) => hostConfig({ ...SOUND, batchEvents } as ReadOptions)?.batchEvents;
    expect(config(undefined)).toBe(SEND_LIMITS.batchEventsDefault);
    expect(config("12")).toBe(SEND_LIMITS.batchEventsDefault);
    expect(config(Number.NaN)).toBe(SEND_LIMITS.batchEventsDefault);
    expect(config(1e9)).toBe(SEND_LIMITS.batchEventsMax);
    expect(config(0.5)).toBe(1);
    expect(config(12.5)).toBe(12);
  });

  it("name one log for one endpoint, however it is written", () => {
    const name = (endpoint: string) => hostConfig({ ...SOUND, endpoint })?.name;
    expect(name("https://events.example.com")).toBe("headwater:https://events.example.com:clicks");
    expect(name("https://events.example.com//")).toBe(name("https://events.example.com"));
    expect(name("/edge/")).toBe("headwater:https://shop.example.com/edge:clicks");
  });
});
