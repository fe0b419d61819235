/** Bodies that are meant to hurt, against a real server whose memory is watched. What they are answered is tested elsewhere too. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, StreamClient } from "../support/api.ts";
import { residentBytes } from "../support/process.ts";
import { type Server, startServer } from "../support/server.ts";

const MIB = 1024 * 1024;
/** Under the bound on compressed bytes, and about 240 MiB when inflated. */
const BOMB = gzipSync(Buffer.alloc(240 * MIB), { level: 9 });
/** What garbage and a warm runtime may add; one bomb inflated would be several times as much. */
const GROWTH_MAX_BYTES = 120 * MIB;

/** Far more than the buffers between a client and the worker hold. */
const ENDLESS_BYTES = 128 * MIB;

describe("hostile bodies", () => {
  const folder = mkdtempSync(join(tmpdir(), "headwater-hostile-"));
  let server: Server;
  let stream: StreamClient;
  const url = () => `${server.url}/v1/streams/hostile/events`;

  beforeAll(async () => {
    server = await startServer({ persistTo: folder });
    stream = await StreamClient.create(server, "hostile", {});
    await stream.append({ events: [{ adId: "warm" }] });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("a gzip bomb is refused before it takes memory, however many come at once", async () => {
    expect(BOMB.length).toBeLessThan(256 * 1024);
    const headers = { "Content-Type": "application/json", "Content-Encoding": "gzip" };
    const explode = () => call(url(), { method: "POST", key: stream.keys.write, headers, body: BOMB });
    expect(await explode()).toMatchObject({ status: 413, body: { code: "too_large", max: 1 * MIB } });

    const before = residentBytes(server.pid);
    for (let round = 0; round < 4; round++) {
      const answers = await Promise.all(Array.from({ length: 8 }, explode));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 413));
    }
    const grown = residentBytes(server.pid) - before;
    console.log(
      `32 bombs of ${BOMB.length} bytes, 240 MiB each inflated: memory grew by ${(grown / MIB).toFixed(1)} MiB`,
    );
    expect(grown).toBeLessThan(GROWTH_MAX_BYTES);
  });

  test("a body that does not say how long it is, and never ends, is cut off", async () => {
    const chunk = new Uint8Array(64 * 1024).fill(0x20);
    let sent = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += chunk.length;
        // A server that reads on gets all of it, and fails the test by taking it.
        if (sent > ENDLESS_BYTES) controller.close();
        else controller.enqueue(chunk);
      },
    });
    const init: RequestInit & { duplex: "half" } = {
      method: "POST",
      duplex: "half",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${stream.keys.write}` },
      body: endless,
    };
    const answer = await fetch(url(), init).catch((error: unknown) => error);
    // Beyond what the buffers on the way hold, nobody has read.
    expect(sent).toBeLessThan(ENDLESS_BYTES / 2);
    // The worker says 413; wrangler's proxy, or Node's fetch, may notice the cut before it sees that.
    const isOurs = answer instanceof Response && answer.headers.get("Content-Type")?.includes("json");
    if (isOurs) expect(answer.status).toBe(413);
    else expect(answer instanceof Response ? answer.ok : false).toBe(false);
  });

  test("afterwards the stream holds what was sent before, and takes more", async () => {
    expect(await stream.append({ events: [{ adId: "after" }] })).toMatchObject({ status: 200, body: { offset: 1 } });
    const { rows } = await stream.query({ last: "1h", view: null });
    expect(rows).toEqual([{ clicks: 2 }]);
  });
});
