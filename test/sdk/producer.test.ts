/** What the producer does about each answer: a scripted edge, a clock that moves only when the test says so. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LogOptions } from "../../sdk/log/log.ts";
import { MemoryLog } from "../../sdk/log/memory-log.ts";
import { Producer, type ProducerListener } from "../../sdk/producer.ts";
import type { Answer } from "../../sdk/transport.ts";
import type { Drop, TrackerProblem } from "../../sdk/types.ts";

interface Sent {
  readonly at: number;
  readonly producer: { id: string; sequence: number; lost: number; commits: [number, string][] };
  readonly sentAt: number;
  readonly events: readonly { n: number }[];
}

type Script = (sent: Sent) => Partial<Answer> | "hang";

const TERM = "term";
const T0 = 1_763_790_000_000;

/** As the edge answers when it takes a batch. */
const taken: Script = ({ producer, events }) => ({
  status: 200,
  body: JSON.stringify({
    partition: 0,
    offset: 0,
    accepted: events.length,
    duplicates: 0,
    rejected: [],
    lastSequence: producer.sequence + events.length - 1,
  }),
});
const refuse =
  (status: number, code: string, more: object = {}, retryAfter: string | null = null): Script =>
  () => ({ status, body: JSON.stringify({ code, detail: "", ...more }), retryAfter });

let ids = 0;
const options: LogOptions = {
  eventsMax: 1_000,
  bytesMax: 1_000_000,
  sendableBytesMax: 60_000,
  randomId: () => (ids++).toString(16).padStart(16, "0"),
};

beforeEach(() => void vi.useFakeTimers({ now: T0 }));
afterEach(() => void vi.useRealTimers());

/** A producer over a log in memory. The first answers come from the script, then everything is taken. */
async function started(script: readonly Script[], { batchEvents = 100 } = {}) {
  const log = new MemoryLog(options);
  const sent: Sent[] = [];
  const drops: Drop[] = [];
  const problems: string[] = [];
  const refusals: string[] = [];
  let settled = 0;
  const listener: ProducerListener = {
    settled: (_, delivered) => void (settled += delivered),
    dropped: (drop) => void drops.push(drop),
    problem: (problem: TrackerProblem | null) => void problems.push(problem?.code ?? "over"),
    refused: (problem) => void refusals.push(problem.code),
  };
  const producer = new Producer(
    {
      log,
      send: (body) => {
        const request = { at: Date.now() - T0, ...(JSON.parse(body) as Omit<Sent, "at">) };
        const answer = (script[sent.length] ?? taken)(request);
        sent.push(request);
        if (answer === "hang") return new Promise(() => {});
        return Promise.resolve({ status: 0, body: "", retryAfter: null, ...answer });
      },
      now: () => Date.now(),
      random: () => 0.5,
      batchEvents,
      lingerMs: 200,
      logAgeMaxMs: 1_000_000_000,
      idleMs: 10_000,
    },
    listener,
  );
  await log.takeLease(TERM, T0, true);
  let tracked = 0;
  const track = async (count: number) => {
    const events = Array.from({ length: count }, (_, i) => JSON.stringify({ type: "click", n: tracked + i }));
    await log.append({ lane: "lane", first: tracked, events }, Date.now());
    tracked += count;
    producer.logged((await log.state()).events);
  };
  const end = new AbortController();
  const run = () => void producer.run(TERM, end.signal);
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
  /** Every number that the edge took, in order. */
  const delivered = () => log.state().then((state) => state.delivered);
  return { log, producer, sent, drops, problems, refusals, track, run, pass, delivered, end, settled: () => settled };
}

const numbers = (sent: Sent | undefined) => sent?.events.map(({ n }) => n);

describe("sending", () => {
  it("waits for a burst to gather, then sends it as one", async () => {
    const { run, track, pass, sent } = await started([]);
    run();
    await pass(1_000);
    await track(1);
    await pass(100);
    await track(2);
    expect(sent).toHaveLength(0);
    await pass(100);
    expect(sent.map(numbers)).toEqual([[0, 1, 2]]);
  });

  it("does not wait for a burst that fills a batch by itself", async () => {
    const { run, track, pass, sent } = await started([], { batchEvents: 3 });
    run();
    await pass(1_000);
    await track(1);
    await pass(50);
    await track(3);
    await pass(0);
    expect(sent.map(numbers)).toEqual([[0, 1, 2], [3]]);
  });

  it("does not wait when it is told to hurry", async () => {
    const { run, track, pass, sent, producer } = await started([]);
    run();
    await pass(1_000);
    await track(1);
    producer.kick();
    await pass(0);
    expect(sent).toHaveLength(1);
  });

  it("has one batch in flight", async () => {
    const { run, track, pass, sent } = await started([() => "hang"]);
    await track(1);
    run();
    await pass(0);
    await track(5);
    await pass(60_000);
    expect(sent).toHaveLength(1);
  });

  it("stamps each attempt with its own time", async () => {
    const { run, track, pass, sent } = await started([refuse(503, "overloaded")]);
    await track(1);
    run();
    await pass(60_000);
    expect(sent.map(({ sentAt, at }) => sentAt - T0 - at)).toEqual([0, 0]);
    expect(sent[1]?.at).toBeGreaterThan(0);
  });
});

