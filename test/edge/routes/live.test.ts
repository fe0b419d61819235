/** The live feed through the worker: who may listen, what is sent and when, and why a socket is closed. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import { admin, call, expectOk, expectProblem, TestStream } from "./client.ts";

const CLICKS = { last: "1h", measures: { clicks: { count: true } } };

interface Message {
  readonly id?: number;
  readonly rows?: readonly Record<string, unknown>[];
  readonly asOf?: readonly { partition: number; offset: number }[];
  readonly problem?: { readonly code: string; readonly status: number };
  readonly [member: string]: unknown;
}

class Listener {
  readonly socket: WebSocket;
  readonly messages: Message[] = [];
  closed: { code: number; reason: string } | null = null;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.addEventListener("message", ({ data }) => {
      this.messages.push(JSON.parse(String(data)) as Message);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.closed = { code, reason };
    });
    socket.accept();
  }

  static async open(stream: TestStream): Promise<Listener> {
    const opened = await call("GET", `${stream.path}/live`, { headers: { Upgrade: "websocket" } });
    expect(opened.status).toBe(101);
    expect(opened.headers.get("X-Content-Type-Options")).toBe("nosniff");
    const listener = new Listener(opened.webSocket as WebSocket);
    onTestFinished(() => listener.socket.close());
    return listener;
  }

  static async of(stream: TestStream, query: object = CLICKS): Promise<Listener> {
    const listener = await Listener.open(stream);
    listener.say({ key: stream.keys.read, query });
    await listener.next(1);
    return listener;
  }

  say(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** Waits until there are so many messages. */
  async next(count: number): Promise<Message> {
    await vi.waitFor(() => expect(this.messages.length).toBeGreaterThanOrEqual(count), {
      timeout: 15_000,
      interval: 20,
    });
    return this.messages[count - 1] as Message;
  }

  async end(): Promise<{ code: number; reason: string }> {
    await vi.waitFor(() => expect(this.closed).not.toBeNull(), { timeout: 15_000, interval: 20 });
    return this.closed as { code: number; reason: string };
  }
}

const click = (stream: TestStream, adId = "a") => stream.appended({ events: [{ adId }] });

const feedOf = async (stream: TestStream) => {
  const id = await env.STREAM.getByName("directory").resolve(stream.name);
  return env.STREAM.getByName(String(id));
};

