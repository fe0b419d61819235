/**
 * A stream over real partitions, through HTTP; its log is filled partition by partition and read back as it stands, and what is
 * stored of replays is looked at from inside. Replays go only as far as a test lets them.
 */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import { BuildCheckpoint } from "../../../edge/partition/build-checkpoint.ts";
import { PartitionObject } from "../../../edge/partition/partition-object.ts";
import { Replay } from "../../../edge/partition/replay.ts";
import { comparisonKeyFrom, memoryKey, windowKeyFrom } from "../../../edge/partition/row-keys.ts";
import type { ReplayJob, StreamRpc } from "../../../edge/stream/rpc.ts";
import { expectOk, TestStream } from "../routes/client.ts";

export interface Click {
  readonly time: number;
  readonly adId: string;
  readonly userId: string;
  readonly device: string;
  readonly price: number;
}

/** Which generation of a view each row of a partition's tables belongs to, by the numbers that partitions give them. */
export interface Stored {
  readonly generations: readonly string[];
  readonly windows: readonly string[];
  readonly memories: readonly string[];
  readonly comparisons: readonly string[];
}

export class LoggedStream {
  readonly #stream: TestStream;
  readonly #streamId: string;
  /** By partition: a producer that writes to it, and the sequence that comes next. */
  readonly #producers: { readonly id: string; sequence: number }[] = [];

  private constructor(stream: TestStream, streamId: string) {
    this.#stream = stream;
    this.#streamId = streamId;
  }

