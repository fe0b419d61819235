/** Administration: the life of a stream, its keys, its views and its replays, as an administrator sees it. */
import { env, exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import { createApp } from "../../../edge/routes/app.ts";
import { admin, ADMIN_TOKEN, call, EDGE, expectOk, expectProblem, read, TestStream } from "./client.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const START = Date.UTC(2026, 0, 1);
const RANGE = { from: START, to: START + 60 * MINUTE_MS };

const DEFAULT_VIEW = {
  name: "clicks_per_ad",
  where: {},
  groupBy: ["adId"],
  window: MINUTE_MS,
  measures: { clicks: { count: true } },
  retention: 400 * DAY_MS,
};

describe("a stream", () => {
  it("is made with defaults, and shows its keys once", async () => {
    const name = `made-${Date.now()}`;
    const made = await read<{ keys: Record<string, string> }>(admin("PUT", `/streams/${name}`));
    expect(made).toEqual({
      status: 201,
      body: {
        name,
        config: {
          partitions: 1,
          jurisdiction: null,
          retentionMs: 7 * DAY_MS,
          retentionBytes: 8 * 2 ** 30,
          archive: false,
          archiveRetentionMs: null,
          allowedLatenessMs: MINUTE_MS,
          allowedOrigins: [],
          ip: "hash",
          identifiers: ["userId", "eventId"],
          views: [DEFAULT_VIEW],
        },
        keys: {
          write: expect.stringMatching(/^wk_/),
          read: expect.stringMatching(/^rk_/),
          import: expect.stringMatching(/^ik_/),
        },
      },
    });
    const shown = await (await admin("GET", `/streams/${name}`)).text();
    for (const key of Object.values(made.body.keys)) expect(shown).not.toContain(key);
    const again = await read<object>(admin("PUT", `/streams/${name}`, { body: { ip: "drop" } }));
    expect(again).toMatchObject({ status: 200, body: { name, config: { ip: "drop", partitions: 1 } } });
    expect(again.body).not.toHaveProperty("keys");
  });

  it("is made by an empty body that a proxy passes on as a stream", async () => {
    for (const headers of [{}, { "Content-Length": "0" }]) {
      const name = `empty-${Date.now()}-${Object.keys(headers).length}`;
      const body = new ReadableStream({ start: (controller) => controller.close() });
      const request = new Request(`${EDGE}/admin/streams/${name}`, {
        method: "PUT",
        headers: { Authorization: `Bearer ${ADMIN_TOKEN}`, ...headers },
        body,
      });
      expect((await exports.default.fetch(request)).status).toBe(201);
    }
    const untyped = { body: new TextEncoder().encode("{}"), headers: { "Content-Type": "" } };
    await expectProblem(admin("PUT", "/streams/untyped", untyped), 415, "unsupported_media_type");
  });

  it("is not made in a jurisdiction that the platform does not have, and its name stays free", async () => {
    const name = `placed-${Date.now()}`;
    const placed = admin("PUT", `/streams/${name}`, { body: { jurisdiction: "eu" } });
    expect(await expectProblem(placed, 400, "jurisdiction_unavailable")).toMatchObject({ jurisdiction: "eu" });
    await expectProblem(admin("GET", `/streams/${name}`), 404, "unknown_stream");
    expect((await admin("PUT", `/streams/${name}`)).status).toBe(201);
  });

  it("takes durations as people write them, and changes only what is said", async () => {
    const stream = await TestStream.create({
      retentionMs: "24h",
      allowedLatenessMs: "90s",
      allowedOrigins: ["https://a.example"],
    });
    const { config } = await expectOk<{ config: object }>(stream.admin("PUT", "", { body: { retentionMs: 5_000 } }));
    expect(config).toMatchObject({
      retentionMs: 5_000,
      allowedLatenessMs: 90_000,
      allowedOrigins: ["https://a.example"],
    });
  });

  it("is described with its views, its keys and each partition's log", async () => {
    const stream = await TestStream.create({ partitions: 2 });
    await stream.imported([{ time: START, adId: "a" }]);
    const description = await stream.describe();
    expect(description).toMatchObject({
      name: stream.name,
      config: { partitions: 2 },
      views: [{ ...DEFAULT_VIEW, state: "ready", generation: expect.any(Number), outdated: false }],
    });
    expect(description.keys.map(({ kind }) => kind).toSorted()).toEqual(["import", "read", "write"]);
    expect(description.keys[0]).toMatchObject({ id: expect.any(String), ageMs: expect.any(Number) });
    expect(description.keys[0]).not.toHaveProperty("digest");
    expect(description.partitions.map(({ partition }) => partition)).toEqual([0, 1]);
    for (const partition of description.partitions) {
      expect(partition).toMatchObject({ logStart: 0, duplicates: 0, late: 0, rejected: 0, lost: 0 });
      for (const field of ["logEnd", "records", "bytes", "segments", "watermark", "checkpointOffset"]) {
        expect(partition[field], field).toEqual(expect.any(Number));
      }
    }
    expect(await stream.recordCount()).toBe(1);
  });

  it("is listed until it is deleted, and then is gone for good", async () => {
    const stream = await TestStream.create();
    await stream.appended({ events: [{}] });
    const listed = async () => {
      const { streams } = await expectOk<{ streams: { name: string }[] }>(admin("GET", "/streams"));
      return streams.some(({ name }) => name === stream.name);
    };
    expect(await listed()).toBe(true);
    await expectProblem(stream.admin("DELETE"), 400, "confirm_required");
    await expectProblem(stream.admin("DELETE", "?confirm=other"), 400, "confirm_required");
    await expectProblem(stream.admin("DELETE", `?confirm=${stream.name}&force=1`), 400, "invalid_request");
    expect((await stream.admin("DELETE", `?confirm=${stream.name}`)).status).toBe(204);
    expect(await listed()).toBe(false);
    await expectProblem(stream.admin("GET"), 404, "unknown_stream");
    await expectProblem(stream.admin("DELETE", `?confirm=${stream.name}`), 404, "unknown_stream");
    await expectProblem(stream.append({ events: [{}] }), 404, "unknown_stream");
    await expectProblem(stream.query({ last: "1h" }), 404, "unknown_stream");
    // One made again under its name is another one: no data, and the old keys open nothing.
    expect((await stream.admin("PUT")).status).toBe(201);
    expect(await stream.recordCount()).toBe(0);
    await expectProblem(stream.append({ events: [{}] }), 401, "unauthorized");
  });

  it.each(["A", "-a", "a b", "a".repeat(64), "%C3%A4", "_"])("cannot be called %s", async (name) => {
    await expectProblem(admin("PUT", `/streams/${name}`), 400, "invalid_name");
  });

  it.each([
    ["retentionMS", { retentionMS: 5 }],
    ["partitions", { partitions: 0 }],
    ["partitions", { partitions: 1.5 }],
    ["partitions", { partitions: 257 }],
    ["partitions", { partitions: "2" }],
    ["jurisdiction", { jurisdiction: "mars" }],
    ["retentionMs", { retentionMs: "a week" }],
    ["retentionMs", { retentionMs: -1 }],
    ["retentionBytes", { retentionBytes: 1e12 }],
    ["allowedOrigins.0", { allowedOrigins: ["example.com"] }],
    ["allowedOrigins.0", { allowedOrigins: ["https://example.com/"] }],
    ["allowedOrigins", { allowedOrigins: "*" }],
    ["ip", { ip: "keep" }],
    ["identifiers.0", { identifiers: ["user-id"] }],
    ["views", { views: [DEFAULT_VIEW, DEFAULT_VIEW] }],
    ["views.0.window", { views: [{ ...DEFAULT_VIEW, window: "90s" }] }],
    ["views.0.spam.within", { views: [{ ...DEFAULT_VIEW, spam: { by: ["userId"], within: "25h" } }] }],
    ["", []],
    ["", "null"],
  ])("cannot have a configuration that is wrong at %s", async (path, body) => {
    const name = `never-${Math.random().toString(36).slice(2)}`;
    const problem = await expectProblem(admin("PUT", `/streams/${name}`, { body }), 400, "invalid_config");
    expect(problem["path"]).toBe(path);
    await expectProblem(admin("GET", `/streams/${name}`), 404, "unknown_stream");
  });

  it("keeps what is set at creation", async () => {
    const stream = await TestStream.create({ partitions: 2 });
    await expectProblem(stream.admin("PUT", "", { body: { partitions: 3, ip: "drop" } }), 409, "fixed_at_creation");
    await expectProblem(stream.admin("PUT", "", { body: { jurisdiction: "eu" } }), 409, "fixed_at_creation");
    expect(await stream.describe()).toMatchObject({ config: { ip: "hash" } });
    await expectOk(stream.admin("PUT", "", { body: { partitions: 2 } }));
  });
});

describe("a key", () => {
  it("that is made beside the old one counts, and the old one too, for its grace", async () => {
    const stream = await TestStream.create();
    const made = await read<{ key: string }>(stream.admin("POST", "/keys", { body: { kind: "write" } }));
    expect(made).toMatchObject({
      status: 201,
      body: { id: expect.any(String), kind: "write", key: expect.stringMatching(/^wk_/) },
    });
    await stream.appended({ events: [{}] }, { key: made.body.key });
    await stream.appended({ events: [{}] });
  });

  it("that is revoked opens nothing any more", async () => {
    const stream = await TestStream.create();
    const { key } = await expectOk<{ key: string }>(
      stream.admin("POST", "/keys", { body: { kind: "read", revoke: "now" } }),
    );
    await expectOk(stream.query({ last: "1h" }, { key }));
    await expectProblem(stream.query({ last: "1h" }), 401, "unauthorized");
  });

  it.each([
    ["kind", {}],
    ["kind", { kind: "admin" }],
    ["graceMs", { kind: "read", graceMs: "soon" }],
    ["revoke", { kind: "read", revoke: "later" }],
    ["", { kind: "read", revoke: "now", graceMs: 5 }],
    ["grace", { kind: "read", grace: 5 }],
  ])("cannot be asked for wrongly at %s", async (path, body) => {
    const stream = await TestStream.create();
    expect(await expectProblem(stream.admin("POST", "/keys", { body }), 400, "invalid_request")).toMatchObject({
      path,
    });
  });
});

describe("the log", () => {
  it("is read page by page in the order of offsets", async () => {
    const stream = await TestStream.create();
    await stream.imported(Array.from({ length: 5 }, (_, n) => ({ time: START, n })));
    const page = (query: string) =>
      expectOk<{ records: { n: number }[] }>(stream.admin("GET", `/partitions/0/records${query}`));
    expect(await page("?offset=1&limit=2")).toEqual({
      records: [1, 2].map((n) => ({ offset: n, appendTime: expect.any(Number), time: START, type: "click", n })),
      next: 3,
      logStart: 0,
      logEnd: 5,
      archiveStart: null,
    });
    expect((await page("")).records.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
    expect(await page("?offset=5")).toMatchObject({ records: [], next: 5 });
  });

  it.each(["?offset=-1", "?offset=x", "?limit=0", "?limit=10001", "?start=5"])("is not read with %s", async (query) => {
    const stream = await TestStream.create();
    await expectProblem(stream.admin("GET", `/partitions/0/records${query}`), 400, "invalid_request");
  });

  it.each(["1", "-1", "x", "00", "1e9"])("has no partition %s", async (partition) => {
    const stream = await TestStream.create();
    const problem = await expectProblem(
      stream.admin("GET", `/partitions/${partition}/records`),
      404,
      "unknown_partition",
    );
    expect(problem["partitions"]).toBe(1);
    await expectProblem(
      stream.admin("POST", `/partitions/${partition}/trim`, { body: { before: 1 } }),
      404,
      "unknown_partition",
    );
  });

  it("is trimmed below an offset: what is gone is told, and stays in the view's answer", async () => {
    const stream = await TestStream.create();
    for (let batch = 0; batch < 3; batch++) {
      await stream.imported(
        Array.from({ length: 10_000 }, (_, i) => ({ time: START + batch * 10 * MINUTE_MS, adId: `ad-${i % 9}` })),
      );
    }
    const { logStart } = await expectOk<{ logStart: number }>(
      stream.admin("POST", "/partitions/0/trim", { body: { before: 12_000 } }),
    );
    expect(logStart).toBe(12_000);
    const gone = await expectProblem(stream.admin("GET", "/partitions/0/records?offset=0"), 410, "offset_trimmed");
    expect(gone["logStart"]).toBe(logStart);
    expect((await stream.records())[0]?.offset).toBe(logStart);
    expect(await stream.answer(RANGE)).toMatchObject({ rows: [{ clicks: 30_000 }], complete: true });
    const fromLog = await stream.answer({ ...RANGE, view: null });
    expect(fromLog.complete).toBe(false);
    const minute = (batch: number) => START + batch * 10 * MINUTE_MS;
    expect(fromLog.missing).toEqual(
      [0, 1].map((batch) => ({ from: minute(batch), to: minute(batch) + MINUTE_MS, reason: "trimmed" })),
    );
    expect(fromLog.rows).toEqual([{ clicks: 30_000 - logStart }]);
  });

  it("cannot be trimmed before nothing", async () => {
    const stream = await TestStream.create();
    for (const body of [{}, { before: -1 }, { before: "5" }, { before: 1, after: 2 }]) {
      await expectProblem(stream.admin("POST", "/partitions/0/trim", { body }), 400, "invalid_request");
    }
  });
});

interface Job {
  readonly id: string;
  readonly state: string;
  readonly [field: string]: unknown;
}

/** Asks until the replay has come to rest. */
const settled = (stream: TestStream, id: string): Promise<Job> =>
  vi.waitFor(
    async () => {
      const job = await expectOk<Job>(stream.admin("GET", `/replays/${id}`));
      expect(job.state).not.toBe("running");
      return job;
    },
    { timeout: 30_000, interval: 50 },
  );

describe("a view", () => {
  const COUNTRIES = { groupBy: ["country"], measures: { n: { count: true } } };
  const withClicks = async () => {
    const stream = await TestStream.create({ partitions: 2 });
    const countries = ["AT", "DE", "DE", "US"];
    for (const [sequence, country] of countries.entries()) {
      const producer = { id: `p-${sequence}`, sequence: 0 };
      await stream.appended({ producer, events: [{ time: START, country, adId: "a" }] }, { key: stream.keys.import });
    }
    return stream;
  };
  const ready = (stream: TestStream, view: string) =>
    vi.waitFor(
      async () => {
        const answer = await read<{ source: string }>(stream.query({ ...RANGE, view }));
        expect(answer.status).toBe(200);
        return answer.body;
      },
      { timeout: 30_000, interval: 50 },
    );

  it("is built from the log when it is made, and answers by itself", async () => {
    const stream = await withClicks();
    const made = await read<object>(stream.admin("PUT", "/views/countries", { body: COUNTRIES }));
    expect(made).toMatchObject({
      status: 201,
      body: { name: "countries", where: {}, window: MINUTE_MS, retention: 400 * DAY_MS, ...COUNTRIES },
    });
    expect(await ready(stream, "countries")).toMatchObject({ source: expect.stringMatching(/^view:countries@/) });
    const answer = await stream.answer({ ...RANGE, groupBy: ["country"], measures: { n: { count: true } } });
    expect(answer.source).toMatch(/^view:countries@/);
    expect(answer.rows).toEqual([
      { country: "AT", n: 1 },
      { country: "DE", n: 2 },
      { country: "US", n: 1 },
    ]);
    const { views } = await expectOk<{ views: object[] }>(stream.admin("GET", "/views"));
    expect(views).toMatchObject([DEFAULT_VIEW, { name: "countries", state: "ready" }]);
  });

  it("can be sent back as it was shown", async () => {
    const stream = await withClicks();
    const { views } = await expectOk<{ views: { window: number }[] }>(stream.admin("GET", "/views"));
    const { name, where, groupBy, window, measures, retention } = views[0] as unknown as typeof DEFAULT_VIEW;
    const body = { name, where, groupBy, window, measures, retention };
    expect(await read(stream.admin("PUT", "/views/clicks_per_ad", { body }))).toMatchObject({
      status: 200,
      body: { replay: null },
    });
  });

  it("leaves click spam out, counts it, and lets the rule be sharpened by replay", async () => {
    const stream = await TestStream.create({ partitions: 1 });
    const events = [0, 5_000, 9_000, 30_000].map((ms) => ({ time: START + ms, adId: "a", userId: "u", price: 1 }));
    await stream.appended({ events: [...events, { time: START, adId: "a" }] }, { key: stream.keys.import });
    const measures = { clicks: { count: true }, spam: { count: "invalid" }, bill: { sum: "price" } };
    const billed = { groupBy: ["adId"], window: "1m", measures, spam: { by: ["userId", "adId"], within: "5s" } };
    const made = await read<object>(stream.admin("PUT", "/views/billed", { body: billed }));
    expect(made.body).toMatchObject({ spam: { by: ["userId", "adId"], within: 5_000 } });
    await ready(stream, "billed");
    const asked = async () => (await stream.answer({ ...RANGE, view: "billed", measures })).rows;
    // Five seconds after is not within five seconds; four are, though the click before was spam itself or not.
    expect(await asked()).toEqual([{ clicks: 4, spam: 1, bill: 3 }]);
    expect((await stream.answer(RANGE)).rows).toEqual([{ clicks: 5 }]);
    expect((await stream.answer({ ...RANGE, measures: { bill: { sum: "price" } } })).source).toBe("log");

    const sharper = { ...billed, name: "billed", spam: { ...billed.spam, within: "1m" } };
    const { id } = await expectOk<Job>(stream.admin("POST", "/replays", { body: { view: sharper } }));
    expect(await settled(stream, id)).toMatchObject({
      state: "caught-up",
      diff: {
        totals: { clicks: { before: 4, after: 2 }, spam: { before: 1, after: 3 }, bill: { before: 3, after: 1 } },
      },
    });
    await expectOk(stream.admin("POST", `/replays/${id}/promote`));
    expect(await asked()).toEqual([{ clicks: 2, spam: 3, bill: 1 }]);
    const verify = { view: "billed", mode: "verify" };
    const verification = await expectOk<Job>(stream.admin("POST", "/replays", { body: verify }));
    expect(await settled(stream, verification.id)).toMatchObject({ state: "verified" });
    await expectOk(stream.admin("POST", "/views/billed/rollback"));
    expect(await asked()).toEqual([{ clicks: 4, spam: 1, bill: 3 }]);
  });

  it("counts sessions, and lets their gap be changed by replay", async () => {
    const stream = await TestStream.create({ partitions: 1 });
    const clicks = [0, 20, 45, 200, 90].map((minute) => ({ time: START + minute * MINUTE_MS, userId: "u", adId: "a" }));
    await stream.appended({ events: [...clicks, { time: START, adId: "a" }] }, { key: stream.keys.import });
    const body = { groupBy: [], window: "1h", session: { by: ["userId"], gap: "30m" } };
    const made = await read<object>(stream.admin("PUT", "/views/visits", { body }));
    expect(made.body).toMatchObject({
      session: { by: ["userId"], gap: 30 * MINUTE_MS },
      measures: { sessions: { session: "count" } },
    });
    await ready(stream, "visits");
    const measures = { n: { session: "count" }, ms: { session: "duration" }, clicks: { session: "clicks" } };
    const asked = async (every?: string) =>
      (await stream.answer({ from: START, to: START + 4 * HOUR_MS, view: "visits", measures, ...(every && { every }) }))
        .rows;
    expect(await asked()).toEqual([{ n: 3, ms: 15 * MINUTE_MS, clicks: 5 / 3 }]);
    expect(await asked("1h")).toEqual([
      { time: START, n: 1, ms: 45 * MINUTE_MS, clicks: 3 },
      { time: START + HOUR_MS, n: 1, ms: 0, clicks: 1 },
      { time: START + 2 * HOUR_MS, n: 0, ms: null, clicks: null },
      { time: START + 3 * HOUR_MS, n: 1, ms: 0, clicks: 1 },
    ]);
    // The click that comes last joins two of them.
    await stream.appended({ events: [{ time: START + 70 * MINUTE_MS, userId: "u" }] }, { key: stream.keys.import });
    expect(await asked()).toEqual([{ n: 2, ms: 45 * MINUTE_MS, clicks: 3 }]);

    const longer = { name: "visits", ...body, session: { by: ["userId"], gap: "2h" } };
    const { id } = await expectOk<Job>(stream.admin("POST", "/replays", { body: { view: longer } }));
    expect(await settled(stream, id)).toMatchObject({
      state: "caught-up",
      diff: { totals: { sessions: { before: 2, after: 1 }, clicks: { before: 3, after: 6 } } },
    });
    await expectProblem(stream.query({ ...RANGE, measures }), 400, "invalid_query");
  });

  it("says what is invalid only by its name, and only if it counts it", async () => {
    const stream = await withClicks();
    const invalid = { measures: { n: { count: "invalid" } } };
    for (const view of [undefined, null]) {
      const problem = await expectProblem(stream.query({ ...RANGE, ...invalid, view }), 400, "invalid_query");
      expect(problem["path"]).toBe("measures");
    }
    await expectProblem(stream.query({ ...RANGE, ...invalid, view: "clicks_per_ad" }), 400, "view_cannot_answer");
    expect((await stream.answer({ ...RANGE, measures: { n: { count: "valid" } } })).rows).toEqual([{ n: 4 }]);
  });

  it("changes by replay: seen coming, promoted, rolled back", async () => {
    const stream = await withClicks();
    const body = { view: { ...DEFAULT_VIEW, where: { country: { ne: "DE" } } } };
    const started = await stream.admin("POST", "/replays", { body });
    expect(started.status).toBe(202);
    const { id } = await started.json<{ id: string }>();
    expect(started.headers.get("Location")).toBe(`/admin/streams/${stream.name}/replays/${id}`);
    const caughtUp = await settled(stream, id);
    expect(caughtUp).toMatchObject({
      id,
      view: "clicks_per_ad",
      state: "caught-up",
      progress: 1,
      recordsDone: 4,
      partitions: [{ partition: 0 }, { partition: 1 }],
      diff: { totals: { clicks: { before: 4, after: 2 } } },
    });
    const clicks = async () => (await stream.answer({ ...RANGE, view: "clicks_per_ad" })).rows[0]?.["clicks"];
    expect(await clicks()).toBe(4);
    expect(await expectOk(stream.admin("POST", `/replays/${id}/promote`))).toMatchObject({ id, state: "promoted" });
    expect(await clicks()).toBe(2);
    expect(await expectOk(stream.admin("POST", "/views/clicks_per_ad/rollback"))).toMatchObject({
      name: "clicks_per_ad",
    });
    expect(await clicks()).toBe(4);
    const { replays } = await expectOk<{ replays: Job[] }>(stream.admin("GET", "/replays"));
    expect(replays.map((job) => job.id)).toContain(id);
    await expectProblem(stream.admin("POST", `/replays/${id}/cancel`), 409, "replay_state");
  });

  it("never mixes generations in an answer, however they change places while it is asked", async () => {
    const stream = await TestStream.create({ partitions: 4 });
    for (let i = 0; i < 16; i++) {
      const events = Array.from({ length: 5 }, (_, n) => ({ time: START + n * MINUTE_MS, adId: n === 0 ? "a" : "b" }));
      await stream.appended({ producer: { id: `p-${i}`, sequence: 0 }, events }, { key: stream.keys.import });
    }
    const body = { view: { ...DEFAULT_VIEW, where: { adId: "a" } } };
    const { id } = await expectOk<Job>(stream.admin("POST", "/replays", { body }));
    await settled(stream, id);
    const expected: Record<string, number> = { "view:clicks_per_ad@1": 80, "view:clicks_per_ad@2": 16 };
    const seen = new Set<string>();
    let isOver = false;
    const ask = async () => {
      while (!isOver) {
        const { source, rows } = await stream.answer({ ...RANGE, view: "clicks_per_ad" });
        expect(rows).toEqual([{ clicks: expected[source] }]);
        seen.add(source);
      }
    };
    const asking = Promise.all([ask(), ask(), ask()]).finally(() => (isOver = true));
    for (let turn = 0; turn < 20 && !isOver; turn++) {
      await expectOk(stream.admin("POST", turn === 0 ? `/replays/${id}/promote` : "/views/clicks_per_ad/rollback"));
      // What has answered is what every later question sees.
      const generation = turn % 2 === 0 ? 2 : 1;
      const { source } = await stream.answer({ ...RANGE, view: "clicks_per_ad" });
      expect(source).toBe(`view:clicks_per_ad@${generation}`);
    }
    isOver = true;
    await asking;
    expect([...seen].sort()).toEqual(Object.keys(expected));
  });

  it("keeps a ledger of what it has published, and why", async () => {
    const stream = await withClicks();
    const view = { ...DEFAULT_VIEW, where: { country: { ne: "DE" } } };
    const request = { view, promote: "auto", promoteIf: { totalChangeMax: 0.4 }, by: "sam", reason: "no Germans" };
    const { id } = await expectOk<Job>(stream.admin("POST", "/replays", { body: request }));
    expect(await settled(stream, id)).toMatchObject({
      state: "caught-up",
      held: expect.stringContaining("from 4 to 2"),
      by: "sam",
      reason: "no Germans",
      promoteIf: { totalChangeMax: 0.4 },
    });
    await expectOk(stream.admin("POST", `/replays/${id}/promote`, { body: { by: "kim", reason: "agreed" } }));
    await expectOk(stream.admin("POST", "/views/clicks_per_ad/rollback", { body: { reason: "disputed" } }));
    const page = await expectOk<{ entries: object[]; next: null; dropped: number }>(
      stream.admin("GET", "/views/clicks_per_ad/ledger?limit=2"),
    );
    expect(page).toMatchObject({ next: 2, dropped: 0 });
    expect(page.entries).toMatchObject([
      {
        entry: 3,
        action: "rollback",
        by: "admin",
        reason: "disputed",
        diff: { totals: { clicks: { before: 2, after: 4 } } },
        specAfter: { where: {}, window: MINUTE_MS },
      },
      { entry: 2, action: "promote", by: "kim", reason: "agreed", replay: id, specAfter: { where: view.where } },
    ]);
    expect(await expectOk(stream.admin("GET", "/views/clicks_per_ad/ledger?before=2"))).toMatchObject({
      entries: [{ entry: 1, fromGeneration: null, diff: null }],
      next: null,
    });
    await expectProblem(stream.admin("GET", "/views/nothing/ledger"), 404, "unknown_view");
    await expectProblem(stream.admin("GET", "/views/clicks_per_ad/ledger?limit=0"), 400, "invalid_request");
    await expectProblem(
      stream.admin("POST", "/views/clicks_per_ad/rollback", { body: { why: "?" } }),
      400,
      "invalid_request",
    );
    const put = await read<object>(
      stream.admin("PUT", "/views/clicks_per_ad", { body: { ...DEFAULT_VIEW, by: "kim", reason: "as it was" } }),
    );
    expect(put).toMatchObject({ status: 200, body: { replay: null } });
  });

  it("is verified against its own log", async () => {
    const stream = await withClicks();
    const { id } = await expectOk<Job>(
      stream.admin("POST", "/replays", { body: { view: "clicks_per_ad", mode: "verify" } }),
    );
    expect(await settled(stream, id)).toMatchObject({ state: "verified", verification: { differing: 0 } });
  });

  it("is verified by itself as often as it is told, and what that found is shown wherever one looks", async () => {
    const stream = await withClicks();
    const put = (body: object, view = "clicks_per_ad") => stream.admin("PUT", `/views/${view}/verification`, { body });
    expect(await expectOk(put({ every: "1d" }))).toMatchObject({ verifyEvery: DAY_MS, verifyNext: expect.any(Number) });
    await expectProblem(put({ every: "1m" }), 400, "invalid_request");
    await expectProblem(put({}), 400, "invalid_request");
    await expectProblem(put({ every: "1d" }, "nothing"), 404, "unknown_view");
    expect(await expectOk(put({ every: null }))).toMatchObject({ verifyEvery: null, verifyNext: null });

    const troubles = async () => {
      const health = await expectOk<{ troubles: { stream: string }[] }>(admin("GET", "/health"));
      return health.troubles.filter((trouble) => trouble.stream === stream.name);
    };
    const verify = async () => {
      const body = { view: "clicks_per_ad", mode: "verify" };
      const { id } = await expectOk<Job>(stream.admin("POST", "/replays", { body }));
      await settled(stream, id);
      const { views } = await expectOk<{ views: { verification: object }[] }>(stream.admin("GET", "/views"));
      return views[0]?.verification;
    };
    const verified = async () =>
      (await (await admin("GET", "/metrics")).text())
        .split("\n")
        .find((line) => line.startsWith(`headwater_view_verified{stream="${stream.name}"`));
    expect(await verified()).toBeUndefined();
    expect(await verify()).toMatchObject({ state: "verified", differing: 0, differences: [] });
    expect(await verified()).toMatch(/ 1$/);
    expect(await troubles()).toEqual([]);
  });

  it("is deleted", async () => {
    const stream = await withClicks();
    expect((await stream.admin("DELETE", "/views/clicks_per_ad")).status).toBe(204);
    await expectProblem(stream.admin("DELETE", "/views/clicks_per_ad"), 404, "unknown_view");
    await expectProblem(stream.query({ ...RANGE, view: "clicks_per_ad" }), 404, "unknown_view");
    expect(await stream.answer(RANGE)).toMatchObject({ source: "log", rows: [{ clicks: 4 }] });
  });

  it.each([
    ["groupby", { groupby: ["adId"] }],
    ["window", { window: "30s" }],
    ["window", { window: "48h" }],
    ["where.country.eqq", { where: { country: { eqq: 1 } } }],
    ["measures.n.sum", { measures: { n: { sum: "offset" } } }],
    ["spam.by", { spam: { within: "10s" } }],
    ["spam.by", { spam: { by: [], within: "10s" } }],
    ["spam.by.0", { spam: { by: ["offset"], within: "10s" } }],
    ["spam.within", { spam: { by: ["userId"], within: 0 } }],
    ["spam.since", { spam: { by: ["userId"], within: "10s", since: 1 } }],
    ["measures.n.count", { measures: { n: { count: "some" } } }],
    ["", { measures: { n: { count: "invalid" } } }],
    ["", { measures: { n: { session: "count" } } }],
    ["", { measures: { n: { count: true } }, session: { by: ["userId"], gap: "30m" } }],
    ["", { groupBy: ["adId"], session: { by: ["userId"], gap: "30m" } }],
    ["", { spam: { by: ["userId"], within: "10s" }, session: { by: ["userId"], gap: "30m" } }],
    ["session.gap", { session: { by: ["userId"], gap: "2d" } }],
    ["name", { name: "other" }],
    ["", { groupBy: ["n"], measures: { n: { count: true } } }],
    ["", []],
  ])("cannot be made that is wrong at %s", async (path, body) => {
    const stream = await TestStream.create();
    const problem = await expectProblem(stream.admin("PUT", "/views/mine", { body }), 400, "invalid_view");
    expect(problem["path"]).toBe(path);
    expect((await stream.describe()).views).toHaveLength(1);
  });

  it.each([
    ["view", {}],
    ["view.name", { view: { groupBy: ["adId"] } }],
    ["from", { view: "clicks_per_ad", from: "long ago" }],
    ["mode", { view: "clicks_per_ad", mode: "test" }],
    ["maxDuty", { view: "clicks_per_ad", maxDuty: 0 }],
    ["maxDuty", { view: "clicks_per_ad", maxDuty: 1.5 }],
    ["promoted", { view: "clicks_per_ad", promoted: "auto" }],
    ["promoteIf.rowsChangedMax", { view: "clicks_per_ad", promote: "auto", promoteIf: { rowsChangedMax: 2 } }],
    ["promoteIf", { view: "clicks_per_ad", promote: "auto", promoteIf: {} }],
    ["", { view: "clicks_per_ad", promoteIf: { totalChangeMax: 0.1 } }],
    ["reason", { view: "clicks_per_ad", reason: " " }],
    ["by", { view: "clicks_per_ad", by: "x".repeat(201) }],
    ["", { view: DEFAULT_VIEW, mode: "verify" }],
  ])("is not replayed by a request that is wrong at %s", async (path, body) => {
    const stream = await TestStream.create();
    const problem = await expectProblem(stream.admin("POST", "/replays", { body }), 400, "invalid_replay");
    expect(problem["path"]).toBe(path);
  });

  it("that nobody made is unknown", async () => {
    const stream = await TestStream.create();
    await expectProblem(stream.admin("POST", "/replays", { body: { view: "nobody" } }), 404, "unknown_view");
    await expectProblem(stream.admin("POST", "/views/nobody/rollback"), 404, "unknown_view");
    await expectProblem(stream.admin("POST", "/views/clicks_per_ad/rollback"), 409, "nothing_to_roll_back");
    await expectProblem(stream.admin("GET", "/replays/nobody"), 404, "unknown_replay");
    await expectProblem(stream.admin("POST", "/replays/nobody/promote"), 404, "unknown_replay");
  });
});

describe("metrics", () => {
  it("are Prometheus text, by stream and partition", async () => {
    const stream = await TestStream.create({ partitions: 2 });
    await stream.imported([{ time: START }, { time: START }]);
    const response = await admin("GET", "/metrics");
    expect(response.headers.get("Content-Type")).toMatch(/^text\/plain/);
    const text = await response.text();
    const labels = (partition: number) => `{stream="${stream.name}",partition="${partition}"}`;
    for (const partition of [0, 1]) expect(text).toContain(`headwater_partition_up${labels(partition)} 1\n`);
    const samples = [...text.matchAll(/^headwater_records\{stream="([^"]+)",partition="\d"\} (\d+)$/gm)];
    const records = samples.filter(([, name]) => name === stream.name).map(([, , value]) => Number(value));
    expect(records.reduce((sum, value) => sum + value, 0)).toBe(2);
    for (const line of text.trimEnd().split("\n")) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) headwater_\w+ .+|headwater_\w+\{stream="[a-z0-9_-]+",(partition="\d+"(,reason="[a-z_]+")?|view="[a-z0-9_-]+")\} -?[\d.e+-]+)$/,
      );
    }
  });

  it("and the stream's description say what producers have dropped, by reason", async () => {
    const stream = await TestStream.create();
    const producer = { id: "p", sequence: 7, lost: 7, dropped: { log_full: 7 } };
    await stream.appended({ producer, events: [{}] });
    expect((await stream.describe()).partitions[0]).toMatchObject({ dropped: { log_full: 7 } });
    const text = await (await admin("GET", "/metrics")).text();
    expect(text).toContain(`headwater_dropped_total{stream="${stream.name}",partition="0",reason="log_full"} 7\n`);
    for (const dropped of [{ Not_A_Reason: 1 }, { log_full: -1 }, { log_full: 0.5 }, { log_full: 2e9 }, [1]]) {
      await expectProblem(
        stream.append({ producer: { id: "p", sequence: 8, dropped }, events: [{}] }),
        400,
        "invalid_batch",
      );
    }
  });
});

