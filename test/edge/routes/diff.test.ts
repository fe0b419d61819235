/** The rows of a diff: whatever the pages, all of them are there once, in order, and as one look at all clicks says. */
import { describe, expect, it } from "vitest";
import { admin, expectOk, expectProblem, TestStream } from "./client.ts";

const START = Date.UTC(2025, 5, 1, 22);
const HOUR = 3_600_000;

interface Event {
  readonly time: number;
  readonly adId: string;
  readonly country?: string;
  readonly price: number;
}
/** Over three days; half of the clicks come from abroad, on some ads all and on some none of them, and in some hours none. */
const EVENTS: readonly Event[] = Array.from({ length: 600 }, (_, i) => {
  const hour = (i * 7_919) % 50;
  const isHome = hour % 10 === 0;
  return {
    time: START + hour * HOUR,
    adId: `ad-${i % 9}`,
    ...((isHome || i % 7 !== 0) && { country: isHome || i % 9 < 3 || i % 2 === 0 ? "DE" : "US" }),
    price: (i % 5) / 4,
  };
});

const MEASURES = { clicks: { count: true }, spent: { sum: "price" } };
const VIEW = { name: "billed", groupBy: ["adId"], window: "1h", measures: MEASURES };
const CHANGED = { ...VIEW, where: { country: "DE" } };
const isBilled = ({ country }: Event): boolean => country === "DE";

type Pair = { readonly before: number; readonly after: number };
interface DiffRow {
  readonly time?: number;
  readonly adId?: string;
  readonly clicks: Pair;
  readonly spent: Pair;
}
interface Page {
  readonly rows: readonly DiffRow[];
  readonly next: string | null;
}

/** What one look at all clicks says. */
function expectedRows(by: string, onlyChanged: boolean): DiffRow[] {
  const groups = Map.groupBy(EVENTS, ({ time, adId }) =>
    [by === "key" ? "" : String(time), by === "window" ? "" : adId].join("|"),
  );
  const spent = (events: readonly Event[]) => events.reduce((sum, { price }) => sum + price, 0);
  const rows = [...groups.values()].map((events) => {
    const [{ time, adId }] = events as [Event];
    const after = events.filter(isBilled);
    return {
      ...(by !== "key" && { time }),
      ...(by !== "window" && { adId }),
      clicks: { before: events.length, after: after.length },
      spent: { before: spent(events), after: spent(after) },
    };
  });
  return rows
    .filter(({ clicks }) => !onlyChanged || clicks.before !== clicks.after)
    .sort((a, b) => (a.time ?? 0) - (b.time ?? 0) || ((a.adId ?? "") < (b.adId ?? "") ? -1 : 1));
}

async function settled(stream: TestStream, id: string, states = ["caught-up", "verified"]): Promise<void> {
  for (let i = 0; i < 400; i++) {
    const { state } = await expectOk<{ state: string }>(stream.admin("GET", `/replays/${id}`));
    if (states.includes(state)) return;
    await scheduler.wait(10);
  }
  throw new Error("the replay does not settle");
}

async function replayed(stream: TestStream, view: object): Promise<string> {
  const { id } = await expectOk<{ id: string }>(stream.admin("POST", "/replays", { body: { view } }));
  await settled(stream, id);
  return id;
}

async function withDiff(): Promise<{ stream: TestStream; id: string }> {
  const stream = await TestStream.create({ partitions: 3, views: [VIEW] });
  for (let from = 0; from < EVENTS.length; from += 40) {
    const producer = { id: `p-${from}`, sequence: 0 };
    await stream.appended({ producer, events: EVENTS.slice(from, from + 40) }, { key: stream.keys.import });
  }
  return { stream, id: await replayed(stream, CHANGED) };
}

async function allRows(stream: TestStream, id: string, query: string): Promise<DiffRow[]> {
  const rows: DiffRow[] = [];
  for (let cursor = ""; ;) {
    const page: Page = await expectOk(stream.admin("GET", `/replays/${id}/diff?${query}${cursor}`));
    rows.push(...page.rows);
    if (page.next === null) return rows;
    cursor = `&cursor=${page.next}`;
  }
}

