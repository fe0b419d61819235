/** Replays over real partitions, asked as a user would: through HTTP, while clicks come in and objects die. */
import { abortAllDurableObjects } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { PartitionConfig, PartitionRpc } from "../../../edge/partition/rpc.ts";
import type { ReplayJob, StreamRpc } from "../../../edge/stream/rpc.ts";
import { admin, expectOk, expectProblem, TestStream } from "../routes/client.ts";

const HOUR_MS = 3_600_000;
const FROM = Math.floor(Date.now() / HOUR_MS) * HOUR_MS - 48 * HOUR_MS;
const FROM_PHONES = { name: "clicks_per_ad", where: { device: "mobile" }, groupBy: ["adId"] };

let stream: TestStream;
beforeEach(async () => {
  stream = await TestStream.create({ partitions: 2 });
});

/**
 * Clicks over 40 hours, on five ads, every second one from a phone: of two at the same time one each, so that half of every
 * window is, wherever days begin and in whatever turns they are compared.
 */
const clicks = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    time: FROM + (((i >> 1) * 577_000) % (40 * HOUR_MS)),
    adId: `ad-${i % 5}`,
    device: i % 2 === 0 ? "mobile" : "desktop",
  }));

/** What the stream's name stands for. A new stub each time: after a crash an old one stays broken. */
async function streamId(): Promise<string> {
  const directory = env.STREAM.getByName("directory") as unknown as StreamRpc;
  return (await directory.resolve(stream.name)) ?? "";
}

/** The number of clicks, and which generation of the view says so. */
async function count(options: object = {}) {
  const { rows, source, complete } = await stream.answer({
    from: FROM,
    to: FROM + 48 * HOUR_MS,
    view: "clicks_per_ad",
    ...options,
  });
  expect(complete).toBe(true);
  return { clicks: rows[0]?.["clicks"], source };
}

async function start(replay: object): Promise<string> {
  return (await expectOk<{ id: string }>(stream.admin("POST", "/replays", { body: replay }))).id;
}

async function until(id: string, state: ReplayJob["state"]): Promise<ReplayJob> {
  for (let i = 0; i < 600; i++) {
    const job = await expectOk<ReplayJob>(stream.admin("GET", `/replays/${id}`));
    if (job.state === state) return job;
    expect(job).toMatchObject({ state: "running" });
    await sleep(50);
  }
  throw new Error(`replay ${id} did not become ${state}`);
}

const promote = (id: string) => expectOk<ReplayJob>(stream.admin("POST", `/replays/${id}/promote`));
const rollBack = () => expectOk(stream.admin("POST", "/views/clicks_per_ad/rollback"));

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Every object dies: what it held in memory is gone. */
const nothing = async () => {};
const crash = abortAllDurableObjects;

describe("a new stream", () => {
  it("answers from its view at once", async () => {
    expect(await count()).toEqual({ clicks: 0, source: "view:clicks_per_ad@1" });
    await stream.imported(clicks(10));
    expect(await count()).toEqual({ clicks: 10, source: "view:clicks_per_ad@1" });
  });

  it("that was deleted comes back empty under its name, and not at all under its id", async () => {
    const id = await streamId();
    await stream.imported(clicks(10));
    const deleted = await stream.admin("DELETE", `?confirm=${stream.name}`);
    expect(deleted.status).toBe(204);
    await crash();
    await expectProblem(stream.admin("GET"), 404, "unknown_stream");
    const made = await expectOk<{ keys: TestStream["keys"] }>(admin("PUT", `/streams/${stream.name}`, { body: {} }));
    stream = new TestStream(stream.name, made.keys);
    expect(await count()).toEqual({ clicks: 0, source: "view:clicks_per_ad@1" });
    expect(await streamId()).not.toBe(id);
  });

  it("tells its partitions of every change, and they refuse what is older", async () => {
    const id = await streamId();
    const partition = env.PARTITION.getByName(`${id}/1`) as unknown as PartitionRpc;
    const before = await (env.STREAM.getByName(id) as unknown as StreamRpc).appendContext();
    await expectOk(admin("PUT", `/streams/${stream.name}`, { body: { retentionMs: "3d" } }));
    const status = await partition.status();
    expect(status).toMatchObject({ ok: true, value: { configVersion: (before?.version ?? 0) + 1 } });
    expect(await partition.configure(before?.partitionConfigs[1] as PartitionConfig)).toMatchObject({
      failure: { reason: "stale_config" },
    });
  });
});