describe("what each answer leads to", () => {
  it.each([
    ["no answer", () => ({ status: 0 })],
    ["a timeout of the edge", refuse(408, "timeout")],
    ["too early", refuse(425, "too_early")],
    ["too many requests", refuse(429, "rate_limited")],
    ["an error of the edge", refuse(500, "internal")],
    ["an edge without room", refuse(507, "storage_full")],
    ["a captive portal's page", () => ({ status: 200, body: "<html>Welcome</html>" })],
    [
      "an answer that is not about this batch",
      () => taken({ ...({} as Sent), producer: { id: "", sequence: 0, lost: 0, commits: [] }, events: [] }),
    ],
    ["a redirect's end", () => ({ status: 204 })],
  ] as [string, Script][])("sends the same again after %s", async (_, answer) => {
    const { run, track, pass, sent, delivered } = await started([answer, answer]);
    await track(2);
    run();
    await pass(10_000);
    expect(sent).toHaveLength(3);
    expect(new Set(sent.map(({ producer }) => JSON.stringify(producer))).size).toBe(1);
    expect(await delivered()).toBe(2);
  });

  it("backs off with full jitter, twice as far each time, up to a minute, and never gives up", async () => {
    const { run, track, pass, sent } = await started(Array.from({ length: 12 }, () => refuse(503, "overloaded")));
    await track(1);
    run();
    await pass(600_000);
    const gaps = sent.slice(1).map(({ at }, i) => at - (sent[i]?.at ?? 0));
    expect(gaps).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000]);
    expect(sent).toHaveLength(13);
  });

  it.each([
    ["the body", refuse(429, "rate_limited", { retryAfterMs: 7_000 })],
    ["the header in seconds", refuse(503, "overloaded", {}, "7")],
    ["the header as a date", refuse(503, "overloaded", {}, new Date(T0 + 7_000).toUTCString())],
  ])("keeps the time that %s asks for, whoever is in a hurry", async (_, answer) => {
    const { run, track, pass, sent, producer } = await started([answer]);
    await track(1);
    run();
    await pass(6_900);
    producer.kick();
    await pass(90);
    expect(sent).toHaveLength(1);
    await pass(1_000);
    expect(sent).toHaveLength(2);
  });

  it("tries again at once when the page is online or looked at again", async () => {
    const { run, track, pass, sent, producer } = await started(Array.from({ length: 8 }, () => () => ({ status: 0 })));
    await track(1);
    run();
    await pass(20_000);
    const before = sent.length;
    producer.kick();
    await pass(0);
    expect(sent).toHaveLength(before + 1);
  });

  it.each([
    [400, "invalid_batch"],
    [401, "unauthorized"],
    [403, "origin_not_allowed"],
    [404, "unknown_stream"],
    [415, "unsupported_media_type"],
  ])("pauses after %i, says so, and keeps the events", async (status, code) => {
    const { run, track, pass, sent, refusals, log, delivered } = await started([refuse(status, code)]);
    await track(2);
    run();
    await pass(60_000);
    expect(sent).toHaveLength(1);
    expect(refusals).toEqual([code]);
    expect((await log.state()).events).toBe(2);
    await pass(300_000);
    expect(await delivered()).toBe(2);
  });

  it("stops after 410, and keeps the events", async () => {
    const { run, track, pass, sent, producer, log, refusals } = await started([refuse(410, "gone")]);
    await track(2);
    run();
    await pass(1_000_000);
    producer.kick();
    await pass(1_000_000);
    expect(sent).toHaveLength(1);
    expect(refusals).toEqual(["gone"]);
    expect((await log.state()).events).toBe(2);
  });

  it("halves what is too large, down to the one event that is, and drops that", async () => {
    const tooLarge: Script = (sent) =>
      sent.events.some(({ n }) => n === 2) ? { status: 413, body: '{"code":"too_large"}' } : (taken(sent) as Answer);
    const { run, track, pass, drops, log, sent } = await started(Array.from({ length: 30 }, () => tooLarge));
    await track(5);
    run();
    await pass(600_000);
    expect(drops).toEqual([{ reason: "too_large", count: 1 }]);
    expect(await log.state()).toMatchObject({ delivered: 4, events: 0, lost: { too_large: 1 } });
    // What follows declares the hole.
    expect(sent.find(({ events }) => events[0]?.n === 3)?.producer.lost).toBe(1);
  });

  it("reports each event that the edge rejects, and counts the others as delivered", async () => {
    const rejects: Script = ({ producer }) => ({
      status: 200,
      body: JSON.stringify({
        partition: 0,
        offset: 1,
        accepted: 2,
        duplicates: 0,
        rejected: [{ index: 1, code: "too_old", detail: "older than 90 days" }],
        lastSequence: producer.sequence + 2,
      }),
    });
    const { run, track, pass, drops, log } = await started([rejects]);
    await track(3);
    run();
    await pass(1_000);
    expect(drops).toEqual([
      { reason: "rejected", count: 1, code: "too_old", detail: "older than 90 days", event: { type: "click", n: 1 } },
    ]);
    expect(await log.state()).toMatchObject({ delivered: 2, events: 0, lost: { rejected: 1 } });
  });
});