describe("the rows of a diff", () => {
  it.each(["row", "window", "key"])("are all there by %s, whatever the size of a page", async (by) => {
    const { stream, id } = await withDiff();
    for (const changed of [true, false]) {
      const expected = expectedRows(by, changed);
      expect(expected.length).toBeGreaterThan(5);
      for (const limit of [1_000, 7, 1]) {
        const rows = await allRows(stream, id, `by=${by}&changed=${changed}&limit=${limit}`);
        expect(rows, `changed=${changed} limit=${limit}`).toEqual(expected);
      }
    }
  });

  it("are as many as the summary counts, and are there after the promotion, until another replay was compared", async () => {
    const { stream, id } = await withDiff();
    const { diff } = await expectOk<{ diff: { rowsChanged: number; rowsCompared: number } }>(
      stream.admin("GET", `/replays/${id}`),
    );
    expect(await allRows(stream, id, "limit=100")).toHaveLength(diff.rowsChanged);
    expect(await allRows(stream, id, "limit=100&changed=false")).toHaveLength(diff.rowsCompared);
    await expectOk(stream.admin("POST", `/replays/${id}/promote`));
    expect(await allRows(stream, id, "limit=100")).toHaveLength(diff.rowsChanged);
    const next = await replayed(stream, VIEW);
    expect(await allRows(stream, next, "limit=100")).toHaveLength(diff.rowsChanged);
    await expectProblem(stream.admin("GET", `/replays/${id}/diff`), 409, "no_diff");
  });

  it("come as CSV, all of them, over several pages", async () => {
    const { stream, id } = await withDiff();
    const headers = { Accept: "text/csv" };
    const answer = await stream.admin("GET", `/replays/${id}/diff?changed=false`, { headers });
    expect(answer.headers.get("Content-Type")).toContain("text/csv");
    const lines = (await answer.text()).split("\r\n");
    expect(lines).toEqual([
      "time,adId,clicks_before,clicks_after,spent_before,spent_after",
      ...expectedRows("row", false).map(({ time, adId, clicks, spent }) =>
        [time, adId, clicks.before, clicks.after, spent.before, spent.after].join(","),
      ),
      "",
    ]);
  });

  it("are not there before the comparison, after a cancellation, or of a verification", async () => {
    const { stream, id } = await withDiff();
    const note = { by: "ada", reason: "of the wrong month" };
    const cancelled = await expectOk(stream.admin("POST", `/replays/${id}/cancel`, { body: note }));
    expect(cancelled).toMatchObject({ state: "cancelled", error: "cancelled by ada: of the wrong month" });
    await expectProblem(stream.admin("GET", `/replays/${id}/diff`), 409, "no_diff");
    const verify = { view: "billed", mode: "verify" };
    const { id: proof } = await expectOk<{ id: string }>(stream.admin("POST", "/replays", { body: verify }));
    await settled(stream, proof);
    const none = await expectProblem(stream.admin("GET", `/replays/${proof}/diff`), 409, "no_diff");
    expect(none.detail).toContain("verification");
    await expectProblem(stream.admin("GET", "/replays/billed-99/diff"), 404, "unknown_replay");
    await expectProblem(admin("GET", "/streams/nowhere/replays/billed-2/diff"), 404, "unknown_stream");
  });

  it.each([
    "by=ad",
    "changed=1",
    "limit=0",
    "limit=10001",
    "cursor=12",
    "cursor=key.1.0.0.0&by=row",
    "cursor=row.1.0.0.0&changed=false",
    "page=2",
  ])("are not given for %s", async (query) => {
    const { stream, id } = await withDiff();
    await expectProblem(stream.admin("GET", `/replays/${id}/diff?${query}`), 400, "invalid_request");
  });
});
