/** What queries answer: by example, each from the stored view where one can answer, and from the log. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { fail, ok } from "#protocol";
import type { PartitionConfig, PartitionQuery, PartitionRpc } from "../../../edge/partition/rpc.ts";
import type { StreamRpc } from "../../../edge/stream/rpc.ts";
import { createApp } from "../../../edge/routes/app.ts";
import type { QueryAnswer } from "../../../edge/routes/schemas/query.ts";
import { call, expectOk, expectProblem, TestStream } from "./client.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START = Date.UTC(2026, 0, 1);
const END = START + HOUR_MS;
const RANGE = { from: START, to: END };

/** minute of the hour, then attributes. */
const CLICKS: readonly (readonly [number, object])[] = [
  [0, { adId: "a", country: "US", device: "mobile", price: 0.1, userId: "u1" }],
  [0, { adId: "a", country: "US", device: "desktop", price: 0.2, userId: "u2" }],
  [1, { adId: "b", country: "DE", device: "mobile", price: 0.3, userId: "u1" }],
  [5, { adId: "a", country: "AT", device: "tablet", userId: "u1" }],
  [5, { adId: 7, country: "US", paid: true }],
  [59, { adId: "7", paid: false, price: -5 }],
  [59, { country: "US", price: "free" }],
];

let stream: TestStream;
beforeAll(async () => {
  stream = await TestStream.create({
    partitions: 3,
    views: [
      { name: "clicks_per_ad", groupBy: ["adId"], window: "1m", measures: { clicks: { count: true } } },
      {
        name: "wide",
        groupBy: ["adId", "country", "device", "paid"],
        window: "5m",
        measures: {
          n: { count: true },
          spent: { sum: "price" },
          mean: { avg: "price" },
          users: { distinct: "userId" },
        },
      },
      {
        name: "phones",
        where: { device: "mobile" },
        groupBy: ["adId"],
        window: "1m",
        measures: { n: { count: true } },
      },
    ],
  });
  // One producer an event, so that they spread over the partitions.
  for (const [i, [minute, attributes]] of CLICKS.entries()) {
    const events = [{ time: START + minute * MINUTE_MS, ...attributes }];
    await stream.appended({ producer: { id: `p-${i}`, sequence: 0 }, events }, { key: stream.keys.import });
  }
});

const count = async (where: object, more: object = {}) =>
  (await stream.answer({ ...RANGE, where, ...more })).rows[0]?.["clicks"];

describe("the answer", () => {
  it("says what it is made of", async () => {
    const answer = await stream.answer({ ...RANGE, groupBy: ["adId"], orderBy: "-clicks" });
    expect(answer).toEqual({
      source: expect.stringMatching(/^view:clicks_per_ad@\d+$/),
      rows: [
        { adId: "a", clicks: 3 },
        { adId: null, clicks: 1 },
        { adId: 7, clicks: 1 },
        { adId: "7", clicks: 1 },
        { adId: "b", clicks: 1 },
      ],
      truncated: false,
      ...RANGE,
      watermark: expect.any(Number),
      final: true,
      complete: true,
      missing: [],
      carried: [],
      asOf: [0, 1, 2].map((partition) => ({ partition, offset: expect.any(Number) })),
      stats: { recordsScanned: 0, elapsedMs: expect.any(Number) },
    });
    expect(answer.asOf.reduce((sum, { offset }) => sum + offset, 0)).toBe(CLICKS.length);
    expect(answer.watermark).toBeGreaterThan(END + MINUTE_MS);
  });

  it("is the same from the log, which says how much it read", async () => {
    const stored = await stream.answer({ ...RANGE, groupBy: ["adId"] });
    const scanned = await stream.answer({ ...RANGE, groupBy: ["adId"], view: null });
    expect(scanned.source).toBe("log");
    expect(scanned.rows).toEqual(stored.rows);
    expect(scanned.stats.recordsScanned).toBe(CLICKS.length);
  });

  it("is not final while the watermark has not passed", async () => {
    expect(await stream.answer({ last: "1h" })).toMatchObject({ final: false, complete: true });
  });

  it("has one row without groups, even of nothing", async () => {
    const measures = {
      n: { count: true },
      s: { sum: "price" },
      low: { min: "price" },
      high: { max: "price" },
      mean: { avg: "price" },
      users: { distinct: "userId" },
    };
    expect((await stream.answer({ from: 0, to: MINUTE_MS, measures })).rows).toEqual([
      { n: 0, s: 0, low: null, high: null, mean: null, users: 0 },
    ]);
    const sum = 0.1 + 0.2 + (0.3 - 5);
    expect((await stream.answer({ ...RANGE, measures })).rows).toEqual([
      { n: 7, s: expect.closeTo(sum, 12), low: -5, high: 0.3, mean: expect.closeTo(sum / 4, 12), users: 2 },
    ]);
  });

  it("has no row for groups that do not occur", async () => {
    expect((await stream.answer({ from: 0, to: MINUTE_MS, groupBy: ["adId"] })).rows).toEqual([]);
  });
});