describe.each([
  ["", nothing],
  [", whatever dies between any two steps", crash],
])("a replay%s", (_, between) => {
  it("is built, compared, promoted, rolled back and promoted again", async () => {
    await stream.imported(clicks(600));
    await between();
    const id = await start({ view: FROM_PHONES });
    await between();
    const job = await until(id, "caught-up");
    expect(job).toMatchObject({ generation: 2, progress: 1, recordsDone: 600, recordsTotal: 600 });
    expect(job.diff).toMatchObject({ totals: { clicks: { before: 600, after: 300 } } });
    expect(await count(), "the old answer stands").toEqual({ clicks: 600, source: "view:clicks_per_ad@1" });

    await between();
    expect((await promote(id)).state).toBe("promoted");
    expect(await count()).toEqual({ clicks: 300, source: "view:clicks_per_ad@2" });
    await stream.imported(clicks(10));
    await between();
    expect(await count()).toEqual({ clicks: 305, source: "view:clicks_per_ad@2" });

    await rollBack();
    expect(await count(), "the old one has gone on").toEqual({ clicks: 610, source: "view:clicks_per_ad@1" });
    await between();
    await stream.imported(clicks(10));
    expect(await count()).toEqual({ clicks: 620, source: "view:clicks_per_ad@1" });
    await between();
    await promote(id);
    expect(await count()).toEqual({ clicks: 310, source: "view:clicks_per_ad@2" });
  });

  it("verifies what answers", async () => {
    await stream.imported(clicks(600));
    await between();
    const id = await start({ view: "clicks_per_ad", mode: "verify" });
    await between();
    const job = await until(id, "verified");
    expect(job.verification).toMatchObject({ differing: 0, skipped: 0 });
    expect(job.verification?.compared).toBeGreaterThan(100);
    await between();
    expect(await count()).toEqual({ clicks: 600, source: "view:clicks_per_ad@1" });
    await expectProblem(stream.admin("POST", `/replays/${id}/promote`), 409, "replay_state");
  });
});

describe("while clicks come in", () => {
  it("a replay catches up, and neither generation loses or doubles one", async () => {
    let sent = 0;
    let done = false;
    const append = async () => {
      while (!done) {
        await stream.imported(clicks(20));
        sent += 20;
        // Everything here is one thread, whose timers and alarms only run when nothing else is ready.
        await sleep(1);
      }
    };
    await stream.imported(clicks(2_000));
    sent += 2_000;
    const appending = Promise.all([append(), append()]);
    try {
      const id = await start({ view: FROM_PHONES });
      const { diff, recordsDone } = await until(id, "caught-up");
      const totals = diff?.totals["clicks"];
      expect(totals?.before, "both sides are frozen at one offset").toBe(2 * (totals?.after ?? 0));
      expect(totals?.before).toBeGreaterThanOrEqual(2_000);
      expect(recordsDone).toBeGreaterThanOrEqual(2_000);
      await promote(id);
      await rollBack();
      await promote(id);
      await until(await start({ view: "clicks_per_ad", mode: "verify" }), "verified");
    } finally {
      done = true;
      await appending;
    }
    expect((await count()).clicks).toBe(sent / 2);
    await rollBack();
    expect((await count()).clicks).toBe(sent);
  });
});

describe("a view", () => {
  it("made later is built over the retained log and answers by itself; made again, under a new number", async () => {
    await stream.imported(clicks(100));
    const put = () => stream.admin("PUT", "/views/per_device", { body: { groupBy: ["device"] } });
    const made = await expectOk<{ replay: string }>(put());
    await until(made.replay, "promoted");
    const phones = () =>
      stream.answer({ from: FROM, to: FROM + 48 * HOUR_MS, groupBy: ["device"], view: "per_device" });
    expect(await phones()).toMatchObject({
      source: "view:per_device@1",
      rows: [
        { device: "desktop", clicks: 50 },
        { device: "mobile", clicks: 50 },
      ],
    });
    expect((await stream.admin("DELETE", "/views/per_device")).status).toBe(204);
    await crash();
    const again = await expectOk<{ replay: string }>(put());
    expect(again.replay).not.toBe(made.replay);
    await until(again.replay, "promoted");
    expect((await phones()).source).toBe("view:per_device@2");
  });

  it("whose specification is PUT anew is replayed and promoted by itself", async () => {
    await stream.imported(clicks(100));
    const { replay } = await expectOk<{ replay: string }>(
      stream.admin("PUT", "/views/clicks_per_ad", { body: { where: { device: "mobile" }, groupBy: ["adId"] } }),
    );
    const job = await until(replay, "promoted");
    expect(job.diff).toMatchObject({ totals: { clicks: { before: 100, after: 50 } } });
    expect(await count()).toEqual({ clicks: 50, source: "view:clicks_per_ad@2" });
  });

  it("that is rolled back twice, because the first answer was lost, is rolled back once if it is said to what", async () => {
    await stream.imported(clicks(100));
    const id = await start({ view: FROM_PHONES });
    await until(id, "caught-up");
    await promote(id);
    for (let i = 0; i < 2; i++) {
      await expectOk(stream.admin("POST", "/views/clicks_per_ad/rollback", { body: { to: 1, reason: "too strict" } }));
      expect(await count()).toEqual({ clicks: 100, source: "view:clicks_per_ad@1" });
    }
    const { entries } = await expectOk<{ entries: object[] }>(stream.admin("GET", "/views/clicks_per_ad/ledger"));
    expect(entries.map((entry) => "action" in entry && entry.action)).toEqual(["rollback", "promote", "promote"]);
  });

  it("compared with one of another shape is compared in what both have", async () => {
    await stream.imported(clicks(100));
    const id = await start({ view: { name: "clicks_per_ad", groupBy: ["device"], window: "1h" } });
    const { diff } = await until(id, "caught-up");
    expect(diff).toMatchObject({ rowsChanged: 0, totals: { clicks: { before: 100, after: 100 } } });
  });
});
