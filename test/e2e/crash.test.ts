/** Power cuts: the whole server is killed with SIGKILL while producers append, and nothing acknowledged is lost or doubled. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StreamClient } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";

const PRODUCERS = 8;
const KILLS = 3;
const RUN_BETWEEN_KILLS_MS = 1_500;
const EVENTS_PER_BATCH = 5;

/** Appends batches until told to stop; a batch is sent again, as it is, until it is acknowledged. */
async function produce(stream: StreamClient, producer: string, state: { stopped: boolean }): Promise<number> {
  let sequence = 0;
  while (!state.stopped) {
    const events = Array.from({ length: EVENTS_PER_BATCH }, (_, i) => ({
      time: Date.now(),
      adId: `ad-${(sequence + i) % 3}`,
      eventId: `${producer}-${sequence + i}`,
    }));
    for (;;) {
      const reply = await stream.append({ producer: { id: producer, sequence }, events }).catch(() => undefined);
      if (reply?.status === 200) {
        expect(reply.body).toMatchObject({ lastSequence: sequence + EVENTS_PER_BATCH - 1, rejected: [] });
        break;
      }
      // Anything but a dead or overloaded server would be a fault of ours.
      if (reply !== undefined && reply.status < 500 && reply.status !== 429)
        throw new Error(JSON.stringify(reply.body));
      await delay(50);
    }
    sequence += EVENTS_PER_BATCH;
  }
  return sequence;
}

describe("eight producers and three power cuts", () => {
  const folder = mkdtempSync(join(tmpdir(), "headwater-crash-"));
  let server: Server;

  beforeAll(async () => {
    server = await startServer({ persistTo: folder });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("every acknowledged event counts exactly once, in the view and in the log", async () => {
    const stream = await StreamClient.create(server, "crash", { partitions: 2 });
    const state = { stopped: false };
    const started = Date.now();
    const producing = Promise.all(Array.from({ length: PRODUCERS }, (_, p) => produce(stream, `producer-${p}`, state)));
    for (let kill = 0; kill < KILLS; kill++) {
      await delay(RUN_BETWEEN_KILLS_MS);
      await server.kill();
      await server.restart();
    }
    await delay(RUN_BETWEEN_KILLS_MS);
    state.stopped = true;
    const acknowledged = await producing;
    const total = acknowledged.reduce((sum, count) => sum + count, 0);
    expect(Math.min(...acknowledged)).toBeGreaterThan(0);

    const range = { from: started - 60_000, to: Date.now() + 60_000 };
    const fromView = await stream.query(range);
    expect(fromView.source).toMatch(/^view:clicks_per_ad@/);
    expect(fromView.rows).toEqual([{ clicks: total }]);
    const fromLog = await stream.query({ ...range, view: null });
    expect(fromLog).toMatchObject({ source: "log", complete: true, rows: [{ clicks: total }] });

    const ids: unknown[] = [];
    for (const partition of [0, 1]) {
      const records = await stream.records(partition);
      expect(records.map((record) => record.offset)).toEqual(records.map((_, i) => i));
      ids.push(...records.map((record) => record.eventId));
    }
    const sent = acknowledged.flatMap((count, p) => Array.from({ length: count }, (_, i) => `producer-${p}-${i}`));
    expect(ids.toSorted()).toEqual(sent.toSorted());

    const { body } = await stream.admin("POST", "/replays", { view: "clicks_per_ad", mode: "verify", maxDuty: 1 });
    const job = await stream.replayUntil(String(body.id), ["verified", "differs", "failed", "cancelled"]);
    expect(job).toMatchObject({ state: "verified" });
  });
});