describe("conditions", () => {
  it.each<[number, object]>([
    [7, {}],
    [4, { country: "US" }],
    [1, { country: null }],
    [1, { country: { exists: false } }],
    [6, { country: { exists: true } }],
    [2, { country: { ne: "US" } }],
    [3, { or: [{ country: { ne: "US" } }, { country: { exists: false } }] }],
    [3, { not: { country: "US" } }],
    [3, { device: { in: ["mobile", "tablet"] } }],
    [2, { device: { notIn: ["mobile"] } }],
    [1, { adId: 7 }],
    [1, { adId: "7" }],
    [2, { adId: { in: [7, "7"] } }],
    [1, { paid: true }],
    [2, { price: { gt: 0.1 } }],
    [3, { price: { gte: 0.1 } }],
    [1, { price: { lt: 0 } }],
    [1, { price: { gte: "a" } }],
    [2, { country: { gte: "AT", lt: "DF" }, or: [{ adId: "a" }, { adId: "b" }] }],
    [1, { country: "US", not: { or: [{ device: { exists: true } }, { price: "free" }] } }],
    [7, { type: "click" }],
    [0, { type: "view" }],
    [0, { nobody: "has this" }],
  ])("%d clicks where %j", async (clicks, where) => {
    expect(await count(where)).toBe(clicks);
    expect(await count(where, { view: null })).toBe(clicks);
  });
});

describe("groups, buckets and order", () => {
  const rows = async (query: object) => (await stream.answer({ ...RANGE, ...query })).rows;

  it("stand in the order of their keys: null, booleans, numbers, strings", async () => {
    expect((await rows({ groupBy: ["adId"] })).map(({ adId }) => adId)).toEqual([null, 7, "7", "a", "b"]);
    expect((await rows({ groupBy: ["paid"] })).map(({ paid }) => paid)).toEqual([null, false, true]);
  });

  it("are counted for each bucket, empty ones only without groups", async () => {
    const buckets = await rows({ every: "15m" });
    expect(buckets).toEqual([0, 15, 30, 45].map((m, i) => ({ time: START + m * MINUTE_MS, clicks: [5, 0, 0, 2][i] })));
    expect(await rows({ every: "30m", groupBy: ["country"], where: { country: "US" } })).toEqual([
      { time: START, country: "US", clicks: 3 },
      { time: START + 30 * MINUTE_MS, country: "US", clicks: 1 },
    ]);
  });

  it("that the range cuts hold what lies in the range", async () => {
    const cut = await rows({ from: START + MINUTE_MS, to: START + 6 * MINUTE_MS, every: "5m", view: null });
    expect(cut).toEqual([
      { time: START, clicks: 1 },
      { time: START + 5 * MINUTE_MS, clicks: 2 },
    ]);
  });

  it("are ordered as asked, ties by key, and cut at the limit", async () => {
    const top = await stream.answer({ ...RANGE, groupBy: ["country"], orderBy: "-clicks", limit: 2 });
    expect(top.rows).toEqual([
      { country: "US", clicks: 4 },
      { country: null, clicks: 1 },
    ]);
    expect(top.truncated).toBe(true);
    expect((await rows({ groupBy: ["country"], orderBy: "-country" })).map(({ country }) => country)).toEqual([
      "US",
      "DE",
      "AT",
      null,
    ]);
    expect((await rows({ every: "30m", orderBy: "-time" })).map(({ time }) => time)).toEqual([
      START + 30 * MINUTE_MS,
      START,
    ]);
  });
});

