/** The live feed from outside, through a power cut: who comes back has missed nothing. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { StreamClient } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";

const QUERY = { last: "1h", measures: { clicks: { count: true } } };
const SOON = { timeout: 30_000, interval: 20 };

interface Message {
  readonly id: number;
  readonly rows: readonly { readonly clicks: number }[];
}

/** Listens until it is closed. */
async function listen(stream: StreamClient): Promise<{ readonly messages: Message[]; readonly socket: WebSocket }> {
  const socket = new WebSocket(`${stream.url.replace("http", "ws")}/v1/streams/${stream.name}/live`);
  const messages: Message[] = [];
  socket.addEventListener("message", ({ data }) => messages.push(JSON.parse(String(data)) as Message));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  socket.send(JSON.stringify({ key: stream.keys.read, query: QUERY }));
  await vi.waitFor(() => expect(messages.length).toBeGreaterThan(0), SOON);
  return { messages, socket };
}

describe("the live feed", () => {
  const folder = mkdtempSync(join(tmpdir(), "headwater-live-"));
  let server: Server;
  let stream: StreamClient;
  let sent = 0;
  const click = async () => {
    const { status } = await stream.append({ events: [{ adId: "a" }] });
    expect(status).toBe(200);
    sent += 1;
  };

  beforeAll(async () => {
    server = await startServer({ persistTo: folder });
    stream = await StreamClient.create(server, "clicks", { partitions: 2 });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("follows the clicks, each message a whole answer, and goes on after a power cut", async () => {
    const before = await listen(stream);
    for (let i = 0; i < 5; i++) await click();
    await vi.waitFor(() => expect(before.messages.at(-1)?.rows).toEqual([{ clicks: sent }]), SOON);
    const counts = before.messages.map(({ rows }) => rows[0]?.clicks ?? -1);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(before.messages.map(({ id }) => id)).toEqual(before.messages.map((_, i) => i + 1));

    const closed = new Promise((resolve) => before.socket.addEventListener("close", resolve));
    await server.kill();
    await closed;
    await server.restart();
    await click();
    const after = await listen(stream);
    expect(after.messages[0]).toMatchObject({ id: 1, rows: [{ clicks: sent }] });
    await click();
    await vi.waitFor(() => expect(after.messages.at(-1)?.rows).toEqual([{ clicks: sent }]), SOON);
    after.socket.close();
  });
});
