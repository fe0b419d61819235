/** The archive over HTTP: it is asked for, seen, read through, and its troubles are told to who is on duty. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "../../../edge/routes/app.ts";
import { admin, ADMIN_TOKEN, call, expectOk, expectProblem, TestStream } from "./client.ts";

const START = Date.UTC(2025, 5, 1);
const RANGE = { from: START, to: START + 3_600_000 };

const events = (count: number) => Array.from({ length: count }, (_, n) => ({ time: START, adId: `ad-${n % 3}`, n }));

const archiveOf = async (stream: TestStream): Promise<unknown> =>
  (await expectOk<{ partitions: { archive: unknown }[] }>(stream.admin("GET", ""))).partitions[0]?.archive;

describe("a stream with an archive", () => {
  it("is read back past its log, and says where everything is", async () => {
    const stream = await TestStream.create({ archive: true });
    await stream.imported(events(300));
    expect(await archiveOf(stream)).toEqual({ start: null, end: 0, packs: 0, bytes: 0 });
    await expectOk(stream.admin("POST", "/partitions/0/trim", { body: { before: 300 } }));
    expect(await archiveOf(stream)).toEqual({ start: 0, end: 300, packs: 1, bytes: expect.any(Number) });

    const page = await expectOk<{ records: unknown[] }>(stream.admin("GET", "/partitions/0/records?limit=7"));
    expect(page).toMatchObject({ next: 7, logStart: 300, logEnd: 300, archiveStart: 0 });
    expect(page.records).toHaveLength(7);
    const answer = await expectOk(stream.query({ ...RANGE, view: null }));
    expect(answer).toMatchObject({ complete: true, source: "log", rows: [{ clicks: 300 }] });
  });

  it("stops archiving when it is told to, and still reads what it has", async () => {
    const stream = await TestStream.create({ archive: true });
    await stream.imported(events(10));
    await expectOk(stream.admin("POST", "/partitions/0/trim", { body: { before: 10 } }));
    await expectOk(stream.admin("PUT", "", { body: { archive: false } }));
    await stream.imported(events(10));
    await expectOk(stream.admin("POST", "/partitions/0/trim", { body: { before: 20 } }));
    const answer = await expectOk<{ missing: unknown }>(stream.query({ ...RANGE, view: null }));
    expect(answer).toMatchObject({ complete: false, rows: [{ clicks: 10 }], missing: [{ reason: "trimmed" }] });
    const gone = await expectProblem(stream.admin("GET", "/partitions/0/records?offset=15"), 410, "offset_trimmed");
    expect(gone).toMatchObject({ logStart: 20, readableFrom: 20 });
  });

  it("tells in health and metrics when the archive takes nothing, and trims nothing then", async () => {
    const stream = await TestStream.create({ archive: true });
    await stream.imported(events(10));
    const streamId = await env.STREAM.getByName("directory").resolve(stream.name);
    await env.ARCHIVE?.put(`${streamId}/0/${"0".repeat(16)}`, "not a pack");
    await expectProblem(
      stream.admin("POST", "/partitions/0/trim", { body: { before: 10 } }),
      503,
      "archive_unavailable",
    );
    const { troubles } = await expectOk<{ troubles: unknown[] }>(admin("GET", "/health"));
    const trouble = { stream: stream.name, partition: 0, code: "archive_unavailable", detail: expect.any(String) };
    expect(troubles).toContainEqual(trouble);
    const metrics = await (await admin("GET", "/metrics")).text();
    expect(metrics).toContain(`headwater_archive_up{stream="${stream.name}",partition="0"} 0\n`);
    expect(await expectOk(stream.query({ ...RANGE, view: null }))).toMatchObject({ rows: [{ clicks: 10 }] });
    await expectOk(admin("GET", `/streams/${stream.name}`));
    expect((await admin("DELETE", `/streams/${stream.name}?confirm=${stream.name}`)).status).toBe(204);
    expect((await env.ARCHIVE?.list({ prefix: `${streamId}/` }))?.objects).toEqual([]);
  });

  it("cannot be made where no bucket is bound", async () => {
    const { ARCHIVE: _, ...bare } = env;
    const put = call("PUT", "/admin/streams/no-bucket", { key: ADMIN_TOKEN, body: { archive: true } }, (request) =>
      createApp().fetch(request, bare),
    );
    expect(await expectProblem(put, 400, "invalid_config")).toMatchObject({ path: "archive" });
    await expectProblem(admin("GET", "/streams/no-bucket"), 404, "unknown_stream");
  });
});