describe("the source", () => {
  const source = async (query: object) => (await stream.answer({ ...RANGE, ...query })).source.replace(/@\d+$/, "");

  it("is the cheapest view that can answer, else the log", async () => {
    expect(await source({})).toBe("view:clicks_per_ad");
    expect(await source({ where: { adId: "a" } })).toBe("view:clicks_per_ad");
    expect(await source({ groupBy: ["country"] })).toBe("view:wide");
    expect(await source({ groupBy: ["country"], every: "1m" })).toBe("log");
    expect(await source({ where: { device: "mobile" } })).toBe("view:phones");
    expect(await source({ groupBy: ["userId"] })).toBe("log");
    expect(await source({ measures: { m: { min: "price" } } })).toBe("log");
    expect(await source({ view: null })).toBe("log");
  });

  it("that is named keeps its own rules, and the query's are added", async () => {
    const answer = await stream.answer({ ...RANGE, view: "phones", where: { adId: "a" } });
    expect(answer.source).toMatch(/^view:phones@/);
    expect(answer.rows).toEqual([{ clicks: 1 }]);
  });

  it("that is named and cannot answer says why", async () => {
    await expectProblem(stream.query({ ...RANGE, view: "phones", groupBy: ["country"] }), 400, "view_cannot_answer");
    await expectProblem(stream.query({ ...RANGE, view: "nobody" }), 404, "unknown_view");
    const unaligned = stream.query({ from: START + MINUTE_MS, to: END, view: "wide" });
    expect(await expectProblem(unaligned, 400, "range_not_aligned")).toMatchObject({ windowMs: 5 * MINUTE_MS });
  });
});

describe("a bad query", () => {
  it.each([
    ["range_required", {}],
    ["range_required", { from: START }],
    ["too_many_buckets", { from: 0, to: 1_000_000 * MINUTE_MS, every: "1m" }],
    ["too_many_buckets", { last: "700d", every: "1m" }],
    ["invalid_query", { ...RANGE, wheer: {} }],
    ["invalid_query", { ...RANGE, where: { country: { is: "US" } } }],
    ["invalid_query", []],
  ])("%s: %j", async (code, query) => {
    await expectProblem(stream.query(query), 400, code);
  });

  it("is refused with the path of what is wrong, before anything is asked", async () => {
    const query = { ...RANGE, where: { or: [{ price: { gt: [] } }] } };
    expect(await expectProblem(stream.query(query), 400, "invalid_query")).toMatchObject({
      path: "where.or.0.price.gt",
    });
  });

  it("as broken JSON, or far too long, is refused as any body", async () => {
    await expectProblem(stream.query("{"), 400, "invalid_json");
    await expectProblem(stream.query(`{"where":"${"x".repeat(300_000)}"}`), 413, "too_large");
  });
});

describe("as CSV", () => {
  const csv = (query: object, on = stream) => on.query({ ...RANGE, ...query }, { headers: { Accept: "text/csv" } });

  it("has its labels as headers", async () => {
    const response = await csv({ groupBy: ["adId"], limit: 2 });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": expect.stringMatching(/^text\/csv/),
      "headwater-complete": "true",
      "headwater-final": "true",
      "headwater-truncated": "true",
    });
    expect(await response.text()).toBe("adId,clicks\r\n,1\r\n7,1\r\n");
  });

  it("has times and measures in the order in which they were asked for", async () => {
    const response = await csv({ every: "30m", measures: { z: { count: true }, a: { min: "price" } } });
    expect(await response.text()).toBe(`time,z,a\r\n${START},5,0.1\r\n${START + 30 * MINUTE_MS},2,-5\r\n`);
  });

  it("runs nothing in a spreadsheet, and breaks at no quote", async () => {
    const other = await TestStream.create();
    const ads = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", 'say "hi", twice', "two\r\nlines", "", "plain"];
    await other.imported(ads.map((adId) => ({ time: START, adId })));
    const text = await (await csv({ groupBy: ["adId"], orderBy: "adId" }, other)).text();
    const lines = text.split("\r\n").map((line) => line.replace(/,1$/, ""));
    expect(lines.slice(1, 8)).toEqual(['""', "'\tx", "'+1", "'-1", "'=1+1", "'@SUM(A1)", "plain"]);
    expect(text).toContain('"say ""hi"", twice",1\r\n');
    expect(text).toContain('"two\r\nlines",1\r\n');
  });

  it("comes as nothing else but JSON", async () => {
    await expectProblem(stream.query(RANGE, { headers: { Accept: "text/html" } }), 406, "not_acceptable");
    const both = await stream.query(RANGE, { headers: { Accept: "text/csv;q=0.1, application/json" } });
    expect(both.headers.get("Content-Type")).toMatch(/^application\/json/);
  });
});

