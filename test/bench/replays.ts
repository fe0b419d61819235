/** Clicks in a stream of a real worker, and replays of one of its views: what the benches of replays have in common. */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { StreamClient } from "../support/api.ts";
import { type Chunk, textOf } from "./queries/dataset.ts";

/** As many as the engine's log is loaded with at a time, so that both have the same segments. */
const IMPORT_BATCH = 1_000;
const IMPORTS_AT_ONCE = 8;
/** Each poll takes the one thread from what is measured. */
const POLL_MS = 50;
/** What a cancelled job has built is gone by then: to delete it is no part of the next replay. */
const DROPPED_AFTER_MS = 1_500;

export async function load(stream: StreamClient, chunk: Chunk): Promise<void> {
  const open: Promise<void>[] = [];
  for (let from = 0; from < chunk.count; from += IMPORT_BATCH) {
    open.push(importBatch(stream, chunk, from));
    if (open.length >= IMPORTS_AT_ONCE) await open.shift();
  }
  await Promise.all(open);
}

async function importBatch(stream: StreamClient, chunk: Chunk, from: number): Promise<void> {
  const batch = Array.from({ length: Math.min(IMPORT_BATCH, chunk.count - from) }, (_, i) => ({
    time: chunk.times[from + i],
    adId: textOf.ad(chunk.ads[from + i] as number),
    userId: textOf.user(chunk.users[from + i] as number),
    country: textOf.country(chunk.countries[from + i] as number),
    device: textOf.device(chunk.devices[from + i] as number),
    price: (chunk.cents[from + i] as number) / 100,
  }));
  // Each under a producer of its own, which spreads them over the partitions.
  const producer = { id: randomUUID(), sequence: 0 };
  const { status, body } = await stream.append({ producer, events: batch }, stream.keys.import);
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
}

/**
 * Replays the view that every stream has, and cancels it when it could be promoted.
 *
 * @returns how long the job took to catch up, as it says itself, and until it had been compared, as seen from outside
 */
export async function replay(
  stream: StreamClient,
  events: number,
): Promise<{ caughtUpMs: number; promotableMs: number }> {
  const from = performance.now();
  const { body } = await stream.admin("POST", "/replays", { view: "clicks_per_ad" });
  const path = `/replays/${String(body.id)}`;
  for (;;) {
    const { body: job } = await stream.admin("GET", path);
    if (job.state === "caught-up") {
      const promotableMs = performance.now() - from;
      if (job.recordsDone !== events) throw new Error(`all are replayed: ${JSON.stringify(job)}`);
      // One that gave up is soon done.
      if (job.diff === undefined) throw new Error(`it was compared: ${JSON.stringify(job)}`);
      await stream.admin("POST", `${path}/cancel`);
      await delay(DROPPED_AFTER_MS);
      return { caughtUpMs: (events * 1_000) / Number(job.recordsPerSecond), promotableMs };
    }
    if (job.state !== "running") throw new Error(JSON.stringify(job));
    await delay(POLL_MS);
  }
}
