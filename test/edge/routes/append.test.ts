/** Appending: what is taken, what the edge makes of it, and that nothing bad is kept. */
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fail } from "#protocol";
import type { PartitionRpc } from "../../../edge/partition/rpc.ts";
import { createApp } from "../../../edge/routes/app.ts";
import { call, expectOk, expectProblem, TestStream } from "./client.ts";

const KIB = 1024;
const DAY_MS = 86_400_000;

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** A body of unknown length, as a chunked upload has it. */
const chunked = (text: string) =>
  new ReadableStream({
    start(controller) {
      const bytes = new TextEncoder().encode(text);
      for (let at = 0; at < bytes.length; at += 64 * KIB) controller.enqueue(bytes.subarray(at, at + 64 * KIB));
      controller.close();
    },
  });

/** JSON of `bytes` bytes: one event and much white space. */
const padded = (bytes: number) => `{"events":[{}]${" ".repeat(bytes - 15)}}`;

describe("a batch", () => {
  let stream: TestStream;
  beforeEach(async () => {
    stream = await TestStream.create();
  });

  it("is answered with what became of each event", async () => {
    const producer = { id: "p-1", sequence: 0 };
    const events = [{ adId: "a" }, { adId: "b" }];
    expect(await stream.appended({ producer, events })).toEqual({
      partition: 0,
      offset: 0,
      accepted: 2,
      duplicates: 0,
      rejected: [],
      lastSequence: 1,
    });
    const more = { producer, events: [...events, { adId: [] }, { adId: "c" }] };
    expect(await stream.appended(more)).toEqual({
      partition: 0,
      offset: 2,
      accepted: 1,
      duplicates: 2,
      rejected: [{ index: 2, code: "invalid_type", detail: expect.any(String) }],
      lastSequence: 3,
    });
    expect(await stream.appended(more)).toMatchObject({ offset: null, accepted: 0, duplicates: 4, rejected: [] });
    expect((await stream.records()).map(({ offset, adId }) => [offset, adId])).toEqual([
      [0, "a"],
      [1, "b"],
      [2, "c"],
    ]);
  });

  it("is taken as text/plain, compressed or not", async () => {
    const body = JSON.stringify({ events: [{ adId: "ä" }] });
    await stream.appended(body, { headers: { "Content-Type": "text/plain;charset=UTF-8" } });
    await stream.appended(await gzip(body), { headers: { "Content-Encoding": "gzip" } });
    expect((await stream.records()).map(({ adId }) => adId)).toEqual(["ä", "ä"]);
  });

  it("without a producer is new each time", async () => {
    expect(await stream.appended({ events: [{}] })).toMatchObject({ accepted: 1, lastSequence: null });
    expect(await stream.appended({ events: [{}] })).toMatchObject({ accepted: 1, duplicates: 0 });
  });

  it("with an Idempotency-Key is new once", async () => {
    const options = { headers: { "Idempotency-Key": "k-1" } };
    const body = { events: [{ adId: "a" }, { adId: "b" }] };
    expect(await stream.appended(body, options)).toMatchObject({ accepted: 2, duplicates: 0 });
    expect(await stream.appended(body, options)).toMatchObject({ accepted: 0, duplicates: 2, offset: null });
    const other = { headers: { "Idempotency-Key": "k-2" } };
    expect(await stream.appended(body, other)).toMatchObject({ accepted: 2 });
    await expectProblem(stream.append(body, { headers: { "Idempotency-Key": "ä" } }), 400, "invalid_batch");
  });

  it("of one producer always goes to one partition, and of many to all", async () => {
    const wide = await TestStream.create({ partitions: 4 });
    const seen = new Map<string, Set<number>>();
    // Their ids are random to the hash: with so many, all four are met but once in ten million runs.
    const producers = 64;
    for (let i = 0; i < 2 * producers; i++) {
      const id = `p-${i % producers}`;
      const sequence = Math.floor(i / producers);
      const { partition } = await wide.appended({ producer: { id, sequence }, events: [{}] });
      seen.set(id, (seen.get(id) ?? new Set()).add(partition));
    }
    expect([...seen.values()].every((partitions) => partitions.size === 1)).toBe(true);
    expect(new Set([...seen.values()].flatMap((partitions) => [...partitions]))).toEqual(new Set([0, 1, 2, 3]));
  });
});