describe("a gap", () => {
  it("is declared as lost, once: the edge has lost what it had acknowledged", async () => {
    const gap: Script = ({ producer }) =>
      refuse(409, "sequence_gap", { expected: 2, received: producer.sequence })({} as Sent);
    const { run, track, pass, sent, log, delivered } = await started([taken, gap]);
    await track(5);
    run();
    await pass(1_000);
    const { producerId } = await log.state();
    await track(1);
    await pass(1_000);
    expect(sent.map(({ producer }) => [producer.sequence, producer.lost])).toEqual([
      [0, 0],
      [5, 0],
      [5, 3],
    ]);
    expect((await log.state()).producerId).toBe(producerId);
    expect(await delivered()).toBe(6);
  });

  it("that the declaration does not fill leads to a new producer id", async () => {
    const gap = refuse(409, "sequence_gap", { expected: 2, received: 5 });
    const { run, track, pass, sent, delivered } = await started([taken, gap, gap]);
    await track(5);
    run();
    await pass(1_000);
    await track(2);
    await pass(5_000);
    expect(sent.at(-1)?.producer).toMatchObject({ sequence: 0, lost: 0 });
    expect(sent.at(-1)?.producer.id).not.toBe(sent[0]?.producer.id);
    expect(await delivered()).toBe(7);
  });

  it("at an edge that has never heard of the producer leads to a new id at once: nothing is known to be lost", async () => {
    const { run, track, pass, sent } = await started([
      taken,
      refuse(409, "sequence_gap", { expected: 0, received: 5 }),
    ]);
    await track(5);
    run();
    await pass(1_000);
    await track(1);
    await pass(1_000);
    expect(sent.at(-1)?.producer).toMatchObject({ sequence: 0, lost: 0 });
    expect(sent).toHaveLength(3);
  });
});

describe("a fork", () => {
  it("counts what the edge knows as delivered, and sends the rest under a new producer id", async () => {
    let points: [number, string][] = [];
    const forked: Script = (sent) => {
      points = sent.producer.commits;
      return refuse(409, "producer_forked", { commits: [points[0], [3, "another"]] })(sent) as Answer;
    };
    const { run, track, pass, sent, settled, delivered } = await started([forked]);
    await track(3);
    await track(2);
    run();
    await pass(1_000);
    expect(points).toHaveLength(2);
    expect(numbers(sent[1])).toEqual([3, 4]);
    expect(sent[1]?.producer).toMatchObject({ sequence: 0, lost: 0 });
    expect(sent[1]?.producer.id).not.toBe(sent[0]?.producer.id);
    expect(await delivered()).toBe(5);
    expect(settled()).toBe(5);
  });

  it("of every new id is no busy loop", async () => {
    const { run, track, pass, sent } = await started(
      Array.from({ length: 1_000 }, () => refuse(409, "producer_forked", { commits: [] })),
    );
    await track(3);
    run();
    await pass(60_000);
    expect(sent.length).toBeLessThan(20);
  });
});

describe("a term", () => {
  it("ends with its signal, though a request hangs", async () => {
    const { track, pass, producer, end } = await started([() => "hang"]);
    await track(1);
    const ran = producer.run(TERM, end.signal);
    await pass(100);
    end.abort();
    await pass(0);
    await expect(ran).resolves.toBeUndefined();
  });

  it("ends when the log says that another has begun, before anything is sent", async () => {
    const { track, producer, log, sent, end } = await started([]);
    await track(1);
    await log.takeLease("another", T0, true);
    await expect(producer.run(TERM, end.signal)).resolves.toBeUndefined();
    expect(sent).toHaveLength(0);
  });
});
