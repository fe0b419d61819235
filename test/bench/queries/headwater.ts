/**
 * Headwater as a contender: the partition of edge/partition, its log written by its own commits and folded by the one engine.
 * All that the bench knows of engine and partition is in this file. Lacks the object around the partition: requests, slices
 * that let appends in between, and the merge with other partitions.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import {
  answerRows,
  chooseSource,
  compileQuery,
  compileRollup,
  createState,
  type EventColumns,
  fold,
  type FoldState,
  MINUTE_MS,
  measureValue,
  type Query,
  rollUp,
  shapeOf,
  type ViewSpec,
} from "#engine";
import { assert } from "#protocol";
import { Database } from "../../../edge/partition/database.ts";
import { FactStore } from "../../../edge/partition/facts.ts";
import { migrate } from "../../../edge/partition/migrations.ts";
import { Partition } from "../../../edge/partition/partition.ts";
import { Rollup } from "../../../edge/partition/rollup.ts";
import type { GenerationConfig, PartitionConfig } from "../../../edge/partition/rpc.ts";
import { windowKeyFrom } from "../../../edge/partition/row-keys.ts";
import { readWindows } from "../../../edge/partition/view-reader.ts";
import type { Answer, Contender, Engine } from "./contender.ts";
import { type Chunk, DAY_MS, DAY_START, textOf } from "./dataset.ts";
import type { Key, Question } from "./definitions.ts";
import { NodeStorage } from "./node-storage.ts";

/** Events of one request: an import's batch. Eight of them make a segment. */
const BATCH_EVENTS = 1_000;

const ATTRIBUTES: Readonly<Record<Key, string>> = { ad: "adId", country: "country", device: "device" };

/** The view that every stream has unless it is told otherwise: what the log's segments are grouped by. */
const PER_AD: ViewSpec = {
  where: {},
  groupBy: ["adId"],
  windowMs: MINUTE_MS,
  measures: { clicks: { count: true } },
};

/** What is asked by country too. */
const PER_AD_AND_COUNTRY: ViewSpec = { ...PER_AD, groupBy: ["adId", "country"] };

const generationOf = (spec: ViewSpec): GenerationConfig => ({
  view: `clicks by ${spec.groupBy.join(" and ")}`,
  generation: 1,
  spec,
  retentionMs: 400 * DAY_MS,
  mode: "build",
  from: null,
  against: null,
  maxDuty: 1,
});

/** What is stored of a view's windows. */
export interface StoredWindows {
  readonly rows: number;
  readonly bytes: number;
}

export class Headwater implements Engine {
  readonly name: string;
  readonly contenders: readonly Contender[];
  /** Called after each segment of a scan: to look at memory meanwhile. */
  onSegment: (() => void) | null = null;
  readonly #facts: FactStore;
  readonly #partition: Partition;
  readonly #storage: NodeStorage;
  readonly #file: string;

