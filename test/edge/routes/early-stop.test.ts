/** The first rows of many groups, by rounds of thresholds or from all groups: the same answer through the public API. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { ENGINE_LIMITS } from "#engine";
import type { PartitionRpc } from "../../../edge/partition/rpc.ts";
import { createApp } from "../../../edge/routes/app.ts";
import type { QueryAnswer } from "../../../edge/routes/schemas/query.ts";
import { call, expectOk, TestStream } from "./client.ts";

const START = Date.UTC(2026, 0, 1);
const RANGE = { from: START, to: START + 3_600_000 };
const PARTITIONS = 4;
const ADS = 3 * ENGINE_LIMITS.frozenGroupsMin;
/** Each partition is to have clicks of so many producers at least, wherever they are hashed to. */
const PRODUCERS = 2;

/** What was asked of partitions. */
interface Calls {
  query: number;
  more: number;
  release: number;
  /** By partition, in the order in which it was asked: whether it held groups back. */
  held: boolean[];
}

type Override = Partial<Pick<PartitionRpc, "query" | "more">>;

let many: TestStream;
let single: TestStream;

/** A few ads are clicked often, many once or twice: most counts are ties. Every producer knows most ads. */
function clicksOf(producer: number): object[] {
  const events: object[] = [];
  for (let ad = 0; ad < ADS; ad++) {
    if ((ad * 7 + producer) % 5 === 0) continue;
    events.push({ time: START, adId: `ad-${ad}`, price: ((ad + producer) % 10) / 10, userId: `u-${producer % 3}` });
  }
  for (let ad = 0; ad < 200; ad++) {
    for (let i = (producer * 31 + ad) % 8; i > 0; i--) events.push({ time: START, adId: `ad-${ad}`, price: 0.1 });
  }
  return events;
}

beforeAll(async () => {
  const views = [
    {
      name: "ads",
      groupBy: ["adId"],
      window: "1m",
      measures: { clicks: { count: true }, spent: { sum: "price" }, mean: { avg: "price" }, least: { min: "price" } },
    },
  ];
  many = await TestStream.create({ partitions: PARTITIONS, views });
  single = await TestStream.create({ views });
  for (const stream of [many, single]) {
    const lacking = new Map(Array.from({ length: stream === many ? PARTITIONS : 1 }, (_, p) => [p, PRODUCERS]));
    for (let i = 0; lacking.size > 0; i++) {
      const producer = { id: `producer-${i}`, sequence: 0 };
      const { partition } = await stream.appended({ producer, events: clicksOf(i) }, { key: stream.keys.import });
      const lacks = lacking.get(partition) ?? 0;
      if (lacks > 1) lacking.set(partition, lacks - 1);
      else lacking.delete(partition);
    }
  }
});

/** Asks through a worker whose partitions are watched, and may be told to do something else. */
async function ask(stream: TestStream, query: object, override: (partition: PartitionRpc, calls: Calls) => Override) {
  const calls: Calls = { query: 0, more: 0, release: 0, held: [] };
  const getByName = (name: string) => {
    const partition = env.PARTITION.getByName(name) as unknown as PartitionRpc;
    const changed = override(partition, calls);
    const watched: Partial<PartitionRpc> = {
      configure: (config) => partition.configure(config),
      query: async (question) => {
        calls.query++;
        const answer = await (changed.query?.(question) ?? partition.query(question));
        calls.held.push(answer.ok && answer.value.held !== undefined);
        return answer;
      },
      more: (id, selection) => {
        calls.more++;
        return changed.more?.(id, selection) ?? partition.more(id, selection);
      },
      release: (id) => {
        calls.release++;
        return partition.release(id);
      },
    };
    return watched;
  };
  const watching = { ...env, PARTITION: { getByName } } as unknown as Env;
  const response = call("POST", `${stream.path}/query`, { key: stream.keys.read, body: query }, (request) =>
    createApp().fetch(request, watching),
  );
  return { answer: await expectOk<QueryAnswer>(response), calls };
}

const watched = () => ({});
/** As partitions of an older version answer: they know of no way but all groups. */
const allGroups = (partition: PartitionRpc): Override => ({
  query: ({ configVersion, query, source }) => partition.query({ configVersion, query, source }),
});

const comparable = ({ stats, ...answer }: QueryAnswer) => ({
  ...answer,
  // The clock goes on between two queries.
  watermark: 0,
  recordsScanned: stats.recordsScanned,
});

const MEASURES = {
  clicks: { count: true },
  spent: { sum: "price" },
  mean: { avg: "price" },
  least: { min: "price" },
} as const;

