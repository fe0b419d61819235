/**
 * The real clicks with a local log of one hour: retention archives and trims all of them under power cuts, and every answer is the
 * batch job's all the same, from views that were replayed from the archive, and from the log that is nothing but the archive.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StreamClient } from "../support/api.ts";
import { describeWithData } from "../support/data.ts";
import { answersAreTrue, CLICKS, importClicks, VIEWS } from "../support/real-clicks.ts";
import { type Server, startServer } from "../support/server.ts";

const TRIMMED_WITHIN_MS = 90_000;

interface PartitionStatus {
  readonly logStart: number;
  readonly logEnd: number;
  readonly archive: {
    readonly start: number | null;
    readonly end: number;
    readonly packs: number;
    error?: string;
  } | null;
}

describeWithData("the real clicks in the archive", () => {
  const folder = mkdtempSync(join(tmpdir(), "headwater-archive-"));
  let server: Server;
  let stream: StreamClient;

  const partitions = async () => (await stream.admin<{ partitions: PartitionStatus[] }>("GET")).body.partitions;

  /** Waits until this holds of all partitions, cutting the power now and then. */
  async function until(holds: (status: PartitionStatus) => boolean, cuts: number): Promise<void> {
    const deadline = Date.now() + TRIMMED_WITHIN_MS;
    for (let cut = 0; ; cut++) {
      const all = await partitions();
      if (all.every(holds)) return;
      if (Date.now() > deadline) throw new Error(JSON.stringify(all));
      if (cut < cuts) {
        await server.kill();
        await server.restart();
      }
      await delay(200);
    }
  }

  beforeAll(async () => {
    server = await startServer({ persistTo: folder });
    stream = await StreamClient.create(server, "clicks", {
      partitions: 4,
      archive: true,
      retentionMs: "1h",
      views: VIEWS,
    });
    expect(await importClicks(stream)).toContain("107,853 accepted, 0 known already, 0 rejected");
  });

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("an hour later, which is a second here, the log is empty and the archive whole, whatever the power does", async () => {
    expect((await stream.admin("PUT", "", { retentionMs: "1s" })).status).toBe(200);
    await until(({ logStart, logEnd }) => logStart === logEnd, 3);
    expect((await stream.admin("PUT", "", { retentionMs: "1h" })).status).toBe(200);
    const all = await partitions();
    for (const { logEnd, archive } of all) expect(archive).toMatchObject({ start: 0, end: logEnd });
    expect(all.reduce((sum, { logEnd }) => sum + logEnd, 0)).toBe(CLICKS);
    expect(await importClicks(stream)).toContain("0 accepted, 107,853 known already, 0 rejected");
  });

  test("every view is replayed from the earliest archived click, over a power cut, and verified", async () => {
    for (const { name } of VIEWS) {
      const started = await stream.admin("POST", "/replays", { view: name, promote: "auto", maxDuty: 1 });
      expect(started.status).toBe(202);
      if (name === "users_per_ad") {
        await server.kill();
        await server.restart();
      }
      const job = await stream.replayUntil(String(started.body.id), ["promoted", "failed", "cancelled"]);
      expect(job).toMatchObject({ state: "promoted", recordsDone: CLICKS, diff: { rowsChanged: 0 } });
      const proof = await stream.admin("POST", "/replays", { view: name, mode: "verify", maxDuty: 1 });
      const verified = await stream.replayUntil(String(proof.body.id), ["verified", "differs", "failed"]);
      expect(verified).toMatchObject({ state: "verified", recordsDone: CLICKS });
      for (const { from } of verified.partitions as { from: number }[]) expect(from).toBe(0);
    }
  });

  answersAreTrue(() => stream);
});