describe("a bad batch", () => {
  let stream: TestStream;
  beforeAll(async () => {
    stream = await TestStream.create();
  });
  const refused = async (
    body: unknown,
    status: number,
    code: string,
    options: Parameters<typeof stream.append>[1] = {},
  ) => {
    const problem = await expectProblem(stream.append(body, options), status, code);
    expect(await stream.recordCount()).toBe(0);
    return problem;
  };

  it.each([
    ["broken JSON", "{", "invalid_json"],
    ["no body at all", "", "invalid_json"],
    ["half a character", new Uint8Array([0x22, 0xc3, 0x22]), "invalid_json"],
    ["a list", [], "invalid_batch"],
    ["null", "null", "invalid_batch"],
    ["no events", {}, "invalid_batch"],
    ["an empty list of events", { events: [] }, "invalid_batch"],
    ["events that are no list", { events: {} }, "invalid_batch"],
    ["a producer that is no object", { producer: "p", events: [{}] }, "invalid_batch"],
    ["a producer without a sequence", { producer: { id: "p" }, events: [{}] }, "invalid_batch"],
    ["a producer with a space", { producer: { id: "p 1", sequence: 0 }, events: [{}] }, "invalid_batch"],
    ["a long producer id", { producer: { id: "p".repeat(129), sequence: 0 }, events: [{}] }, "invalid_batch"],
    ["a negative sequence", { producer: { id: "p", sequence: -1 }, events: [{}] }, "invalid_batch"],
    ["a sequence of 2^53", { producer: { id: "p", sequence: 2 ** 53 }, events: [{}] }, "invalid_batch"],
    ["two million lost", { producer: { id: "p", sequence: 3e6, lost: 2e6 }, events: [{}] }, "invalid_batch"],
    ["a time that is none", { sentAt: "yesterday", events: [{}] }, "invalid_batch"],
    ["a context that is none", { context: [], events: [{}] }, "invalid_batch"],
    ["an object in the context", { context: { a: {} }, events: [{}] }, "invalid_batch"],
    ["a prototype in the context", '{"context":{"__proto__":{"a":1}},"events":[{}]}', "invalid_batch"],
  ])("of %s is refused", async (_, body, code) => {
    await refused(body, 400, code);
  });

  it("of a thousand and one events is too large", async () => {
    expect(await refused({ events: Array.from({ length: 1_001 }, () => ({})) }, 413, "too_large")).toMatchObject({
      max: 1_000,
    });
  });

  it("is refused for its media type", async () => {
    await refused({ events: [{}] }, 415, "unsupported_media_type", { headers: { "Content-Type": "application/xml" } });
    await refused({ events: [{}] }, 415, "unsupported_media_type", { headers: { "Content-Encoding": "br" } });
  });

  it("over the limit is refused, whether it says its length or not", async () => {
    const body = padded(1024 * KIB + 1);
    for (const form of [body, chunked(body)])
      expect(await refused(form, 413, "too_large")).toMatchObject({ max: 1024 * KIB });
  });

  it("that inflates beyond the limit is refused without inflating it", async () => {
    const bomb = await gzip("0".repeat(64 * 1024 * KIB));
    expect(bomb.length).toBeLessThan(256 * KIB);
    const options = { headers: { "Content-Encoding": "gzip" } };
    expect(await refused(bomb, 413, "too_large", options)).toMatchObject({ max: 1024 * KIB });
  });

  it("that is compressed to more than the limit is refused", async () => {
    const noise = Array.from(crypto.getRandomValues(new Uint8Array(60 * KIB)), (byte) => byte.toString(16)).join("");
    const large = await gzip(
      noise +
        noise.split("").toReversed().join("") +
        noise
          .split("")
          .toSorted()
          .join(noise[7] ?? ""),
    );
    const filled = new Uint8Array(256 * KIB + 1);
    filled.set(large.subarray(0, filled.length));
    expect(await refused(filled, 413, "too_large", { headers: { "Content-Encoding": "gzip" } })).toMatchObject({
      max: 256 * KIB,
    });
  });

  it("that is no gzip is refused", async () => {
    await refused("{}", 400, "invalid_json", { headers: { "Content-Encoding": "gzip" } });
    const cut = (await gzip(padded(1_000))).subarray(0, 20);
    await refused(cut, 400, "invalid_json", { headers: { "Content-Encoding": "gzip" } });
  });

  it("nested without end is refused", async () => {
    await refused(`{"events":[${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}],"events":1}`, 400, "invalid_batch");
  });

  it("may be larger from an importer", async () => {
    const other = await TestStream.create();
    const reply = await other.appended(padded(1024 * KIB + 1), { key: other.keys.import });
    expect(reply).toMatchObject({ accepted: 1 });
    const events = Array.from({ length: 10_000 }, (_, i) => ({ adId: `ad-${i % 7}` }));
    expect(await other.imported(events)).toMatchObject({ accepted: 10_000 });
    await expectProblem(other.append({ events: [...events, {}] }, { key: other.keys.import }), 413, "too_large");
  });
});