  /** @param source whether the log answers, or views of clicks per minute: then the partition keeps one by ad, and one by country too */
  constructor(folder: string, source: Question["source"]) {
    const hasView = source === "view";
    this.name = hasView ? "Headwater with a view" : "Headwater";
    this.#file = join(folder, `headwater-${source}.sqlite`);
    this.#storage = new NodeStorage(this.#file);
    const database = new Database(this.#storage.asDurableObjectStorage());
    migrate(database, DAY_START);
    const config = configOf((hasView ? [PER_AD, PER_AD_AND_COUNTRY] : [PER_AD]).map(generationOf));
    this.#facts = new FactStore(database);
    this.#partition = new Partition(database, this.#facts, config, DAY_START);
    this.#partition.configure(config, DAY_START);
    this.contenders = hasView
      ? [{ id: "headwater-view", name: this.name, prepare: async (question) => askView(this.#partition, question) }]
      : [{ id: "headwater", name: this.name, prepare: async (question) => this.#askLog(question) }];
  }

  async load(chunk: Chunk): Promise<void> {
    for (let from = 0; from < chunk.count; from += BATCH_EVENTS) {
      const to = Math.min(from + BATCH_EVENTS, chunk.count);
      const now = chunk.arrivals[to - 1] as number;
      const [verdict] = this.#partition.commit(
        [
          {
            configVersion: this.#partition.config.version,
            kind: "import",
            producer: null,
            count: to - from,
            indexes: null,
            events: columnsOf(chunk, from, to),
            rejected: [],
          },
        ],
        now,
      );
      assert(verdict?.ok === true && verdict.value.accepted === to - from, "every event is kept");
    }
  }

  async settle(): Promise<void> {
    this.#partition.checkpoint(DAY_START + DAY_MS);
    this.#storage.settle();
  }

  async bytes(): Promise<Readonly<Record<string, number>>> {
    return {
      [`${this.name}, segments`]: this.#partition.log.segments.bytes,
      [`${this.name}, database file`]: statSync(this.#file).size,
    };
  }

  /** Rolls windows up as far as they are due by `now`, step by step: each is to be called. */
  *rollUp(now: number): Generator<() => void, void> {
    const rollup = new Rollup(this.#partition, this.#facts);
    rollup.begin(now);
    for (let isDone = false; !isDone;) yield () => (isDone = !rollup.step());
    this.#storage.settle();
  }

  /** What is stored of the view that groups by an attribute alone. */
  windows(attribute: string): StoredWindows {
    const { database, views } = this.#partition;
    const generation = views.live.find(({ config }) => config.spec.groupBy.join() === attribute);
    assert(generation !== undefined, "a view by that attribute");
    return database.only<{ rows: number; bytes: number }>(
      "SELECT count(*) AS rows, sum(length(state)) AS bytes FROM window_rows WHERE key >= ? AND key < ?",
      windowKeyFrom(generation.id, 0),
      windowKeyFrom(generation.id, Infinity),
    );
  }

  async close(): Promise<void> {
    this.#storage.close();
  }

  /** The log, folded as edge/partition/query.ts does. */
  #askLog(question: Question): () => Answer {
    const query = queryOf(question);
    const { log, config } = this.#partition;
    const minuteFrom = query.from / MINUTE_MS;
    const minuteTo = query.to / MINUTE_MS;
    return () => {
      const plan = compileQuery(query);
      const state = createState(plan, config.seed);
      for (const batch of log.tail) fold(plan, state, batch, 0, batch.count);
      for (let offset = log.start; ;) {
        const segment = log.segments.within(offset, log.sealedEnd, minuteFrom, minuteTo);
        if (segment === undefined) break;
        fold(plan, state, segment, 0, segment.count);
        offset = segment.baseOffset + segment.count;
        this.onSegment?.();
      }
      return answerOf(query, state, question);
    };
  }
}

function configOf(generations: readonly GenerationConfig[]): PartitionConfig {
  return {
    version: 1,
    streamId: "bench",
    partition: 0,
    seed: [1, 2, 3, 4],
    retentionMs: 30 * DAY_MS,
    retentionBytes: 8 * 1024 ** 3,
    allowedLatenessMs: MINUTE_MS,
    identifiers: ["userId"],
    generations,
  };
}

function columnsOf(chunk: Chunk, from: number, to: number): EventColumns {
  const texts = (codes: Uint8Array | Uint32Array, textAt: (code: number) => string) =>
    Array.from(codes.subarray(from, to), textAt);
  return {
    count: to - from,
    times: chunk.times.slice(from, to),
    attributes: [
      { name: "type", values: new Array<string>(to - from).fill("click") },
      { name: "adId", values: texts(chunk.ads, textOf.ad) },
      { name: "userId", values: texts(chunk.users, textOf.user) },
      { name: "country", values: texts(chunk.countries, textOf.country) },
      { name: "device", values: texts(chunk.devices, textOf.device) },
      { name: "price", values: Array.from(chunk.cents.subarray(from, to), (cents) => cents / 100) },
    ],
  };
}

const queryOf = (question: Question): Query => ({
  from: question.from,
  to: question.to,
  where: question.country === null ? {} : { country: textOf.country(question.country) },
  groupBy: question.groupBy.map((key) => ATTRIBUTES[key]),
  everyMs: question.everyMs,
  measures: {
    clicks: { count: true },
    ...(question.measure === "users" && { measure: { distinct: "userId" } }),
    ...(question.measure === "price" && { measure: { sum: "price" } }),
  },
  orderBy: question.top === null ? null : { name: "clicks", descending: true },
  limit: question.top ?? Infinity,
});

/** The windows of the view that the planner takes, rolled up as edge/partition/query.ts does. */
function askView(partition: Partition, question: Question): () => Answer {
  const query = queryOf(question);
  const views = partition.config.generations.map(({ view, generation, spec }) => {
    return { name: view, generation, spec };
  });
  return () => {
    const source = chooseSource(query, views);
    assert(source.kind === "view", "a view that holds the answer");
    const { view, residual } = source;
    const generation = partition.views.find(view.name, view.generation);
    assert(generation?.phase === "caught-up", "a view that answers");
    const rollup = compileRollup(view.spec, query, residual);
    const state = createState(rollup.query);
    for (const page of readWindows(partition.views, partition.windows, generation, query)) {
      for (const table of page) rollUp(rollup, state, table);
    }
    return answerOf(query, state, question);
  };
}

function answerOf(query: Query, state: FoldState, question: Question): Answer {
  if (question.top !== null) {
    const { rows } = answerRows(query, state);
    return { kind: "top", rows: rows.map((row) => [Number(String(row["adId"]).slice(3)), Number(row["clicks"])]) };
  }
  const planned = shapeOf(query.groupBy, query.measures).measures.find(({ name }) => name === "measure");
  let groups = 0;
  let clicks = 0;
  let clicksMax = 0;
  let measure = 0;
  for (const table of state.windows.values()) {
    const { size, records } = table;
    groups += size;
    for (let group = 0; group < size; group++) {
      const count = records[group] as number;
      clicks += count;
      if (count > clicksMax) clicksMax = count;
    }
    if (planned !== undefined) for (let g = 0; g < size; g++) measure += measureValue(planned, table, g) ?? 0;
  }
  return { kind: "summary", summary: { groups, clicks, clicksMax, measure: planned === undefined ? null : measure } };
}
