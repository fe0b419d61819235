/** A partition as tests hold it: a real object over real SQLite, called the way the routes call it. */
import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { AppendReply, CommitPoint, DropTotals, RejectedEvent, Result } from "#protocol";
import {
  answerRows,
  type AnswerRow,
  createState,
  digestState,
  type FoldState,
  mergePiece,
  pieceLength,
  type Query,
  shapeOf,
  type ViewSpec,
} from "#engine";
import type {
  GenerationConfig,
  GenerationStatus,
  PartitionAnswer,
  PartitionAppend,
  PartitionAppendFailure,
  PartitionConfig,
  PartitionQuery,
  PartitionQueryFailure,
  PartitionStatus,
} from "../../../edge/partition/rpc.ts";
import { type Row, toColumns } from "../../support/events.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const CLICKS_PER_AD: ViewSpec = {
  where: {},
  groupBy: ["ad"],
  windowMs: MINUTE,
  measures: { clicks: { count: true }, users: { distinct: "userId" }, revenue: { sum: "price" } },
};

export const generation = (overrides: Partial<GenerationConfig> = {}): GenerationConfig => ({
  view: "clicks",
  generation: 1,
  spec: CLICKS_PER_AD,
  retentionMs: 400 * DAY,
  mode: "build",
  from: null,
  against: null,
  maxDuty: 1,
  ...overrides,
});

export const wholeRange = (overrides: Partial<Query> = {}): Query => ({
  from: 0,
  to: 4_000_000_000_000 - (4_000_000_000_000 % MINUTE),
  where: {},
  groupBy: ["ad"],
  everyMs: null,
  measures: CLICKS_PER_AD.measures,
  orderBy: null,
  limit: 10_000,
  ...overrides,
});

export interface AppendOptions {
  readonly kind?: "write" | "import";
  readonly producer?: string;
  readonly sequence?: number;
  readonly lost?: number;
  readonly dropped?: DropTotals;
  readonly commits?: readonly CommitPoint[];
  readonly once?: boolean;
  readonly rejected?: readonly RejectedEvent[];
  readonly indexes?: readonly number[];
}

export interface Answered extends Omit<PartitionAnswer, "partial"> {
  readonly rows: readonly AnswerRow[];
  readonly state: FoldState;
  readonly digest: string;
}

let names = 0;

export class HeldPartition {
  readonly name = `held-${Date.now()}-${names++}/0`;
  config: PartitionConfig;

  constructor(overrides: Partial<PartitionConfig> = {}) {
    this.config = {
      version: 1,
      streamId: this.name,
      partition: 0,
      seed: [1, 2, 3, 4],
      retentionMs: 7 * DAY,
      retentionBytes: 8 * 1024 ** 3,
      allowedLatenessMs: MINUTE,
      identifiers: ["userId"],
      generations: [generation()],
      ...overrides,
    };
  }

  /** A new stub each time: one that has seen its object abort stays broken. */
  get stub() {
    return env.PARTITION.getByName(this.name);
  }

  static async make(overrides: Partial<PartitionConfig> = {}): Promise<HeldPartition> {
    const held = new HeldPartition(overrides);
    await held.configure();
    return held;
  }

  async configure(overrides: Partial<PartitionConfig> = {}): Promise<void> {
    this.config = { ...this.config, ...overrides, version: this.config.version + 1 };
    const configured = await this.stub.configure(this.config);
    if (!configured.ok) throw new Error(configured.failure.reason);
  }

  request(rows: readonly Row[], options: AppendOptions = {}): PartitionAppend {
    const { rejected = [], producer, indexes } = options;
    return {
      configVersion: this.config.version,
      kind: options.kind ?? "import",
      producer:
        producer === undefined
          ? null
          : {
              key: keyOf(producer),
              slot: slotOf(producer),
              sequence: options.sequence ?? 0,
              lost: options.lost ?? 0,
              ...(options.dropped && { dropped: options.dropped }),
              commits: options.commits ?? [],
              once: options.once ?? false,
            },
      count: rows.length + rejected.length,
      indexes: indexes === undefined ? null : Uint32Array.from(indexes),
      events: toColumns(rows),
      rejected,
    };
  }