  static async create(partitions: number, config: object): Promise<LoggedStream> {
    const stream = await TestStream.create({ partitions, ...config });
    const directory = env.STREAM.getByName("directory") as unknown as StreamRpc;
    const logged = new LoggedStream(stream, (await directory.resolve(stream.name)) ?? "");
    for (let i = 0; Object.keys(logged.#producers).length < partitions; i++) {
      const id = `p-${i}`;
      const reply = await stream.appended(
        { producer: { id, sequence: 0 }, events: [{ type: "first" }] },
        { key: stream.keys.import },
      );
      logged.#producers[reply.partition] ??= { id, sequence: 1 };
    }
    return logged;
  }

  // --- As a user ---

  /** Sends clicks until they are acknowledged, however often what they meet dies. */
  async send(partition: number, events: readonly Click[]): Promise<void> {
    const producer = this.#producers[partition];
    if (producer === undefined) throw new Error(`no producer for partition ${partition}`);
    const { id, sequence } = producer;
    for (;;) {
      const body = { producer: { id, sequence }, events };
      const answer = await this.#stream.append(body, { key: this.#stream.keys.import }).catch(() => null);
      await answer?.body?.cancel();
      if (answer?.ok === true) break;
      // Everything here is one thread, whose timers and alarms only run when nothing else is ready.
      await scheduler.wait(5);
    }
    producer.sequence += events.length;
  }

  /** The clicks that a partition's log holds, in its order. */
  async log(partition: number): Promise<Click[]> {
    const records: (Click & { readonly type: string })[] = [];
    let page: { readonly records: typeof records; readonly next: number; readonly logEnd: number };
    do {
      const path = `/partitions/${partition}/records?offset=${records.length}&limit=10000`;
      page = await expectOk<typeof page>(this.#stream.admin("GET", path));
      records.push(...page.records);
    } while (page.next < page.logEnd);
    return records.filter(({ type }) => type === "click");
  }

  query(body: object): Promise<Response> {
    return this.#stream.query(body);
  }

  answer(body: object) {
    return this.#stream.answer(body);
  }

  /** @returns the id of the replay that builds it */
  async putView(name: string, body: object): Promise<string> {
    return (await expectOk<{ replay: string }>(this.#stream.admin("PUT", `/views/${name}`, { body }))).replay;
  }

  async view(name: string): Promise<Record<string, unknown>> {
    const { views } = await expectOk<{ views: Record<string, unknown>[] }>(this.#stream.admin("GET", "/views"));
    return views.find((view) => view["name"] === name) ?? {};
  }

  async deleteView(name: string): Promise<void> {
    expect((await this.#stream.admin("DELETE", `/views/${name}`)).status).toBe(204);
  }

  async job(id: string): Promise<ReplayJob> {
    return expectOk<ReplayJob>(this.#stream.admin("GET", `/replays/${id}`));
  }

  until(id: string, state: ReplayJob["state"]): Promise<ReplayJob> {
    return vi.waitFor(
      async () => {
        const job = await this.job(id);
        expect(job).toMatchObject({ id, state });
        return job;
      },
      { timeout: 50_000, interval: 20 },
    );
  }

  // --- From inside ---

  /** Rings the alarms of all objects, whatever the time. */
  async ring(): Promise<void> {
    await runDurableObjectAlarm(env.STREAM.getByName(this.#streamId));
    for (const partition of this.#producers.keys()) await runDurableObjectAlarm(this.#partition(partition));
  }

  async stored(partition: number): Promise<Stored> {
    const stub = this.#partition(partition);
    await stub.status();
    return runInDurableObject(stub, (_, { storage: { sql } }) => {
      const known = sql.exec<{ id: number; state: string }>("SELECT id, state FROM generations").toArray();
      const names = new Map(
        known.map(({ id, state }) => {
          const { config } = JSON.parse(state) as { config: { view: string; generation: number } };
          return [id, `${config.view}@${config.generation}`] as const;
        }),
      );
      const ownersIn = (table: string, firstKey: (id: number) => number) =>
        ids(sql.exec<{ key: number }>(`SELECT key FROM ${table}`).toArray(), firstKey(1)).map(
          (id) => names.get(id) ?? `nobody's, ${id}`,
        );
      return {
        generations: [...names.values()],
        windows: ownersIn("window_rows", (id) => windowKeyFrom(id, 0)),
        memories: ownersIn("rule_memories", (id) => memoryKey(id, 0)),
        comparisons: ownersIn("comparison_rows", (id) => comparisonKeyFrom(id, 0)),
      };
    });
  }

  /** A new stub each time: one that has seen its object die stays broken. */
  #partition(partition: number) {
    return env.PARTITION.getByName(`${this.#streamId}/${partition}`);
  }
}

const ids = (rows: readonly { readonly key: number }[], keysOfOne: number): readonly number[] => [
  ...new Set(rows.map(({ key }) => Math.floor(key / keysOfOne))),
];

export interface Pace {
  /** That builds may take from now on, all partitions together. */
  steps: number;
  /** A build has been stored in part or whole. */
  onStored: () => void;
}

/** Lets no replay go on until it is told to. */
export function paceReplays(): Pace {
  const pace: Pace = { steps: 0, onStored: () => {} };
  const { buildStep } = Replay.prototype;
  vi.spyOn(Replay.prototype, "buildStep").mockImplementation(function (this: Replay, now) {
    if (pace.steps <= 0) return false;
    pace.steps -= 1;
    return buildStep.call(this, now);
  });
  const { step } = BuildCheckpoint.prototype;
  vi.spyOn(BuildCheckpoint.prototype, "step").mockImplementation(function (this: BuildCheckpoint) {
    const isMore = step.call(this);
    if (!isMore) pace.onStored();
    return isMore;
  });
  return pace;
}

/** @returns lets the second partitions of streams not answer their stream, or answer again */
export function silenceable(): () => Promise<void> {
  let isSilent = false;
  for (const method of ["configure", "status", "comparedDay"] as const) {
    const real = PartitionObject.prototype[method] as (...args: unknown[]) => Promise<never>;
    vi.spyOn(PartitionObject.prototype, method).mockImplementation(async function (
      this: PartitionObject,
      ...args: unknown[]
    ) {
      const { ctx } = this as unknown as { readonly ctx: DurableObjectState };
      if (isSilent && ctx.id.name?.endsWith("/1") === true) throw new Error("it does not answer");
      return real.apply(this, args);
    });
  }
  return async () => {
    isSilent = !isSilent;
  };
}