describe("another isolate, which remembers a stream as it was,", () => {
  /** A worker with a memory of its own, over the same objects. */
  const isolate = () => {
    const app = createApp();
    return (request: Request) => app.fetch(request, env as unknown as Env);
  };
  const appendThrough = (handler: ReturnType<typeof isolate>, stream: TestStream) =>
    call("POST", `${stream.path}/events`, { key: stream.keys.write, body: { events: [{}] } }, handler);

  it("appends as the stream is configured now", async () => {
    const stream = await TestStream.create({ ip: "store" });
    const other = isolate();
    await expectOk(appendThrough(other, stream));
    await expectOk(stream.admin("PUT", "", { body: { allowedLatenessMs: "5m" } }));
    expect(await expectOk(appendThrough(other, stream))).toMatchObject({ offset: 1, accepted: 1 });
  });

  it("appends nothing under a key that was revoked", async () => {
    const stream = await TestStream.create();
    const other = isolate();
    await expectOk(appendThrough(other, stream));
    await expectOk(stream.admin("POST", "/keys", { body: { kind: "write", revoke: "now" } }));
    await expectProblem(appendThrough(other, stream), 401, "unauthorized");
    expect(await stream.recordCount()).toBe(1);
  });

  it("appends nothing to one that was deleted, nor to another one of its name", async () => {
    const stream = await TestStream.create();
    const [one, two] = [isolate(), isolate()];
    for (const handler of [one, two]) await expectOk(appendThrough(handler, stream));
    await stream.admin("DELETE", `?confirm=${stream.name}`);
    await expectProblem(appendThrough(one, stream), 404, "unknown_stream");
    await expectOk(stream.admin("PUT"));
    await expectProblem(appendThrough(two, stream), 401, "unauthorized");
    expect(await stream.recordCount()).toBe(0);
  });
});
