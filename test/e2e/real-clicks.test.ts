/** A month and more of real clicks, loaded by the import command into four partitions of a real server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StreamClient } from "../support/api.ts";
import { describeWithData } from "../support/data.ts";
import { answersAreTrue, CLICKS, FROM, importClicks, TO, VIEWS } from "../support/real-clicks.ts";
import { type Server, startServer } from "../support/server.ts";

describeWithData("the real clicks", () => {
  const folder = mkdtempSync(join(tmpdir(), "headwater-real-"));
  let server: Server;
  let stream: StreamClient;

  beforeAll(async () => {
    server = await startServer({ persistTo: folder });
    stream = await StreamClient.create(server, "clicks", {
      partitions: 4,
      views: VIEWS,
    });
    expect(await importClicks(stream)).toContain("107,853 accepted, 0 known already, 0 rejected");
  });

  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("imported again, add nothing", async () => {
    expect(await importClicks(stream)).toContain("0 accepted, 107,853 known already, 0 rejected");
    const { rows } = await stream.query({ from: FROM, to: TO });
    expect(rows).toEqual([{ clicks: CLICKS }]);
  });

  test("lie in all four partitions, at dense offsets", async () => {
    const { body } = await stream.admin<{ partitions: { logStart: number; logEnd: number; records: number }[] }>("GET");
    expect(body.partitions).toHaveLength(4);
    expect(body.partitions.reduce((sum, { records }) => sum + records, 0)).toBe(CLICKS);
    for (const { logStart, logEnd, records } of body.partitions) {
      expect(records).toBeGreaterThan(0);
      expect(logEnd - logStart).toBe(records);
    }
  });

  answersAreTrue(() => stream);

  test("are verified by a replay of the whole log", async () => {
    for (const view of ["clicks_per_ad", "users_per_ad", "users_per_country"]) {
      const { status, body } = await stream.admin("POST", "/replays", { view, mode: "verify", maxDuty: 1 });
      expect(status).toBe(202);
      const job = await stream.replayUntil(String(body.id), ["verified", "differs", "failed", "cancelled"]);
      expect(job).toMatchObject({ state: "verified", recordsDone: CLICKS, progress: 1 });
    }
  });
});
