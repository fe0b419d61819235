/** The export command as a process, against an edge that answers as the real one does, and misbehaves when told to. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inRoot } from "../../scripts/lib/project.mjs";

/** A hundred megabytes take long on a machine that has other things to do. */
const LARGE_TIMEOUT_MS = 180_000;

type LogRecord = Readonly<Record<string, string | number | boolean>>;

const edge = {
  server: undefined as Server | undefined,
  /** By partition. */
  logs: [] as { readonly start: number; readonly records: readonly LogRecord[] }[],
  pageMax: 2,
  /** What happens to a page instead: by "partition/offset". */
  faults: new Map<string, (response: ServerResponse) => void>(),
};
let folder: string;

const problem = (response: ServerResponse, status: number, code: string, more: object = {}): void => {
  response.writeHead(status, { "Content-Type": "application/problem+json" });
  response.end(JSON.stringify({ code, detail: "because", ...more }));
};

const partitionStatus = ({ start, records }: (typeof edge.logs)[number], partition: number) => ({
  partition,
  logStart: start,
  logEnd: start + records.length,
  records: records.length,
  bytes: 0,
  segments: 0,
  watermark: 0,
  late: 0,
  rejected: 0,
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "headwater-export-"));
  Object.assign(edge, { logs: [], pageMax: 2, faults: new Map() });
  edge.server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://edge");
    const partition = /partitions\/(\d+)\/records/.exec(url.pathname)?.[1];
    if (partition === undefined) {
      const partitions = edge.logs.map(partitionStatus);
      return response.end(
        JSON.stringify({ name: "s", createdAt: 0, config: { views: [] }, views: [], keys: [], partitions }),
      );
    }
    const offset = Number(url.searchParams.get("offset"));
    const fault = edge.faults.get(`${partition}/${offset}`);
    if (fault) return fault(response);
    const { start, records } = edge.logs[Number(partition)] ?? { start: 0, records: [] };
    const count = Math.min(edge.pageMax, Number(url.searchParams.get("limit")));
    const page = records.slice(offset - start, offset - start + count);
    const numbered = page.map((record, i) => ({ offset: offset + i, appendTime: 1_000, ...record }));
    const body = { records: numbered, next: offset + page.length, logStart: start, logEnd: start + records.length };
    return response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => edge.server?.listen(0, "127.0.0.1", resolve));
});

afterEach(() => {
  edge.server?.closeAllConnections();
  edge.server?.close();
  rmSync(folder, { recursive: true, force: true });
});

function start(...given: (string | Record<string, string>)[]) {
  const args = given.filter((one) => typeof one === "string");
  const env = Object.assign({}, ...given.filter((one) => typeof one !== "string")) as Record<string, string>;
  const { port } = (edge.server as Server).address() as AddressInfo;
  const child = spawn(process.execPath, [inRoot("cli", "main.ts"), "export", "--stream", "s", ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HEADWATER_URL: `http://127.0.0.1:${port}`, HEADWATER_ADMIN_TOKEN: "t", ...env },
  });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  child.stderr.on("data", (chunk) => (output += chunk));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.once("close", (code) => resolve({ code, output })),
  );
  return { child, ended };
}

const csv = (...args: string[]) => start("--format", "csv", "-o", "out.csv", ...args).ended;
const written = () => readFileSync(join(folder, "out.csv"), "utf8");