describe("a listener", () => {
  it("is told the answer at once, and again when it has changed", async () => {
    const stream = await TestStream.create({ partitions: 2 });
    await click(stream);
    const listener = await Listener.of(stream);
    expect(listener.messages[0]).toMatchObject({
      id: 1,
      rows: [{ clicks: 1 }],
      complete: true,
      missing: [],
      watermark: expect.any(Number),
      asOf: [{ partition: 0 }, { partition: 1 }],
      source: expect.stringMatching(/^view:clicks_per_ad@/),
    });
    await click(stream);
    expect((await listener.next(2)).rows).toEqual([{ clicks: 2 }]);
  });

  it("is told at most once a second, and in the end the last of it", async () => {
    const stream = await TestStream.create({ partitions: 2 });
    const listener = await Listener.of(stream);
    const startedAt = Date.now();
    for (let i = 0; i < 30; i++) await click(stream, `ad-${i}`);
    await vi.waitFor(() => expect(listener.messages.at(-1)?.rows).toEqual([{ clicks: 30 }]), { timeout: 15_000 });
    const seconds = Math.ceil((Date.now() - startedAt) / STREAM_LIMITS.liveEveryMs);
    expect(listener.messages.length).toBeLessThanOrEqual(2 + seconds);
  });

  it("hears nothing while its own answer stays as it is", async () => {
    const stream = await TestStream.create({});
    const other = await Listener.of(stream, { ...CLICKS, where: { adId: "other" }, groupBy: ["adId"] });
    const all = await Listener.of(stream);
    await click(stream);
    await all.next(2);
    await click(stream);
    await all.next(3);
    expect(other.messages).toHaveLength(1);
  });

  it("sees a view change hands when it is promoted", async () => {
    const stream = await TestStream.create({});
    await click(stream);
    const listener = await Listener.of(stream, { ...CLICKS, view: "clicks_per_ad" });
    const view = { name: "clicks_per_ad", groupBy: ["adId"], where: { adId: "b" }, measures: CLICKS.measures };
    await expectOk(stream.admin("POST", "/replays", { body: { view, promote: "auto" } }));
    await vi.waitFor(() => expect(listener.messages.at(-1)?.rows).toEqual([{ clicks: 0 }]), { timeout: 15_000 });
  });

  it("goes on where it was when both objects have slept", async () => {
    const stream = await TestStream.create({ partitions: 1 });
    const listener = await Listener.of(stream);
    const feed = await feedOf(stream);
    const id = await env.STREAM.getByName("directory").resolve(stream.name);
    await evictDurableObject(feed);
    await evictDurableObject(env.PARTITION.getByName(`${id}/0`));
    await click(stream);
    expect(await listener.next(2)).toMatchObject({ id: 2, rows: [{ clicks: 1 }] });
    // The same answer is not sent again, though nothing is in memory of the last one.
    await evictDurableObject(feed);
    await feed.logGrew();
    await click(stream);
    expect(await listener.next(3)).toMatchObject({ id: 3, rows: [{ clicks: 2 }] });
  });

  it("costs the partitions nothing once it has gone", async () => {
    const stream = await TestStream.create({ partitions: 1 });
    const listener = await Listener.of(stream);
    const id = await env.STREAM.getByName("directory").resolve(stream.name);
    const listened = () =>
      runInDurableObject(
        env.PARTITION.getByName(`${id}/0`),
        (_, { storage }) => storage.sql.exec("SELECT value FROM facts WHERE name = 'listened'").one()["value"],
      );
    expect(await listened()).toBe("true");
    listener.socket.close(1_000);
    await vi.waitFor(async () => {
      await click(stream);
      expect(await listened()).toBe("false");
    }, 15_000);
  });

  it("is asked again when a minute begins, for `last` has moved on", async () => {
    const stream = await TestStream.create({});
    await click(stream);
    const listener = await Listener.of(stream, { ...CLICKS, last: "1m" });
    expect(listener.messages[0]?.rows).toEqual([{ clicks: 1 }]);
    const feed = await feedOf(stream);
    const alarm = await runInDurableObject(feed, (_, { storage }) => storage.getAlarm());
    expect(Number(alarm)).toBeLessThanOrEqual(Date.now() + 60_000);
    vi.useFakeTimers({ now: Date.now() + 180_000, toFake: ["Date"] });
    onTestFinished(() => void vi.useRealTimers());
    await runDurableObjectAlarm(feed);
    expect((await listener.next(2)).rows).toEqual([{ clicks: 0 }]);
  });
});