describe("the two classic questions", () => {
  const range = `from=${START}&to=${END}`;
  const clicks = async (adId: string, query: string) =>
    (await expectOk<{ clicks: number }>(stream.get(`/ads/${adId}/count?${query}`))).clicks;

  it("how often was an ad clicked", async () => {
    expect(await expectOk(stream.get(`/ads/a/count?${range}`))).toEqual({
      adId: "a",
      clicks: 3,
      ...RANGE,
      final: true,
      complete: true,
    });
    expect(await clicks("a", `${range}&country=US`)).toBe(2);
    expect(await clicks("a", `${range}&country=US&device=mobile`)).toBe(1);
    expect(await clicks("a", `${range}&country=US&country=AT`)).toBe(3);
    expect(await clicks("a", "from=2026-01-01T00:00Z&to=2026-01-01T00:01Z")).toBe(2);
    expect(await clicks("nobody", range)).toBe(0);
  });

  it("by a text that may stand for a number or a boolean", async () => {
    expect(await clicks("7", range)).toBe(2);
    expect(await clicks("7", `${range}&paid=true`)).toBe(1);
    expect(await clicks("a", `${range}&price=0.1`)).toBe(1);
  });

  it("which ads were clicked most", async () => {
    const top = (query: string) => expectOk<{ ads: unknown }>(stream.get(`/ads/top?${query}`));
    expect(await top(`${range}&count=2`)).toEqual({
      ads: [
        { adId: "a", clicks: 3 },
        { adId: 7, clicks: 1 },
      ],
      ...RANGE,
      final: true,
      complete: true,
    });
    expect((await top(`${range}&country=US`)).ads).toEqual([
      { adId: "a", clicks: 2 },
      { adId: 7, clicks: 1 },
    ]);
    expect((await top("last=60m")).ads).toEqual([]);
  });

  it.each([
    ["range_required", "/ads/top"],
    ["range_required", "/ads/a/count"],
    ["invalid_query", "/ads/top?last=60m&count=0"],
    ["invalid_query", "/ads/top?last=60m&count=10001"],
    ["invalid_query", "/ads/top?last=60m&count=many"],
    ["invalid_query", "/ads/top?last=an-hour"],
    ["invalid_query", "/ads/top?last=60m&__proto__=1"],
    ["invalid_query", "/ads/a/count?last=60m&offset=1"],
  ])("answer %s to %s", async (code, path) => {
    await expectProblem(stream.get(path), 400, code);
  });
});

