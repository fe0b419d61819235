/**
 * The log against a model of it: any sequence of appends, retries, seals, trims, evictions and crashes leaves what an array
 * and a map would.
 */
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MINUTE_MS } from "#engine";
import { BASE_TIME, type Row } from "../../support/events.ts";
import { clicks, DAY, expectOk, HeldPartition } from "./held-partition.ts";

/** Ahead of the real clock, so that no alarm rings by itself. */
const START = Math.ceil(Date.now() / DAY) * DAY + 400 * DAY;
const RETENTION_MS = 7 * DAY;

beforeEach(() => vi.useFakeTimers({ now: START, toFake: ["Date"] }));
afterEach(() => vi.useRealTimers());

/** What a partition promises of its log, said as simply as can be. */
class Model {
  /** By offset; trimmed ones stay, because views keep them. */
  readonly rows: Row[] = [];
  readonly lastSequence = new Map<string, number>();
  start = 0;

  append(producer: string, sequence: number, rows: readonly Row[]) {
    // The first batch of a producer may begin at 0 or at 1.
    const last = this.lastSequence.get(producer) ?? Math.min(sequence, 1) - 1;
    if (sequence > last + 1) return "gap";
    const duplicates = Math.min(Math.max(last + 1 - sequence, 0), rows.length);
    const accepted = rows.length - duplicates;
    const offset = accepted > 0 ? this.rows.length : null;
    this.rows.push(...rows.slice(duplicates));
    this.lastSequence.set(producer, Math.max(last, sequence + rows.length - 1));
    return { offset, accepted, duplicates, lastSequence: this.lastSequence.get(producer) };
  }

  clicksPerAd(from: number) {
    const counts: Record<string, number> = {};
    for (const row of this.rows.slice(from)) counts[String(row["ad"])] = (counts[String(row["ad"])] ?? 0) + 1;
    return counts;
  }
}

type Command = (model: Model, held: HeldPartition) => Promise<void>;

const PRODUCERS = ["a", "b", "c"];

const append = fc
  .record({
    producer: fc.constantFrom(...PRODUCERS),
    /** Where the batch begins, counted from what the producer would send next: behind is a retry, ahead a gap. */
    shift: fc.oneof(
      { weight: 6, arbitrary: fc.constant(0) },
      { weight: 2, arbitrary: fc.integer({ min: -30, max: 2 }) },
    ),
    count: fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: 1, max: 40 }) },
      { weight: 1, arbitrary: fc.constant(3_000) },
    ),
    minute: fc.nat(300),
  })
  .map(({ producer, shift, count, minute }): Command => {
    return async (model, held) => {
      const sequence = Math.max(0, (model.lastSequence.get(producer) ?? -1) + 1 + shift);
      const rows = clicks(count, BASE_TIME + minute * MINUTE_MS, 7, sequence);
      const expected = model.append(producer, sequence, rows);
      const answer = await held.tryAppend(rows, { producer, sequence });
      if (expected === "gap") expect(answer).toMatchObject({ ok: false, failure: { reason: "sequence_gap" } });
      else expect(answer).toMatchObject({ ok: true, value: expected });
    };
  });

const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: append },
  { weight: 1, arbitrary: fc.constant<Command>((_, held) => held.evict()) },
  { weight: 1, arbitrary: fc.constant<Command>((_, held) => held.abort()) },
  {
    weight: 1,
    arbitrary: fc.constant<Command>(async (_, held) => {
      // Old enough to be sealed, not old enough to go.
      vi.setSystemTime(Date.now() + RETENTION_MS / 8 + 1);
      await held.ring();
    }),
  },
  {
    weight: 1,
    arbitrary: fc.nat(100).map((percent): Command => {
      return async (model, held) => {
        const before = Math.floor((model.rows.length * percent) / 100);
        const { logStart } = expectOk(await held.stub.trim(before));
        expect(logStart).toBe(Math.max(before, model.start));
        model.start = logStart;
      };
    }),
  },
);

async function check(model: Model, held: HeldPartition): Promise<void> {
  const { logStart, logEnd } = await held.status();
  // Time went by with each seal, so that retention may have trimmed as well.
  expect(logStart).toBeGreaterThanOrEqual(model.start);
  model.start = logStart;
  expect(logEnd).toBe(model.rows.length);
  for (let offset = logStart; offset < logEnd;) {
    const { records, next } = expectOk(await held.stub.records(offset, 10_000));
    expect(records.map((record) => record.offset)).toEqual(records.map((_, i) => offset + i));
    expect(records.map(({ time, ad, userId }) => [time, ad, userId])).toEqual(
      model.rows.slice(offset, next).map(({ time, ad, userId }) => [time, ad, userId]),
    );
    offset = next;
  }
  if (logStart > 0)
    expect(await held.stub.records(logStart - 1, 1)).toMatchObject({ failure: { reason: "offset_trimmed", logStart } });
  const count = (rows: readonly Record<string, unknown>[]) =>
    Object.fromEntries(rows.map((row) => [row["ad"], row["clicks"]]));
  expect(count((await held.queryView()).rows)).toEqual(model.clicksPerAd(0));
  expect(count((await held.queryLog()).rows)).toEqual(model.clicksPerAd(logStart));
}

test("any history of appends, retries, seals, trims, evictions and crashes leaves what a model of it has", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(commands, { minLength: 1, maxLength: 25 }), async (history) => {
      vi.setSystemTime(START);
      const held = await HeldPartition.make({ retentionMs: RETENTION_MS });
      const model = new Model();
      for (const command of history) await command(model, held);
      await check(model, held);
      await held.abort();
      await check(model, held);
    }),
    { numRuns: 40 },
  );
});