describe("a socket is refused", () => {
  it.each([
    ["nothing", "", 4_400, "invalid_query"],
    ["no JSON", "{", 4_400, "invalid_query"],
    ["no key", { query: CLICKS }, 4_400, "invalid_query"],
    ["a wrong key", { key: "rk_wrong", query: CLICKS }, 4_401, "unauthorized"],
    ["a range that stands still", { from: 0, to: 60_000 }, 4_400, "invalid_query"],
    ["a typo", { ...CLICKS, groupby: [] }, 4_400, "invalid_query"],
    ["no range", { groupBy: [] }, 4_400, "range_required"],
    ["a view that is not there", { ...CLICKS, view: "nothing" }, 4_404, "unknown_view"],
    ["too much", { ...CLICKS, where: { adId: "x".repeat(2_000) } }, 4_413, "too_large"],
  ])("%s", async (_, said, code, reason) => {
    const stream = await TestStream.create({});
    const listener = await Listener.open(stream);
    const isQuery = typeof said === "object" && !("key" in said) && !("query" in said);
    listener.say(isQuery ? { key: stream.keys.read, query: said } : said);
    expect(await listener.end()).toEqual({ code, reason });
    expect(listener.messages).toMatchObject([{ problem: { code: reason, status: code - 4_000 } }]);
  });

  it("with a key of another kind", async () => {
    const stream = await TestStream.create({});
    const listener = await Listener.open(stream);
    listener.say({ key: stream.keys.write, query: CLICKS });
    expect(await listener.end()).toEqual({ code: 4_403, reason: "forbidden" });
  });

  it("when it does not say who it is", async () => {
    const stream = await TestStream.create({});
    const listener = await Listener.open(stream);
    expect(await listener.end()).toEqual({ code: 4_401, reason: "unauthorized" });
  });

  it("of a stream that is not there, and without asking for a socket", async () => {
    const headers = { Upgrade: "websocket" };
    await expectProblem(call("GET", "/v1/streams/nothing-here/live", { headers }), 404, "unknown_stream");
    const stream = await TestStream.create({});
    const problem = await call("GET", `${stream.path}/live`);
    expect(problem.headers.get("Upgrade")).toBe("websocket");
    await expectProblem(problem, 426, "upgrade_required");
  });

  it("when there are too many, or too many questions", async () => {
    const stream = await TestStream.create({});
    for (let i = 0; i < STREAM_LIMITS.liveQuestionsMax; i++) {
      await Listener.of(stream, { ...CLICKS, where: { adId: `ad-${i}` }, groupBy: ["adId"] });
    }
    const another = await Listener.open(stream);
    another.say({ key: stream.keys.read, query: CLICKS });
    expect(await another.end()).toEqual({ code: 4_429, reason: "too_many_questions" });
    await Listener.of(stream, { ...CLICKS, where: { adId: "ad-0" }, groupBy: ["adId"] });
    for (let i = STREAM_LIMITS.liveQuestionsMax + 1; i < STREAM_LIMITS.socketsMax; i++) await Listener.open(stream);
    const headers = { Upgrade: "websocket" };
    await expectProblem(call("GET", `${stream.path}/live`, { headers }), 503, "overloaded");
  });
});

describe("a listener is let go, and told why", () => {
  it("when its key has been revoked", async () => {
    const stream = await TestStream.create({});
    const listener = await Listener.of(stream);
    await expectOk(stream.admin("POST", "/keys", { body: { kind: "read", revoke: "now" } }));
    expect(await listener.end()).toEqual({ code: 4_401, reason: "unauthorized" });
  });

  it("when its stream is deleted", async () => {
    const stream = await TestStream.create({});
    const listener = await Listener.of(stream);
    expect((await admin("DELETE", `/streams/${stream.name}?confirm=${stream.name}`)).status).toBe(204);
    expect(await listener.end()).toEqual({ code: 4_404, reason: "unknown_stream" });
  });

  it("when it reads nothing of what it is sent, unless it says that it does", async () => {
    const stream = await TestStream.create({});
    const [silent, awake] = [await Listener.of(stream), await Listener.of(stream)];
    const feed = await feedOf(stream);
    // As if they had been sent so many: to wait for it would take minutes.
    await runInDurableObject(feed, (_, ctx) => {
      for (const socket of ctx.getWebSockets()) {
        const seat = socket.deserializeAttachment() as object;
        socket.serializeAttachment({ ...seat, unanswered: STREAM_LIMITS.liveUnansweredMax });
      }
    });
    awake.say({ ack: 1 });
    await vi.waitFor(() =>
      runInDurableObject(feed, (_, ctx) => {
        const seats = ctx.getWebSockets().map((socket) => socket.deserializeAttachment() as { unanswered: number });
        expect(seats.map(({ unanswered }) => unanswered)).toContain(0);
      }),
    );
    await click(stream);
    expect(await silent.end()).toEqual({ code: 4_429, reason: "too_slow" });
    expect(await awake.next(2)).toMatchObject({ rows: [{ clicks: 1 }] });
  });
});
