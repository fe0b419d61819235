/** A rule is changed, looked at, put in force and taken back from a terminal, on a real server. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StreamClient } from "../support/api.ts";
import { Cli } from "../support/cli.ts";
import { type Server, startServer } from "../support/server.ts";

const BASE = Date.UTC(2025, 0, 1);
const EVENTS = 40_000;
const BATCH = 10_000;
const VIEW = { name: "clicks_per_ad", groupBy: ["adId"], window: "1m", measures: { clicks: { count: true } } };
const SLOW = ["--max-duty", "0.02"];

const folder = mkdtempSync(join(tmpdir(), "headwater-cli-"));
let server: Server;
let stream: StreamClient;
let cli: Cli;

beforeAll(async () => {
  [cli, server] = await Promise.all([Cli.install(), startServer({ persistTo: folder })]);
  stream = await StreamClient.create(server, "clicks", { views: [VIEW] });
  for (let sequence = 0; sequence < EVENTS; sequence += BATCH) {
    const events = Array.from({ length: BATCH }, (_, i) => ({
      time: BASE + ((sequence + i) % 3_600) * 1_000,
      adId: `ad-${i % 50}`,
      country: i % 4 === 0 ? "US" : "GB",
    }));
    const { status } = await stream.append({ producer: { id: "p", sequence }, events }, stream.keys.import);
    expect(status).toBe(200);
  }
  cli.use(stream, server.adminToken);
});

afterAll(async () => {
  cli.uninstall();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const RANGE = ["--from", "2025-01-01", "--to", "2025-01-02"];

async function answer(): Promise<{ source: string; clicks: number }> {
  const asked = await cli.ok("query", ...RANGE, "--view", VIEW.name, "--format", "json");
  const { source, rows } = JSON.parse(asked) as { source: string; rows: { clicks: number }[] };
  return { source, clicks: rows[0]?.clicks ?? 0 };
}

test("a changed rule is replayed, compared, promoted and rolled back", async () => {
  const { code, stdout, stderr } = await cli.run(["replay", VIEW.name, "--set", '{"where": {"country": "US"}}']);
  expect(code, stderr).toBe(0);
  const id = /Replay (\S+) of clicks_per_ad: caught-up\. 40,000 records/.exec(stdout)?.[1] ?? "";
  expect(stdout).toMatch(/^[\d,]+ of [\d,]+ rows would change\.$/m);
  // No terminal here: plain lines, no bar, no escape sequences.
  for (const control of ["\r", "\u001b", "█"]) expect(stderr).not.toContain(control);
  expect(stderr).toContain(`headwater diff ${id}`);
  expect(await answer()).toEqual({ source: "view:clicks_per_ad@1", clicks: EVENTS });

  const diff = await cli.ok("diff", id);
  expect(diff).toMatch(/^clicks +40000 +10000 +-30000 +-75$/m);
  expect(diff).toMatch(/^time +adId +clicks before +after$/m);
  expect(await cli.ok("replays")).toMatch(new RegExp(`^${id} +clicks_per_ad +2 +build +caught-up +100`, "m"));

  expect(await cli.ok("promote", id, "--reason", "agreed", "--by", "ada")).toBe(
    "clicks_per_ad is answered by generation 2 from now on.\n",
  );
  expect(await answer()).toEqual({ source: "view:clicks_per_ad@2", clicks: EVENTS / 4 });
  expect(await cli.ok("rollback", VIEW.name, "--reason", "too sharp")).toBe(
    "clicks_per_ad is answered by generation 1 again.\n",
  );
  expect(await answer()).toEqual({ source: "view:clicks_per_ad@1", clicks: EVENTS });
});

test("the ledger says who changed what, when and why", async () => {
  const [head, rolledBack, promoted] = (await cli.ok("ledger", VIEW.name)).split("\n");
  expect(head).toMatch(/^entry +when +what +generation +by/);
  expect(rolledBack).toMatch(/ rollback +2 → 1 +admin .* too sharp$/);
  expect(promoted).toMatch(/ promote +1 → 2 +ada +\d+ +clicks 40000 → 10000 +agreed$/);
});

test("a policy lets only small changes promote themselves", async () => {
  const rule = ["replay", VIEW.name, "--set", '{"where": {"country": "GB"}}'];
  const held = await cli.run([...rule, "--total-change-max", "0.1"]);
  expect(held.code, held.stderr).toBe(0);
  expect(held.stdout).toContain("caught-up");
  expect(held.stderr).toContain("Not promoted by itself: ");
  const id = /Replay (\S+) of/.exec(held.stdout)?.[1] ?? "";
  const byKey = (await cli.ok("diff", id, "--by", "key", "--limit", "2")).split("\n");
  expect(byKey[0]).toMatch(/^adId +clicks before +after$/);
  expect(byKey).toHaveLength(4);
  const csv = (await cli.ok("diff", id, "--by", "row", "--format", "csv")).split("\r\n");
  expect(csv[0]).toBe("time,adId,clicks_before,clicks_after");
  const { rowsChanged } = JSON.parse(await cli.ok("diff", id, "--format", "json")) as { rowsChanged: number };
  expect(csv).toHaveLength(rowsChanged + 2);
  const all = JSON.parse(
    await cli.ok("diff", id, "--by", "window", "--all", "--limit", "9999", "--format", "json"),
  ) as {
    rows: { clicks: { before: number } }[];
  };
  expect(all.rows.reduce((sum, { clicks }) => sum + clicks.before, 0)).toBe(EVENTS);
  expect(await cli.run(["diff", id, "--format", "csv"])).toMatchObject({ code: 2 });
  await cli.ok("replay", "cancel", id);
  expect(await cli.ok(...rule, "--total-change-max", "0.3", "--rows-changed-max", "1")).toContain("promoted");
  await cli.ok("rollback", VIEW.name);
});

test("Ctrl-C leaves a replay running and says how to come back, also from a restart of the server", async () => {
  const running = cli.start(["replay", VIEW.name, "--verify", ...SLOW]);
  await running.says("has started");
  const id = /Replay (\S+) of/.exec(running.output())?.[1] ?? "";
  running.process.kill("SIGINT");
  const { code, stdout, stderr } = await running.ended;
  expect(code, stderr).toBe(130);
  expect(stdout).toBe("");
  expect(stderr).toContain(`headwater replay watch ${id} --stream clicks`);

  const watching = cli.start(["replay", "watch", id]);
  await watching.says(`Replay ${id} of clicks_per_ad is running.`);
  await server.kill();
  await server.restart();
  const ended = await watching.ended;
  expect(ended.code, ended.stderr).toBe(0);
  expect(ended.stdout).toMatch(new RegExp(`Replay ${id} of clicks_per_ad: verified\\..* 0 differ`));
});

test("a replay promotes itself if told to, and one that is cancelled is no success", async () => {
  expect(await cli.ok("replay", VIEW.name, "--auto")).toContain("promoted");
  const id = (await cli.ok("replay", VIEW.name, "--max-duty", "0.001", "--detach")).trim();
  expect(await cli.ok("replay", "pause", id)).toBe(`Replay ${id} of clicks_per_ad stands still.\n`);
  expect(await cli.ok("replays")).toMatch(new RegExp(`^${id} .* running, paused `, "m"));
  expect(await cli.ok("replay", "resume", id)).toBe(`Replay ${id} of clicks_per_ad goes on.\n`);
  expect(await cli.ok("replay", "cancel", id)).toContain(`Replay ${id} of clicks_per_ad is cancelled.`);
  const watched = await cli.run(["replay", "watch", id]);
  expect(watched).toMatchObject({ code: 1, stdout: "" });
  expect(watched.stderr).toContain("cancelled");
  expect(await cli.run(["promote", id])).toMatchObject({ code: 1, stderr: expect.stringContaining("replay_state: ") });
  expect(await cli.run(["diff", "nope"])).toMatchObject({ code: 1, stderr: expect.stringContaining("unknown_replay") });
});