describe("an export", () => {
  test("has every record of the range, in the order of partition and offset, with the columns that occur", async () => {
    edge.logs = [
      {
        start: 0,
        records: [
          { time: 1, type: "click", b: "x,y" },
          { time: 5, type: "view", a: 'say "hi"', both: 1 },
          { time: 9, type: "click", a: "left out" },
        ],
      },
      {
        start: 7,
        records: [
          { time: 3, type: "click", a: "line\u2028end", flag: true, both: "1" },
          { time: 4, a: "" },
        ],
      },
    ];
    const { code, output } = await csv("--from", "1", "--to", "9");
    expect(code, output).toBe(0);
    expect(written().split("\r\n")).toEqual([
      "time,appendTime,type,partition,offset,a,b,both:number,both:string,flag",
      '1970-01-01T00:00:00.001Z,1970-01-01T00:00:01.000Z,click,0,0,,"x,y",,,',
      '1970-01-01T00:00:00.005Z,1970-01-01T00:00:01.000Z,view,0,1,"say ""hi""",,1,,',
      "1970-01-01T00:00:00.003Z,1970-01-01T00:00:01.000Z,click,1,7,line\u2028end,,,1,true",
      '1970-01-01T00:00:00.004Z,1970-01-01T00:00:01.000Z,,1,8,"",,,,',
      "",
    ]);
    expect(output).toContain("4 rows, 10 columns: out.csv");
    expect(output).toContain("a column for each: both");
    expect(output).toContain("Not in the file: partition 1 below offset 7.");
    expect(readdirSync(folder)).toEqual(["out.csv"]);
  });

  test("that retention overtakes says so, and leaves the file that was there", async () => {
    writeFileSync(join(folder, "out.csv"), "of yesterday");
    edge.logs = [{ start: 0, records: Array.from({ length: 6 }, (_, i) => ({ time: i })) }];
    edge.faults.set("0/4", (response) => problem(response, 410, "offset_trimmed", { logStart: 5 }));
    const { code, output } = await csv();
    expect(code).toBe(1);
    expect(output).toContain("offset_trimmed: because. Retention took offset 4 of partition 0");
    expect(readdirSync(folder)).toEqual(["out.csv"]);
    expect(written()).toBe("of yesterday");
  });

  test("waits for an edge that is away for a moment", async () => {
    edge.logs = [{ start: 0, records: Array.from({ length: 6 }, (_, i) => ({ time: i })) }];
    edge.faults.set("0/2", (response) => {
      edge.faults.set("0/2", (again) => {
        edge.faults.delete("0/2");
        again.destroy();
      });
      problem(response, 503, "overloaded", { retryAfterMs: 1 });
    });
    expect(await csv()).toMatchObject({ code: 0, output: expect.stringContaining("6 rows") as string });
  });

  test("holds a part of it in memory, however large it is", { timeout: LARGE_TIMEOUT_MS }, async () => {
    const size = 1_000;
    edge.pageMax = 2_000;
    const text = (i: number) => String(i).padStart(size, "x");
    const records = Array.from({ length: 50_000 }, (_, i) => ({ time: i, a: text(i), b: text(-i) }));
    edge.logs = [{ start: 0, records }];
    // Less than the texts of the records take.
    const child = start("-o", "out", { NODE_OPTIONS: "--max-old-space-size=96" });
    expect(await child.ended).toMatchObject({ code: 0, output: expect.stringContaining("50,000 rows") as string });
    expect(statSync(join(folder, "out")).size).toBeGreaterThan(1_000_000);
  });

  test("ended by Ctrl-C leaves nothing", async () => {
    edge.logs = [{ start: 0, records: Array.from({ length: 6 }, (_, i) => ({ time: i })) }];
    const hangs = new Promise<void>((resolve) => edge.faults.set("0/4", () => resolve()));
    const { child, ended } = start("-o", "out.parquet");
    await hangs;
    expect(readdirSync(folder).length).toBeGreaterThan(0); // what it has read so far
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, output: expect.stringContaining("was not written") as string });
    await delay(0);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each([
    [["--from", "yesterday"], 2, "--from yesterday: no time"],
    [["--from", "5", "--to", "5"], 2, "--to must be after --from"],
    [["-o", "nowhere/out.csv"], 1, "ENOENT"],
  ])("explains %s", async (args, code, message) => {
    const ended = await start(...args).ended;
    expect(ended.output).toContain(message);
    expect(ended.code).toBe(code);
  });
});