describe("a partition that does not answer", () => {
  // What went wrong is logged for whoever runs the worker; here it is meant to.
  beforeEach(() => {
    vi.spyOn(console, "error").mockImplementation(() => {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  /** The worker, with partitions whose `query` is the test's, where it says so. */
  const worker = (broken: (partition: number) => PartitionRpc["query"] | undefined) => {
    const getByName = (name: string) => {
      const partition = env.PARTITION.getByName(name) as unknown as PartitionRpc;
      return {
        configure: (config: PartitionConfig) => partition.configure(config),
        query: broken(Number(name.split("/")[1])) ?? ((question: PartitionQuery) => partition.query(question)),
      };
    };
    const withBroken = { ...env, PARTITION: { getByName } } as unknown as Env;
    return (request: Request) => createApp().fetch(request, withBroken);
  };
  const ask = (broken: Parameters<typeof worker>[0]) =>
    call(
      "POST",
      `${stream.path}/query`,
      { key: stream.keys.read, body: { ...RANGE, groupBy: ["adId"] } },
      worker(broken),
    );
  /** Chunks, one at a time, and then the end, or an error. */
  const streamOf = (chunks: readonly Uint8Array[], error?: Error): ReadableStream<Uint8Array> => {
    const left = [...chunks];
    const source: UnderlyingByteSource = {
      type: "bytes",
      pull(controller) {
        const chunk = left.shift();
        if (chunk !== undefined) return controller.enqueue(chunk);
        if (error !== undefined) return controller.error(error);
        controller.close();
        controller.byobRequest?.respond(0);
      },
    };
    return new ReadableStream(source);
  };
  const unreachable = async () => {
    throw Object.assign(new Error("moved"), { retryable: true });
  };

  it("is named, and the answer is not complete and not final", async () => {
    const answer = await expectOk<QueryAnswer>(ask((partition) => (partition === 1 ? unreachable : undefined)));
    expect(answer).toMatchObject({ complete: false, final: false, missing: [{ partition: 1, reason: "unavailable" }] });
    expect(answer.asOf.map(({ partition }) => partition)).toEqual([0, 2]);
  });

  it("at first, but then does, is not missed", async () => {
    let calls = 0;
    const once = (partition: number) => (partition === 1 && calls++ === 0 ? unreachable : undefined);
    expect(await expectOk(ask(once))).toMatchObject({ complete: true, missing: [] });
  });

  it("because it has too much to do is not asked again", async () => {
    let calls = 0;
    const busy = async () => {
      calls++;
      return fail({ reason: "overloaded" as const, retryAfterMs: 1_000 });
    };
    const answer = await expectOk<QueryAnswer>(ask((partition) => (partition === 2 ? busy : undefined)));
    expect(answer.missing).toEqual([{ partition: 2, reason: "overloaded" }]);
    expect(calls).toBe(1);
  });

  it("whole leaves nothing of it in the answer, even if its stream breaks off in the middle", async () => {
    const whole = await stream.answer({ ...RANGE, groupBy: ["adId"] });
    const directory = env.STREAM.getByName("directory") as unknown as StreamRpc;
    const partition = env.PARTITION.getByName(`${await directory.resolve(stream.name)}/0`) as unknown as PartitionRpc;
    const cutOff: PartitionRpc["query"] = async (question) => {
      const answer = await partition.query(question);
      if (!answer.ok) return answer;
      const bytes = new Uint8Array(await new Response(answer.value.partial).arrayBuffer());
      // All that there is, the beginning of one piece more, and then nothing.
      return ok({ ...answer.value, partial: streamOf([bytes, bytes.slice(0, 50)], new Error("connection lost")) });
    };
    let breaks = Infinity;
    const broken = (index: number) => (index === 0 && breaks-- > 0 ? cutOff : undefined);
    const without = await expectOk<QueryAnswer>(ask(broken));
    expect(without.missing).toEqual([{ partition: 0, reason: "unavailable" }]);
    const missed = whole.asOf.find(({ partition }) => partition === 0)?.offset ?? 0;
    const clicksOf = ({ rows }: QueryAnswer) => rows.reduce((sum, { clicks }) => sum + Number(clicks), 0);
    expect(clicksOf(without)).toBe(clicksOf(whole) - missed);
    breaks = 1;
    expect((await expectOk<QueryAnswer>(ask(broken))).rows).toEqual(whole.rows);
  });

  it("but in crumbs is heard out", async () => {
    const directory = env.STREAM.getByName("directory") as unknown as StreamRpc;
    const streamId = await directory.resolve(stream.name);
    const crumbled =
      (index: number): PartitionRpc["query"] =>
      async (question) => {
        const partition = env.PARTITION.getByName(`${streamId}/${index}`) as unknown as PartitionRpc;
        const answer = await partition.query(question);
        if (!answer.ok) return answer;
        const bytes = new Uint8Array(await new Response(answer.value.partial).arrayBuffer());
        const crumbs = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, i) => bytes.slice(7 * i, 7 * i + 7));
        return ok({ ...answer.value, partial: streamOf(crumbs) });
      };
    const whole = await stream.answer({ ...RANGE, groupBy: ["adId"] });
    expect((await expectOk<QueryAnswer>(ask(crumbled))).rows).toEqual(whole.rows);
  });

  it("is all of them: the answer is 503, not an empty one", async () => {
    await expectProblem(
      ask(() => unreachable),
      503,
      "overloaded",
    );
  });
});
