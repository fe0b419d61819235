/** Measures a contender under a load: every client sends its next batch as soon as its last one is durable. */
import type { Client } from "./contender.ts";

export interface Measured {
  /** Batches that were acknowledged, a second. */
  readonly batchesPerSecond: number;
  /** Milliseconds from sending a batch to its acknowledgement: the median and the 99th percentile. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** @param warmUpMs sent like the rest, and not counted */
export async function measure(clients: readonly Client[], forMs: number, warmUpMs: number): Promise<Measured> {
  const start = performance.now() + warmUpMs;
  const end = start + forMs;
  const latencies: number[] = [];
  await Promise.all(
    clients.map(async (client) => {
      for (let sentAt = performance.now(); sentAt < end;) {
        await client.send();
        const now = performance.now();
        if (sentAt >= start && now <= end) latencies.push(now - sentAt);
        sentAt = now;
      }
    }),
  );
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? NaN;
  return { batchesPerSecond: (latencies.length / forMs) * 1_000, p50Ms: at(0.5), p99Ms: at(0.99) };
}
