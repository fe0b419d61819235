/**
 * The whole story over real clicks, as the README tells it: import them, watch the dashboard, sharpen the spam rule, replay, read
 * the diff, promote, see the bill change, roll back, read the ledger. What the rule should leave out is counted by a plain loop over
 * the log.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Row, StreamClient } from "../support/api.ts";
import { Cli } from "../support/cli.ts";
import { clicksFile, describeWithData } from "../support/data.ts";
import { DemoWorld, untilText } from "../support/demo-world.ts";

const CLICKS = 107_853;
const [FROM, TO] = ["2013-01-01", "2013-03-01"];
const RANGE = ["--from", FROM, "--to", TO];
const BEFORE_MS = 1_000;
const AFTER_MS = 600_000;
const VIEW = {
  name: "billed",
  groupBy: ["adId"],
  window: "1m",
  measures: { clicks: { count: true }, spam: { count: "invalid" } },
  spam: { by: ["userId", "adId"], within: BEFORE_MS },
};

/** Every record is held against all earlier ones of its key. */
function countSpam(records: readonly Row[], withinMs: number): number {
  const seen = new Map<string, number[]>();
  let spam = 0;
  for (const { time, userId, adId } of records) {
    if (userId === undefined || adId === undefined) continue;
    const key = JSON.stringify([userId, adId]);
    const before = seen.get(key) ?? [];
    if (before.some((other) => Math.abs(other - Number(time)) < withinMs)) spam++;
    before.push(Number(time));
    seen.set(key, before);
  }
  return spam;
}

describeWithData("the story", () => {
  let world: DemoWorld;
  let cli: Cli;
  let stream: StreamClient;

  beforeAll(async () => {
    [world, cli] = await Promise.all([DemoWorld.start(), Cli.install()]);
    stream = await world.newStream({ partitions: 1, views: [VIEW] });
    cli.use(stream, world.server.adminToken);
  });
  afterAll(async () => {
    cli?.uninstall();
    await world?.end();
  });

  async function bill(): Promise<{ clicks: number; spam: number }> {
    const measures = ["--measure", "clicks=count", "--measure", "spam=count:invalid"];
    const asked = await cli.ok("query", ...RANGE, "--view", "billed", ...measures, "--format", "json");
    const { rows, complete } = JSON.parse(asked) as { rows: { clicks: number; spam: number }[]; complete: boolean };
    expect(complete).toBe(true);
    return rows[0] as { clicks: number; spam: number };
  }

  test("a rule is sharpened, its effect is seen before it counts, and it is taken back", async () => {
    const mapping = ["--time", "event_time_ms", "--ad", "ad_id", "--user", "user_id", "--rename", "event_id=eventId"];
    expect(await cli.ok("import", clicksFile, ...mapping)).toContain("107,853 accepted");
    const records = await stream.records(0);
    const [before, after] = [countSpam(records, BEFORE_MS), countSpam(records, AFTER_MS)];
    expect(after).toBeGreaterThan(before);
    expect(await bill()).toEqual({ clicks: CLICKS - before, spam: before });

    const reader = await world.newReader(world.configOf(stream));
    const page = await world.open(reader, `/dashboard?from=${Date.parse(FROM)}&to=${Date.parse(TO)}&view=billed`);
    const shown = (clicks: number) => untilText(page, "clicks", new RegExp(`^${clicks.toLocaleString("en-US")}$`));
    await shown(CLICKS - before);

    const sharper = JSON.stringify({ spam: { ...VIEW.spam, within: AFTER_MS } });
    const replayed = await cli.ok(
      "replay",
      "billed",
      "--set",
      sharper,
      "--reason",
      "ten minutes, as agreed",
      "--by",
      "ada",
    );
    const id = /Replay (\S+) of billed: caught-up\. 107,853 records/.exec(replayed)?.[1] ?? "";
    const diff = await cli.ok("diff", id);
    expect(diff).toMatch(new RegExp(`^clicks +${CLICKS - before} +${CLICKS - after} +${before - after} `, "m"));
    expect(diff).toMatch(new RegExp(`^spam +${before} +${after} `, "m"));
    // Seen, and not in force.
    expect(await bill()).toEqual({ clicks: CLICKS - before, spam: before });

    await cli.ok("promote", id, "--reason", "agreed", "--by", "ada");
    expect(await bill()).toEqual({ clicks: CLICKS - after, spam: after });
    await shown(CLICKS - after);

    await cli.ok("rollback", "billed", "--reason", "disputed", "--by", "bob");
    expect(await bill()).toEqual({ clicks: CLICKS - before, spam: before });
    await shown(CLICKS - before);

    const ledger = await cli.ok("ledger", "billed");
    expect(ledger).toMatch(/rollback +2 → 1 +bob .*disputed/);
    expect(ledger).toMatch(/promote +1 → 2 +ada .*agreed/);
    expect(await cli.ok("replay", "billed", "--verify")).toContain("verified");
    expect(world.complaints).toEqual([]);
  });
});
