/**
 * How long a click takes to the screen: from the moment in which a page sends it until a listener of the live feed has the message
 * that counts it. Beside it, what asking by hand takes: the same click, and a query when it has been acknowledged.
 *
 *   npm run bench -- feed [--clicks 60] [--partitions 4]
 *
 * Clicks come more than a second apart: nearer ones share a message, which waits for its second.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { StreamClient } from "../support/api.ts";
import { startServer } from "../support/server.ts";

const { values: options } = parseArgs({
  options: { clicks: { type: "string", default: "60" }, partitions: { type: "string", default: "4" } },
});
const CLICKS = Number(options.clicks);
const APART_MS = 1_200;
const QUERY = { last: "1h", measures: { clicks: { count: true } } };

const folder = mkdtempSync(join(tmpdir(), "headwater-feed-"));
const server = await startServer({ persistTo: folder });
try {
  const stream = await StreamClient.create(server, "clicks", { partitions: Number(options.partitions) });
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/streams/clicks/live`);
  const arrivals = new Map<number, number>();
  socket.addEventListener("message", ({ data }) => {
    const { id, rows } = JSON.parse(String(data)) as { id: number; rows: readonly { clicks: number }[] };
    arrivals.set(rows[0]?.clicks ?? 0, performance.now());
    socket.send(JSON.stringify({ ack: id }));
  });
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  socket.send(JSON.stringify({ key: stream.keys.read, query: QUERY }));
  const [feed, asked]: [number[], number[]] = [[], []];
  for (let n = 1; n <= CLICKS; n++) {
    await delay(APART_MS);
    const sentAt = performance.now();
    await stream.append({ producer: { id: `p-${n}`, sequence: 0 }, events: [{ adId: "a" }] });
    await stream.query(QUERY);
    asked.push(performance.now() - sentAt);
    while (!arrivals.has(n)) await delay(1);
    feed.push((arrivals.get(n) as number) - sentAt);
  }
  socket.close();
  console.log("| from a click being sent to | median | p99 |");
  console.log("| --- | ---: | ---: |");
  for (const [name, ms] of Object.entries({
    "its message on the live feed": feed,
    "the answer to a query after it": asked,
  })) {
    console.log(`| ${name} | ${quantile(ms, 0.5).toFixed(1)} ms | ${quantile(ms, 0.99).toFixed(1)} ms |`);
  }
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