describe("a bad event", () => {
  const names = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`a${i}`, i]));

  it.each([
    ["too_many_attributes", names(65)],
    ["string_too_long", { url: "x".repeat(2 * KIB) }],
    ["string_too_long", { type: "x".repeat(2 * KIB) }],
    ["invalid_name", JSON.parse('{"__proto__": {"polluted": true}}')],
    ["invalid_name", JSON.parse('{"__proto__": 1}')],
    ["invalid_name", { constructor: 1 }],
    ["invalid_name", { offset: 1 }],
    ["invalid_name", { "my-attribute": 1 }],
    ["invalid_name", { ["a".repeat(65)]: 1 }],
    ["invalid_type", { price: { amount: 1 } }],
    ["invalid_type", { tags: ["a"] }],
    ["invalid_type", { type: 7 }],
    ["invalid_type", "click"],
    ["invalid_type", null],
    ["invalid_time", { time: "soon" }],
    ["invalid_time", { time: -1 }],
    ["too_old", { time: 0 }],
  ])("%s: is rejected alone, counted and listed", async (code, bad) => {
    const stream = await TestStream.create();
    const reply = await stream.appended({ events: [{ adId: "a" }, bad, { adId: "b" }] });
    expect(reply).toMatchObject({ accepted: 2, duplicates: 0, rejected: [{ index: 1, code }] });
    expect((await stream.records()).map(({ adId }) => adId)).toEqual(["a", "b"]);
    expect(await expectOk(stream.admin("GET", "/rejects"))).toMatchObject({
      rejects: [{ partition: 0, index: 1, code, at: expect.any(Number) }],
      missing: [],
    });
    expect((await stream.describe()).partitions).toMatchObject([{ rejected: 1, records: 2 }]);
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("of an import is refused when it lies more than a day ahead", async () => {
    const stream = await TestStream.create();
    const reply = await stream.imported([{ time: Date.now() + 2 * DAY_MS }, { time: 0 }]);
    expect(reply).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: "in_future" }] });
  });

  it("of 1e999 is refused", async () => {
    const stream = await TestStream.create();
    const reply = await stream.appended('{"events":[{"price":1e999},{"price":-0}]}');
    expect(reply).toMatchObject({ accepted: 1, rejected: [{ index: 0, code: "invalid_type" }] });
  });
});