describe("with several partitions", () => {
  it.each([
    ["by count, from the view", { orderBy: "-clicks", limit: 10 }],
    ["by count, from the log, with what no view has", { orderBy: "-clicks", limit: 10, view: null }],
    ["far into the ties", { orderBy: "-clicks", limit: 240 }],
    ["by a sum", { orderBy: "-spent", limit: 50 }],
  ])("the first rows %s are those of all groups", async (_, query) => {
    const distinct = "view" in query ? { users: { distinct: "userId" } } : {};
    const question = { ...RANGE, groupBy: ["adId"], measures: { ...MEASURES, ...distinct }, ...query };
    const early = await ask(many, question, watched);
    const all = await ask(many, question, allGroups);
    expect(all.calls).toMatchObject({ query: PARTITIONS, more: 0, held: Array(PARTITIONS).fill(false) });
    expect(early.calls.held).toEqual(Array(PARTITIONS).fill(true));
    expect(early.calls.more).toBeGreaterThanOrEqual(PARTITIONS);
    expect(early.calls.release).toBe(PARTITIONS);
    expect(comparable(early.answer)).toEqual(comparable(all.answer));
    expect(early.answer).toMatchObject({ truncated: true, complete: true });
    expect(early.answer.rows).toHaveLength(query.limit);
  });

  it.each([
    ["an order that does not add up", { orderBy: "-least", limit: 10 }],
    ["a rising order", { orderBy: "clicks", limit: 10 }],
    ["buckets", { orderBy: "-clicks", every: "1m", limit: 10 }],
    ["a limit that is not small against the groups", { orderBy: "-clicks", limit: 1_000 }],
  ])("%s needs all groups", async (_, query) => {
    const { calls } = await ask(many, { ...RANGE, groupBy: ["adId"], measures: MEASURES, ...query }, watched);
    expect(calls).toMatchObject({ query: PARTITIONS, more: 0, held: Array(PARTITIONS).fill(false) });
  });

  it("what a partition holds back and loses is asked for again, all of it", async () => {
    const question = { ...RANGE, groupBy: ["adId"], measures: MEASURES, orderBy: "-clicks", limit: 240 };
    const whole = await ask(many, question, allGroups);
    const { calls } = await ask(many, question, watched);
    // In the second round, and in the third, which it mostly takes: where events lie is chance.
    for (const lostAt of [1, calls.more]) {
      const lost = await ask(many, question, (partition, calls) => ({
        more: async (id, selection) => {
          if (calls.more === lostAt) await partition.release(id);
          return partition.more(id, selection);
        },
      }));
      expect(lost.calls.query).toBe(2 * PARTITIONS);
      expect(lost.calls.held.slice(PARTITIONS)).toEqual(Array(PARTITIONS).fill(false));
      expect(comparable(lost.answer)).toEqual(comparable(whole.answer));
    }
  });

  it("a partition that goes away between two rounds leaves nothing of it in the answer", async () => {
    // It is logged for whoever runs the worker; here it is meant to be.
    vi.spyOn(console, "error").mockImplementationOnce(() => {});
    const question = { ...RANGE, groupBy: ["adId"], measures: MEASURES, orderBy: "-clicks", limit: 10 };
    const whole = await ask(many, question, allGroups);
    const gone = await ask(many, question, (partition, calls) => ({
      more: async (id, selection) => {
        if (calls.more === 2) throw new Error("moved");
        return partition.more(id, selection);
      },
    }));
    expect(comparable(gone.answer)).toEqual(comparable(whole.answer));
  });
});

describe("with one partition", () => {
  it.each([
    ["the most clicked", { orderBy: "-clicks", limit: 10 }],
    ["the least clicked", { orderBy: "clicks", limit: 10 }],
    ["the first by key", { limit: 7 }],
  ])("it sends no more than %s", async (_, query) => {
    const question = { ...RANGE, groupBy: ["adId"], measures: MEASURES, ...query };
    const early = await ask(single, question, watched);
    const all = await ask(single, question, allGroups);
    expect(early.calls).toEqual({ query: 1, more: 0, release: 0, held: [true] });
    expect(comparable(early.answer)).toEqual(comparable(all.answer));
    expect(early.answer.truncated).toBe(true);
  });

  it("it says that there are no more rows than all", async () => {
    const question = { ...RANGE, groupBy: ["adId"], orderBy: "-clicks", where: { adId: { in: ["ad-1", "ad-2"] } } };
    const { answer, calls } = await ask(single, { ...question, limit: 2 }, watched);
    expect(answer).toMatchObject({ truncated: false, rows: { length: 2 } });
    expect(calls.held).toEqual([false]);
  });
});
