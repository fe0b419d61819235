import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { admit, COMMIT_POINTS_MAX, type ProducerBatch, type ProducerState } from "#engine";
import { addTotals, type DropTotals } from "#protocol";

const batch = (sequence: number, count: number, more: Partial<ProducerBatch> = {}): ProducerBatch => ({
  sequence,
  count,
  lost: 0,
  dropped: {},
  commits: [],
  once: false,
  ...more,
});
const at = (last: number, points: ProducerState["points"] = []): ProducerState => ({ last, points, dropped: {} });

describe("what a batch is to what came before", () => {
  test.each<[string, ProducerState | undefined, ProducerBatch, number, number, number]>([
    // name, state, batch, duplicates, lost, last afterwards
    ["a new producer starts at 0", undefined, batch(0, 3), 0, 0, 2],
    ["or at 1", undefined, batch(1, 3), 0, 0, 3],
    ["the next batch is new", at(2), batch(3, 2), 0, 0, 4],
    ["the same again is all duplicates", at(4), batch(3, 2), 2, 0, 4],
    ["a retry may be cut anywhere: its head is known, its tail is new", at(4), batch(3, 5), 2, 0, 7],
    ["an old retry does not move the producer back", at(9), batch(0, 2), 2, 0, 9],
    ["declared losses close a hole", at(4), batch(8, 1, { lost: 3 }), 0, 3, 8],
    ["losses that are known to have arrived are not lost", at(6), batch(8, 1, { lost: 3 }), 0, 1, 8],
    ["a new producer may have lost its first events", undefined, batch(5, 1, { lost: 5 }), 0, 5, 5],
  ])("%s", (_, state, given, duplicates, lost, last) => {
    expect(admit(state, given)).toMatchObject({ ok: true, value: { duplicates, lost, next: { last } } });
  });

  test("a gap is refused with the sequence that is expected", () => {
    const failure = { reason: "sequence_gap", expected: 5, received: 7 };
    expect(admit(at(4), batch(7, 1))).toEqual({ ok: false, failure });
    expect(admit(at(4), batch(7, 1, { lost: 1 }))).toEqual({ ok: false, failure });
    expect(admit(undefined, batch(9e15, 1))).toMatchObject({ ok: false, failure: { expected: 0, received: 9e15 } });
  });

  test("under an Idempotency-Key the second batch is wholly a duplicate, however long it is", () => {
    const first = admit(undefined, batch(0, 2, { once: true }));
    if (!first.ok) throw new Error("the first is admitted");
    expect(admit(first.value.next, batch(0, 9, { once: true }))).toMatchObject({ ok: true, value: { duplicates: 9 } });
  });
});

describe("a forked producer", () => {
  const known = at(7, [
    [0, "a"],
    [5, "b"],
  ]);

  test.each<[string, ProducerBatch]>([
    ["numbers another commit's events with a sequence that was used", batch(5, 3, { commits: [[5, "x"]] })],
    ["or starts another commit within one that is known", batch(6, 5, { commits: [[6, "x"]] })],
    [
      "even where part of the batch is new",
      batch(3, 9, {
        commits: [
          [3, "x"],
          [8, "y"],
        ],
      }),
    ],
  ])("%s", (_, given) => {
    expect(admit(known, given)).toEqual({ ok: false, failure: { reason: "producer_forked", commits: known.points } });
  });

  test.each<[string, ProducerBatch]>([
    [
      "a retry names the commits that are known",
      batch(0, 8, {
        commits: [
          [0, "a"],
          [5, "b"],
        ],
      }),
    ],
    ["a commit may be sent in parts", batch(8, 2, { commits: [[5, "b"]] })],
    ["a batch without commits cannot be told", batch(5, 3)],
    ["what is older than all that is remembered cannot be told", batch(0, 8, { commits: [[0, "x"]] })],
  ])("is not suspected when %s", (name, given) => {
    const state = name.startsWith("what is older") ? at(7, [[5, "b"]]) : known;
    expect(admit(state, given).ok).toBe(true);
  });

  test("is remembered by its last commits only", () => {
    let state: ProducerState | undefined;
    for (let i = 0; i < 40; i++) {
      const result = admit(state, batch(i, 1, { commits: [[i, `c${i}`]] }));
      if (!result.ok) throw new Error("admitted");
      state = result.value.next;
    }
    expect(state?.points).toHaveLength(COMMIT_POINTS_MAX);
    expect(state?.points.at(-1)).toEqual([39, "c39"]);
  });
});

test("whatever is retried, cut or sent twice, each sequence is admitted exactly once and in order", () => {
  const sends = fc.array(fc.record({ back: fc.nat(6), count: fc.integer({ min: 1, max: 5 }) }), { maxLength: 60 });
  fc.assert(
    fc.property(sends, (attempts) => {
      let state: ProducerState | undefined;
      const admitted: number[] = [];
      for (const { back, count } of attempts) {
        const sequence = Math.max((state?.last ?? -1) + 1 - back, 0);
        const result = admit(state, batch(sequence, count));
        if (!result.ok) throw new Error("a retry is never a gap");
        for (let i = result.value.duplicates; i < count; i++) admitted.push(sequence + i);
        state = result.value.next;
      }
      expect(admitted).toEqual(Array.from({ length: (state?.last ?? -1) + 1 }, (_, i) => i));
    }),
  );
});

describe("what a producer tells of what it dropped", () => {
  test("counts once, by reason, however often and in whatever order its totals come", () => {
    const totals = fc.record({ log_full: fc.nat(9), cleared: fc.nat(9), nonsense: fc.nat(9), more_of_it: fc.nat(9) });
    fc.assert(
      fc.property(fc.array(totals, { minLength: 1 }), (told) => {
        let state: ProducerState | undefined;
        let sum: DropTotals = {};
        for (const dropped of told) {
          const admitted = admit(state, batch(0, 1, { dropped }));
          if (!admitted.ok) throw new Error(admitted.failure.reason);
          state = admitted.value.next;
          sum = addTotals(sum, admitted.value.dropped);
        }
        const greatest = (of: (one: (typeof told)[number]) => number) => Math.max(...told.map(of));
        expect({ log_full: 0, cleared: 0, other: 0, ...sum }).toEqual({
          log_full: greatest((one) => one.log_full),
          cleared: greatest((one) => one.cleared),
          other: greatest((one) => one.nonsense + one.more_of_it),
        });
        expect(state?.dropped).toEqual(sum);
      }),
    );
  });
});
