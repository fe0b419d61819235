/** The import command, run as a user runs it, against an edge that admits as the real one does and fails when told to. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { admit, type ProducerState } from "#engine";
import { inRoot } from "../../scripts/lib/project.mjs";

const folder = mkdtempSync(join(tmpdir(), "headwater-import-"));
const edge = {
  server: undefined as Server | undefined,
  producers: new Map<string, ProducerState>(),
  events: [] as Record<string, unknown>[],
  requests: 0,
  /** The status with which the nth request is answered instead; `lost` admits it and drops the reply. */
  faults: new Map<number, number | "lost">(),
};

beforeEach(async () => {
  Object.assign(edge, { producers: new Map(), events: [], requests: 0, faults: new Map() });
  edge.server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const fault = edge.faults.get(edge.requests++);
      const body = JSON.parse(Buffer.concat(chunks).toString()) as {
        producer: { id: string; sequence: number };
        events: Record<string, unknown>[];
      };
      response.setHeader("Content-Type", "application/json");
      if (typeof fault === "number") {
        response.statusCode = fault;
        return response.end(JSON.stringify({ code: "some_code", detail: "because", retryAfterMs: 1 }));
      }
      const { id, sequence } = body.producer;
      const batch = { sequence, count: body.events.length, lost: 0, commits: [], dropped: {}, once: false };
      const admission = admit(edge.producers.get(id), batch);
      if (!admission.ok) {
        response.statusCode = 409;
        return response.end(JSON.stringify({ code: admission.failure.reason }));
      }
      const { duplicates, next } = admission.value;
      edge.producers.set(id, next);
      edge.events.push(...body.events.slice(duplicates));
      if (fault === "lost") return request.socket.destroy();
      const accepted = body.events.length - duplicates;
      return response.end(
        JSON.stringify({ partition: 0, offset: 0, accepted, duplicates, rejected: [], lastSequence: next.last }),
      );
    });
  });
  await new Promise<void>((resolve) => edge.server?.listen(0, "127.0.0.1", resolve));
  return () => edge.server?.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string | Buffer): string {
  const path = join(mkdtempSync(join(folder, "file-")), name);
  writeFileSync(path, text);
  return path;
}

function startImport(file: string, ...options: string[]) {
  const { port } = (edge.server as Server).address() as AddressInfo;
  const args = [file, "--stream", "clicks", "--endpoint", `http://127.0.0.1:${port}`, "--key", "ik_x", ...options];
  const child = spawn(process.execPath, [inRoot("scripts", "import.mjs"), ...args]);
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, output })),
  );
  return { child, ended };
}

const runImport = (file: string, ...options: string[]) => startImport(file, ...options).ended;

const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => `${1_357_000_000_000 + i},ad-${i % 7},user-${i}`);
const csv = (count: number) => ["ms,ad,user", ...rows(count)].join("\n");
const MAPPING = ["--time", "ms", "--ad", "ad", "--user", "user"];

describe("an import", () => {
  test("sends every row once, its columns mapped, gzipped or not", async () => {
    const file = write("clicks.csv.gz", gzipSync(csv(9_500)));
    const { code, output } = await runImport(file, ...MAPPING);
    expect(output).toContain("9,500 rows: 9,500 accepted, 0 known already, 0 rejected");
    expect(code).toBe(0);
    expect(edge.producers.size).toBe(10);
    expect(edge.events.map((event) => event.userId)).toHaveLength(
      new Set(edge.events.map((event) => event.userId)).size,
    );
    expect(edge.events).toContainEqual({ time: 1_357_000_000_003, adId: "ad-3", userId: "user-3" });
  });

  test("run again, in another container and after a stop in the middle, counts nothing twice", async () => {
    edge.faults.set(4, 403); // stops the first run
    const first = await runImport(write("clicks.csv", csv(9_500)), ...MAPPING);
    expect(first).toMatchObject({ code: 1, output: expect.stringContaining("403 some_code: because") as string });
    const second = await runImport(write("same.csv.gz", gzipSync(csv(9_500))), ...MAPPING);
    expect(second.code).toBe(0);
    expect(edge.events).toHaveLength(9_500);
    expect((await runImport(write("clicks.csv", csv(9_500)), ...MAPPING)).output).toContain("0 accepted, 9,500 known");
    expect(edge.events).toHaveLength(9_500);
  });

  test("ended by Ctrl-C says how to go on, and goes on there", async () => {
    const file = write("clicks.csv", csv(60_000));
    const { child, ended } = startImport(file, ...MAPPING);
    while (edge.requests < 3) await delay(1);
    child.kill("SIGINT");
    const first = await ended;
    expect(first).toMatchObject({ code: 130, output: expect.stringContaining("Run the same command again") as string });
    expect(edge.requests).toBeLessThan(60);
    const taken = edge.events.length;
    const second = await runImport(file, ...MAPPING);
    expect(second.code, second.output).toBe(0);
    expect(second.output).toContain(`${taken.toLocaleString("en")} known already`);
    expect(new Set(edge.events.map((event) => event.userId)).size).toBe(60_000);
    expect(edge.events).toHaveLength(60_000);
  });

  test("outlives lost replies, overload and batches that are too large", async () => {
    edge.faults.set(0, "lost").set(1, 503).set(2, 413).set(5, 429).set(7, "lost");
    const { code } = await runImport(write("clicks.csv", csv(4_200)), ...MAPPING);
    expect(code).toBe(0);
    expect(new Set(edge.events.map((event) => event.userId)).size).toBe(4_200);
    expect(edge.events).toHaveLength(4_200);
  });

  test("takes an empty cell for an absent attribute, and numbers only where it is told to", async () => {
    const file = write("a.csv", '\ufefftime,country,price,zip\n2013-01-01T00:00:00Z,,0.5,01234\n5,"a ""b"", c",x,\n');
    expect((await runImport(file, "--number", "price")).code).toBe(0);
    expect(edge.events).toEqual([
      { time: "2013-01-01T00:00:00Z", price: 0.5, zip: "01234" },
      { time: 5, country: 'a "b", c', price: "x" },
    ]);
  });

  test.each<[string, string, string[], string]>([
    ["a column that cannot be an attribute", "time,event id\n1,2\n", [], 'column "event id" cannot be an attribute'],
    ["a reserved name", "time,offset\n1,2\n", [], 'column "offset" cannot be an attribute'],
    ["a missing time", "a,b\n1,2\n", [], "which column is the event time?"],
    ["a column that is not there", "time,b\n1,2\n", ["--ad", "ad_id"], 'the file has no column "ad_id"'],
    ["two columns of one name", "time,a,adId\n1,2,3\n", ["--ad", "a"], 'two columns become "adId"'],
    ["rows of different lengths", "time,b\n1,2\n1\n", [], "Invalid Record Length"],
  ])("explains %s", async (_, text, options, message) => {
    const { code, output } = await runImport(write("bad.csv", text), ...options);
    expect(output).toContain(message);
    expect(code).toBe(1);
    expect(edge.requests).toBe(0);
  });

  test("takes another name or leaves out what cannot be kept", async () => {
    const file = write("a.csv", "time,event id,offset\n1,x,y\n");
    expect((await runImport(file, "--rename", "event id=eventId", "--skip", "offset")).code).toBe(0);
    expect(edge.events).toEqual([{ time: 1, eventId: "x" }]);
  });
});