  tryAppend(rows: readonly Row[], options?: AppendOptions): Promise<Result<AppendReply, PartitionAppendFailure>> {
    return this.stub.append(this.request(rows, options)) as Promise<Result<AppendReply, PartitionAppendFailure>>;
  }

  async append(rows: readonly Row[], options?: AppendOptions): Promise<AppendReply> {
    return expectOk(await this.tryAppend(rows, options));
  }

  async tryQuery(query: Partial<Query> = {}, source: PartitionQuery["source"] = { kind: "log" }) {
    const asked = wholeRange(query);
    const request = { configVersion: this.config.version, query: asked, source };
    const answer = (await this.stub.query(request)) as Result<PartitionAnswer, PartitionQueryFailure>;
    if (!answer.ok) return answer;
    const { partial, ...rest } = answer.value;
    const shape = shapeOf(asked.groupBy, asked.measures);
    const state = createState(shape);
    const bytes = new Uint8Array(await new Response(partial).arrayBuffer());
    for (let at = 0; at < bytes.length;) {
      const length = pieceLength(bytes, at) ?? 0;
      expectOk(mergePiece(shape, state, bytes.slice(at, at + length)));
      at += length;
    }
    const value: Answered = { ...rest, state, rows: answerRows(asked, state).rows, digest: digestState(state) };
    return { ok: true as const, value };
  }

  async queryLog(query: Partial<Query> = {}): Promise<Answered> {
    return expectOk(await this.tryQuery(query));
  }

  async queryView(query: Partial<Query> = {}, number = 1, view = "clicks"): Promise<Answered> {
    return expectOk(await this.tryQuery(query, { kind: "view", view, generation: number }));
  }

  async status(): Promise<PartitionStatus> {
    return expectOk(await this.stub.status());
  }

  async generation(number: number, view = "clicks"): Promise<GenerationStatus> {
    const { generations } = await this.status();
    const found = generations.find((known) => known.view === view && known.generation === number);
    if (found === undefined) throw new Error(`no generation ${number} of ${view}`);
    return found;
  }

  // --- What happens to objects ---

  ring(): Promise<boolean> {
    return runDurableObjectAlarm(this.stub);
  }

  /** Rings until no generation is being built. */
  async settle(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      const { generations } = await this.status();
      if (generations.every(({ state }) => state !== "building")) return;
      await this.ring();
    }
    throw new Error("the replay does not come to an end");
  }

  async evict(): Promise<void> {
    await this.status();
    await evictDurableObject(this.stub);
  }

  async abort(): Promise<void> {
    await abortAllDurableObjects();
  }

  sql<T extends Record<string, SqlStorageValue>>(query: string, ...bindings: (string | number)[]): Promise<T[]> {
    return runInDurableObject(this.stub, (_, { storage }) => storage.sql.exec<T>(query, ...bindings).toArray());
  }

  async rowCount(table: string): Promise<number> {
    const [row] = await this.sql<{ count: number }>(`SELECT count(*) AS count FROM ${table}`);
    return row?.count ?? 0;
  }
}

export function expectOk<T, F extends { readonly reason: string }>(result: Result<T, F>): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

/** A producer's key: 32 hexadecimal digits that depend on all of its name. */
export function keyOf(producer: string): string {
  let hash = 0x811c9dc5;
  let key = "";
  for (let round = 0; round < 4; round++) {
    for (const char of `${producer}/${round}`) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
    key += hash.toString(16).padStart(8, "0");
  }
  return key;
}

const slotOf = (producer: string): number => Number.parseInt(keyOf(producer).slice(0, 8), 16) % 1024;

/** Clicks, one every `stepMs` from `from` on, on a handful of ads by a handful of users. */
export function clicks(count: number, from: number, stepMs = 7, first = 0): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const n = first + i;
    return {
      time: from + i * stepMs,
      type: "click",
      ad: `ad-${n % 7}`,
      userId: `u-${n % 11}`,
      price: (n % 5) / 10,
      ...(n % 3 === 0 && { country: n % 2 === 0 ? "US" : "DE" }),
    };
  });
}

export const adsOf = (rows: readonly AnswerRow[]): Record<string, unknown> =>
  Object.fromEntries(rows.map((row) => [String(row["ad"]), row["clicks"]]));