describe("a producer", () => {
  let stream: TestStream;
  beforeEach(async () => {
    stream = await TestStream.create();
  });
  const batch = (sequence: number, more: object = {}, count = 1) => ({
    producer: { id: "p-1", sequence, ...more },
    events: Array.from({ length: count }, (_, i) => ({ n: sequence + i })),
  });

  it("that leaves a gap is told what is missing", async () => {
    await stream.appended(batch(0, {}, 2));
    const problem = await expectProblem(stream.append(batch(5)), 409, "sequence_gap");
    expect(problem).toMatchObject({ expected: 2, received: 5 });
    expect(await stream.recordCount()).toBe(2);
    expect(await stream.appended(batch(5, { lost: 3 }))).toMatchObject({ accepted: 1, lastSequence: 5 });
    expect((await stream.describe()).partitions).toMatchObject([{ lost: 3 }]);
  });

  it("that begins at nine thousand million million has left one", async () => {
    await expectProblem(stream.append(batch(9e15)), 409, "sequence_gap");
    expect(await stream.recordCount()).toBe(0);
  });

  it("that was cloned is told which commits the edge knows", async () => {
    await stream.appended(batch(0, { commits: [[0, "aaaa"]] }, 2));
    const problem = await expectProblem(stream.append(batch(1, { commits: [[1, "bbbb"]] }, 2)), 409, "producer_forked");
    expect(problem["commits"]).toEqual([[0, "aaaa"]]);
    expect(await stream.recordCount()).toBe(2);
  });

  it("cannot be taken over by one who knows its id and has another kind of key", async () => {
    const events = [{ n: 1 }];
    const importer = { producer: { id: "p-1", sequence: 0 }, events };
    await stream.appended(importer, { key: stream.keys.import });
    // The attacker's own p-1 is another producer: it neither moves the importer's sequence nor learns it.
    expect(await stream.appended(batch(0, {}, 100))).toMatchObject({ accepted: 100, duplicates: 0 });
    const next = { producer: { id: "p-1", sequence: 1 }, events };
    expect(await stream.appended(next, { key: stream.keys.import })).toMatchObject({ accepted: 1, duplicates: 0 });
  });

  it("is nowhere to be read", async () => {
    const id = "secret-producer-id";
    await stream.appended({ producer: { id, sequence: 0 }, events: [{}] });
    const texts = await Promise.all([
      stream.admin("GET"),
      stream.admin("GET", "/partitions/0/records"),
      stream.admin("GET", "/rejects"),
    ]);
    for (const response of texts) expect(await response.text()).not.toContain(id);
  });
});

