/** Partitions with an archive, as tests hold them: over a clock of their own, and a real bucket. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import type { ViewSpec } from "#engine";
import { Database } from "../../../edge/partition/database.ts";
import { FactStore } from "../../../edge/partition/facts.ts";
import { Partition } from "../../../edge/partition/partition.ts";
import type { PartitionConfig } from "../../../edge/partition/rpc.ts";
import { CLICKS_PER_AD, DAY, generation, HeldPartition, HOUR, MINUTE } from "./held-partition.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
export const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;
export const BASE = START - DAY;

export const BY_AD = { everyMs: MINUTE, groupBy: ["ad"] };
export const BY_MINUTE = { everyMs: MINUTE, groupBy: ["ad", "country"] };

export const bucket = env.ARCHIVE as R2Bucket;

export const makeArchived = (overrides: Partial<PartitionConfig> = {}) =>
  HeldPartition.make({ retentionMs: HOUR, archive: true, ...overrides });

/** Time passes, and what is due is done. */
export async function pass(held: HeldPartition, ms: number): Promise<void> {
  vi.setSystemTime(Date.now() + ms);
  await held.status();
  // One alarm seals the tail, packs and trims.
  for (let i = 0; i < 3; i++) await held.ring();
}

export const objectsOf = async (held: HeldPartition) =>
  (await bucket.list({ prefix: `${held.config.streamId}/` })).objects;

/** Builds another generation beside those that there are. */
export async function rebuilt(held: HeldPartition, number: number, spec: ViewSpec = CLICKS_PER_AD) {
  const generations = [...held.config.generations, generation({ generation: number, spec })];
  await held.configure({ generations });
  await held.settle();
  return held.generation(number);
}

/** Works on a partition of its own over the object's storage; the object itself is not awake. */
export const inObject = (
  held: HeldPartition,
  work: (partition: Partition, facts: FactStore) => Promise<void>,
  archive = bucket,
) =>
  runInDurableObject(held.stub, (_, { storage }) => {
    const database = new Database(storage);
    const facts = new FactStore(database);
    return work(new Partition(database, facts, held.config, Date.now(), archive), facts);
  });
