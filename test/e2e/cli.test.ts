/** The command line on a real server: installed from the package, asked as in a shell. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { StreamClient } from "../support/api.ts";
import { Cli } from "../support/cli.ts";
import { type Server, startServer } from "../support/server.ts";

const BASE = Date.UTC(2025, 0, 1);
const EVENTS = 600;
const VIEW = { name: "clicks_per_ad", groupBy: ["adId"], window: "1m", measures: { clicks: { count: true } } };

const folder = mkdtempSync(join(tmpdir(), "headwater-cli-"));
let server: Server;
let stream: StreamClient;
let cli: Cli;

beforeAll(async () => {
  [cli, server] = await Promise.all([Cli.install(), startServer({ persistTo: folder })]);
  stream = await StreamClient.create(server, "clicks", { partitions: 2, views: [VIEW] });
  const events = Array.from({ length: EVENTS }, (_, i) => ({
    time: BASE + (i % 120) * 1_000,
    adId: i % 3 === 0 ? "=cmd|evil\u001b[31m" : `ad-${i % 3}`,
    country: i % 2 === 0 ? "US" : "GB",
    price: i % 10,
  }));
  const { status } = await stream.append({ producer: { id: "p", sequence: 0 }, events }, stream.keys.import);
  expect(status).toBe(200);
  cli.use(stream, server.adminToken);
});

afterAll(async () => {
  cli.uninstall();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const RANGE = ["--from", "2025-01-01", "--to", "2025-01-02"];

describe("query", () => {
  test("prints a table for people, and what it is made of beside it", async () => {
    const args = ["query", ...RANGE, "--group-by", "adId", "--order-by", "-clicks", "--where", "country=US"];
    const { code, stdout, stderr } = await cli.run(args);
    expect(code, stderr).toBe(0);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^adId +clicks$/);
    expect(lines).toHaveLength(4);
    expect(lines[2]).toMatch(/^ad-1 +100$/);
    expect(stderr).toContain("3 rows from log, 2025-01-01T00:00:00Z to 2025-01-02T00:00:00Z, final");
  });

  test("prints what strangers wrote without letting it at the terminal or a spreadsheet", async () => {
    const question = ["query", ...RANGE, "--group-by", "adId"];
    for (const format of ["table", "json"]) {
      const stdout = await cli.ok(...question, "--format", format);
      expect(stdout).toContain("\\u001b[31m");
      expect(stdout).not.toContain("\u001b");
    }
    expect(await cli.ok(...question, "--format", "csv")).toContain("'=cmd|evil");
  });

  test("answers what the API answers, from flags or from JSON on standard input", async () => {
    const question = {
      from: BASE,
      to: BASE + 120_000,
      every: "1m",
      groupBy: ["adId", "country"],
      where: { price: { gte: 5 } },
      measures: { clicks: { count: true }, spent: { sum: "price" } },
      view: null,
    };
    const { rows, source, asOf } = await stream.query(question);
    expect(rows.length).toBe(12);
    const range = ["--from", String(question.from), "--to", String(question.to), "--every", "1m"];
    const what = ["--group-by", "adId,country", "--where", "price>=5", "--log", "--measure", "clicks=count"];
    const byFlags = await cli.ok("query", ...range, ...what, "--measure", "spent=sum:price", "--format", "json");
    expect(JSON.parse(byFlags)).toMatchObject({ rows, source, asOf });
    const asked = { input: JSON.stringify(question) };
    const byJson = await cli.run(["query", "--json", "-", "--format", "json"], asked);
    expect(JSON.parse(byJson.stdout)).toMatchObject({ rows, source, asOf });
    const csv = await cli.run(["query", "--json", "-", "--format", "csv"], asked);
    expect(csv.stdout.split("\r\n")[0]).toBe("time,adId,country,clicks,spent");
  });
});

describe("tail", () => {
  test("prints what is appended, partition by partition, until Ctrl-C", async () => {
    const following = cli.start(["tail", "--last", "1"]);
    await following.says("\n"); // it has begun
    const late = (i: number) => ({ type: "view", time: BASE + 1 + i, adId: `new ${i}`, price: i });
    for (let i = 0; i < 3; i++) {
      const batch = { producer: { id: `tail-${i}`, sequence: 0 }, events: [late(i)] };
      expect((await stream.append(batch, stream.keys.import)).status).toBe(200);
    }
    for (let i = 0; i < 3; i++) await following.says(`view adId="new ${i}" price=${i} time=2025-01-01T00:00:00.00`);
    following.process.kill("SIGINT");
    const { code, stdout } = await following.ended;
    expect(code).toBe(130);
    const [before, ...came] = stdout.trimEnd().split("\n");
    expect(before).toContain(" click ");
    expect(came).toHaveLength(3);
    for (const line of came) expect(line).toMatch(/^20\d\d-\S+Z \d\/\d+ view /);
  });

  test("gives programs an object a line, and ends when they have enough", async () => {
    const env = { ...process.env, ...cli.env };
    const command = `${JSON.stringify(process.execPath)} ${JSON.stringify(cli.command)} tail --format json --last 700`;
    const lines = execFileSync("bash", ["-c", `${command} 2>&1 | head -5`], { env, encoding: "utf8" })
      .trim()
      .split("\n");
    for (const line of lines) {
      expect(JSON.parse(line)).toMatchObject({
        offset: expect.any(Number) as number,
        appendTime: expect.any(Number) as number,
      });
    }
    expect(lines).toHaveLength(5);
  });
});

describe("streams and views", () => {
  test("are listed and shown", async () => {
    expect(await cli.ok("streams")).toBe("stream\nclicks\n");
    const shown = await cli.ok("streams", "show", "clicks");
    expect(shown).toMatch(/^retentionMs +7d$/m);
    expect(shown).toMatch(/^clicks_per_ad +ready +1/m);
    expect(shown).toMatch(/^partition +archived from +log start +log end +records/m);
    expect(shown).not.toContain(stream.keys.read);
    const { partitions } = JSON.parse(await cli.ok("streams", "show", "clicks", "--format", "json")) as {
      partitions: { records: number }[];
    };
    expect(partitions.reduce((sum, { records }) => sum + records, 0)).toBeGreaterThanOrEqual(EVENTS);
    expect(await cli.ok("views")).toMatch(/^clicks_per_ad +ready +1 +adId +1m +clicks$/m);
  });
});

describe("what goes wrong", () => {
  test.each<[string, string[], Record<string, string>, number, string]>([
    ["an unknown stream", ["query", ...RANGE, "--stream", "nope"], {}, 1, "unknown_stream: "],
    ["a wrong key", ["query", ...RANGE], { HEADWATER_READ_KEY: "rk_wrong" }, 1, "unauthorized: "],
    ["no range", ["query"], {}, 1, "range_required: "],
    ["a bad filter", ["query", ...RANGE, "--where", "country"], {}, 2, "--where country: write ATTRIBUTE=VALUE"],
    ["no key", ["views"], { HEADWATER_ADMIN_TOKEN: "" }, 2, "HEADWATER_ADMIN_TOKEN is not set"],
    ["no stream", ["views"], { HEADWATER_STREAM: "" }, 2, "which stream?"],
    ["an unknown flag", ["query", "--form", "x"], {}, 2, "did you mean"],
    ["an unknown command", ["quer"], {}, 2, "did you mean `query`?"],
    ["nobody there", ["views"], { HEADWATER_URL: "http://127.0.0.1:2" }, 1, "no answer from http://127.0.0.1:2"],
    ["no URL", ["views", "--url", "localhost"], {}, 2, "no http or https URL"],
  ])("%s is one line and an exit code", async (_, args, env, code, message) => {
    const ended = await cli.run(args, { env });
    expect(ended.stderr).toContain(message);
    expect(ended.stderr).not.toMatch(/^ +at /m);
    expect(ended).toMatchObject({ code, stdout: "" });
  });

  test("a reader that has read enough ends it quietly", () => {
    const env = { ...process.env, ...cli.env };
    const command = `${JSON.stringify(process.execPath)} ${JSON.stringify(cli.command)} query ${RANGE.join(" ")} --log --format json`;
    const shell = `set -o pipefail; ${command} --every 1m --limit 10000 | head -1; echo "\${PIPESTATUS[0]}"`;
    const output = execFileSync("bash", ["-c", `${shell} 2>&1`], { env, encoding: "utf8" });
    expect(output).toBe("{\n0\n");
  });

  test("help says for every command what it does, with examples", async () => {
    const help = await cli.ok("--help");
    const commands = [...help.matchAll(/^ {2}(\w+) {2,}[A-Z]/gm)].map(([, name]) => name ?? "");
    expect(commands.length).toBeGreaterThan(2);
    for (const command of commands) {
      const text = await cli.ok(command, "--help");
      expect(text, command).toContain("USAGE");
      if (!/^COMMANDS$/m.test(text)) expect(text, command).toMatch(/EXAMPLES?\n/);
    }
  });
});