describe("what a page sends", () => {
  const phone =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Safari/604.1";
  const visit = {
    headers: { "User-Agent": phone, "CF-Connecting-IP": "203.0.113.7" },
    cf: { country: "AT" },
  } as const;

  it("is laid over its context, and enriched", async () => {
    const stream = await TestStream.create({ ip: "store" });
    const context = { site: "example.com", userId: "u-7", campaign: "spring" };
    await stream.appended(
      { context, events: [{ campaign: null }, { site: "other", ip: "8.8.8.8", country: null }] },
      visit,
    );
    const [first, second] = await stream.records();
    expect(first).toMatchObject({ type: "click", site: "example.com", userId: "u-7", country: "AT", device: "mobile" });
    expect(first).not.toHaveProperty("campaign");
    expect(second).toMatchObject({ site: "other", campaign: "spring", device: "mobile", ip: "203.0.113.7" });
    expect(second).not.toHaveProperty("country");
  });

  it("keeps no address by default, only its keyed hash: equal for equal ones, within one stream", async () => {
    const [one, other] = [await TestStream.create(), await TestStream.create()];
    await one.appended({ events: [{}] }, visit);
    await one.appended({ events: [{ ip: "1.1.1.1" }] }, visit);
    await other.appended({ events: [{}] }, visit);
    const addresses = (await one.records()).map(({ ip }) => ip);
    expect(addresses[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(addresses[1]).toBe(addresses[0]);
    expect((await other.records())[0]?.["ip"]).not.toBe(addresses[0]);
  });

  it("keeps nothing of the address where the stream says so", async () => {
    const stream = await TestStream.create({ ip: "drop" });
    await stream.appended({ events: [{ ip: "1.1.1.1" }] }, visit);
    expect((await stream.records())[0]).not.toHaveProperty("ip");
  });

  it("has no country where the network does not know one", async () => {
    const stream = await TestStream.create();
    await stream.appended({ events: [{}] }, { ...visit, cf: { country: "XX" as Iso3166Alpha2Code } });
    expect((await stream.records())[0]).not.toHaveProperty("country");
  });

  it("is corrected by what its clock is off", async () => {
    const stream = await TestStream.create();
    const sentAt = Date.now() + 30 * DAY_MS;
    await stream.appended({ sentAt, events: [{ time: sentAt - 3_600_000 }, { time: sentAt + 60_000 }] });
    const [past, future] = await stream.records();
    expect(Math.abs((past?.time ?? 0) - (Date.now() - 3_600_000))).toBeLessThan(10_000);
    expect(future?.time).toBeLessThanOrEqual(future?.appendTime ?? 0);
  });

  it("is nothing that an importer's events need", async () => {
    const stream = await TestStream.create();
    await stream.imported([{ time: 0, ip: "1.1.1.1" }], visit);
    const [record] = await stream.records();
    expect(record).toMatchObject({ time: 0, type: "click", ip: "1.1.1.1" });
    expect(record).not.toHaveProperty("country");
    expect(record).not.toHaveProperty("device");
  });
});

describe("rates", () => {
  const worker = (
    limits: Partial<Record<"KEY_ADDRESS_LIMIT" | "KEY_LIMIT", { limit: () => Promise<{ success: boolean }> }>>,
  ) => {
    const withLimits = { ...env, KEY_ADDRESS_LIMIT: undefined, KEY_LIMIT: undefined, ...limits } as unknown as Env;
    return (request: Request) => createApp().fetch(request, withLimits);
  };
  const events = { events: [{}] };

  it.each(["KEY_ADDRESS_LIMIT", "KEY_LIMIT"])("beyond %s are answered 429 with when to come back", async (name) => {
    const stream = await TestStream.create();
    const handler = worker({ [name]: { limit: async () => ({ success: false }) } });
    const response = await call("POST", `${stream.path}/events`, { key: stream.keys.write, body: events }, handler);
    expect(response.headers.get("Retry-After")).toBe("10");
    expect(await expectProblem(response, 429, "rate_limited")).toMatchObject({ retryAfterMs: 10_000 });
    expect(await stream.recordCount()).toBe(0);
  });

  it("are not limited where the platform has no such bindings", async () => {
    const stream = await TestStream.create();
    await expectOk(call("POST", `${stream.path}/events`, { key: stream.keys.write, body: events }, worker({})));
  });
});

describe("a configuration that changes while a batch is on its way", () => {
  /** Partitions that know a newer configuration than whoever asks, so many times. */
  const worker = (times: number) => {
    let left = times;
    const getByName = (name: string): Pick<PartitionRpc, "append" | "configure"> => {
      const partition = env.PARTITION.getByName(name) as unknown as PartitionRpc;
      return {
        configure: (config) => partition.configure(config),
        append: async (batch) => {
          if (left-- > 0) return fail({ reason: "stale_config", version: batch.configVersion + 1 });
          return partition.append(batch);
        },
      };
    };
    const changing = { ...env, PARTITION: { getByName } } as unknown as Env;
    return (request: Request) => createApp().fetch(request, changing);
  };
  const events = { events: [{}] };

  it("is asked for again as often as a replay that begins and ends may change it", async () => {
    const stream = await TestStream.create();
    await expectOk(call("POST", `${stream.path}/events`, { key: stream.keys.write, body: events }, worker(3)));
    expect(await stream.recordCount()).toBe(1);
  });

  it("is not asked for again without end", async () => {
    const stream = await TestStream.create();
    const response = call("POST", `${stream.path}/events`, { key: stream.keys.write, body: events }, worker(4));
    await expectProblem(await response, 503, "overloaded");
    expect(await stream.recordCount()).toBe(0);
  });
});
