/**
 * Measures a contender under a load: every client sends its next batch as soon as its last one is durable.
 *
 * What counts is what is acknowledged within the measured time, whenever it was sent: where hundreds of clients wait for a
 * slow server, a batch takes longer than a measurement, and none of them would be sent and acknowledged within it.
 */
import type { Client } from "./contender.ts";

export interface Measured {
  /** Batches that were acknowledged, a second. */
  readonly batchesPerSecond: number;
  /** Milliseconds from sending a batch to its acknowledgement, refusals between them included: median and 99th percentile. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Batches acknowledged before, while and after it was measured: all of them must be in the log now. */
  readonly acknowledged: number;
  /** How often a batch was refused and sent again, by the code of the refusal; also of all that was sent. */
  readonly refusals: ReadonlyMap<string, number>;
}

/** It takes longer than asked until this many batches a client are acknowledged: clients that wait together are answered in waves. */
const BATCHES_PER_CLIENT_MIN = 2;
/** But not longer than this. */
const MEASURE_MS_MAX = 20_000;

/** @param warmUpMs sent like the rest, and not counted; it also lasts until a batch a client is acknowledged */
export async function measure(clients: readonly Client[], forMs: number, warmUpMs: number): Promise<Measured> {
  const begin = performance.now();
  const latencies: number[] = [];
  const refusals = new Map<string, number>();
  let acknowledged = 0;
  let start: number | null = null;
  let end: number | null = null;

  const take = (now: number, latencyMs: number): void => {
    acknowledged += 1;
    if (end !== null) return;
    if (start === null) {
      if (now - begin >= warmUpMs && acknowledged >= clients.length) start = now;
      return;
    }
    latencies.push(latencyMs);
    const isEnough = latencies.length >= BATCHES_PER_CLIENT_MIN * clients.length || now - start >= MEASURE_MS_MAX;
    if (now - start >= forMs && isEnough) end = now;
  };
  await Promise.all(
    clients.map(async (client) => {
      while (end === null) {
        const sentAt = performance.now();
        for (const code of await client.send()) refusals.set(code, (refusals.get(code) ?? 0) + 1);
        const now = performance.now();
        take(now, now - sentAt);
      }
    }),
  );
  const measuredMs = (end ?? NaN) - (start ?? NaN);
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? NaN;
  const batchesPerSecond = (latencies.length / measuredMs) * 1_000;
  return { batchesPerSecond, p50Ms: at(0.5), p99Ms: at(0.99), acknowledged, refusals };
}
