import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashText } from "#engine";
import type { DigestSink } from "../../edge/engine/accumulator.ts";
import { ByteReader, ByteWriter } from "../../edge/engine/bytes.ts";
import { DistinctSets, EXACT_MAX } from "../../edge/engine/distinct.ts";
import { REGISTERS } from "../../edge/engine/hyperloglog.ts";
import { SEED } from "../support/batches.ts";

const wordsOf = (members: readonly number[]): Uint32Array => {
  const words = new Uint32Array(2 * members.length);
  members.forEach((member, i) => hashText(SEED, `suser-${member}`, words, 2 * i));
  return words;
};

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const rowsUpTo = (count: number) => Uint32Array.from({ length: count }, (_, i) => i);

/** Sets of some groups, from pairs of a group and a member. */
function setsOf(pairs: readonly (readonly [group: number, member: number])[], groups = 8): DistinctSets {
  const sets = new DistinctSets();
  sets.resize(groups);
  const words = wordsOf(pairs.map(([, member]) => member));
  sets.add(
    words,
    rowsUpTo(pairs.length),
    Int32Array.from(pairs, ([group]) => group),
    0,
    pairs.length,
  );
  return sets;
}

const inGroup = (group: number, members: readonly number[]) => members.map((member) => [group, member] as const);

/** Everything that a group holds, as a digest sees it. */
function contentOf(sets: DistinctSets, group: number): number[] {
  const content: number[] = [];
  const sink: DigestSink = { number: (value) => content.push(value), words: (low, high) => content.push(low, high) };
  sets.digest(group, sink);
  return content;
}

const somePairs = fc.array(fc.tuple(fc.nat(7), fc.nat(40)), { maxLength: 400 });

test("small sets are exact, many in one table", () => {
  fc.assert(
    fc.property(somePairs, (pairs) => {
      const sets = setsOf(pairs);
      for (const group of range(0, 8)) {
        expect(sets.valueOf(group)).toBe(new Set(pairs.filter(([g]) => g === group).map(([, member]) => member)).size);
      }
    }),
  );
});

test("a hundred thousand tiny sets are exact", () => {
  const sets = setsOf(
    range(0, 300_000).map((i) => [i % 100_000, i % 200_000]),
    100_000,
  );
  expect(range(0, 100_000).every((group) => sets.valueOf(group) === 2)).toBe(true);
});

test("1,024 members are counted exactly, one more by registers", () => {
  const sets = setsOf(inGroup(3, range(0, EXACT_MAX)));
  expect(sets.valueOf(3)).toBe(1_024);
  const beyond = setsOf(inGroup(3, range(0, EXACT_MAX + 1)));
  expect(beyond.valueOf(3)).toBeGreaterThan(1_024);
  expect(contentOf(beyond, 3).length).toBe(REGISTERS / 4);
});

test.each([1_100, 2_000, 5_000, 20_000, 50_000, 200_000])("%i members are estimated within three per cent", (count) => {
  for (const first of [0, 1e6, 2e6]) {
    const estimate = setsOf(inGroup(0, range(first, first + count))).valueOf(0);
    expect(Math.abs(estimate - count) / count).toBeLessThan(0.03);
  }
});

describe("what a group holds depends on its set alone", () => {
  // Around the size at which sets become registers.
  const someSet = fc
    .tuple(fc.nat(1_500), fc.integer({ min: 1, max: 1_200 }))
    .map(([from, size]) => range(from, from + size));

  test("merging is adding, in any order", () => {
    fc.assert(
      fc.property(fc.array(someSet, { minLength: 1, maxLength: 4 }), fc.nat(7), (parts, group) => {
        const whole = setsOf(inGroup(group, parts.flat().reverse()));
        const merged = setsOf([]);
        const ids = Int32Array.of(group);
        for (const part of parts) merged.absorb(setsOf(inGroup(5, part)), Uint32Array.of(5), ids, 1);
        expect(contentOf(merged, group)).toEqual(contentOf(whole, group));
      }),
      { numRuns: 60 },
    );
  });

  test("it comes back from bytes, any range of groups", () => {
    fc.assert(
      fc.property(someSet, somePairs, fc.nat(7), (large, pairs, from) => {
        const sets = setsOf([...inGroup(6, large), ...pairs]);
        const writer = new ByteWriter();
        sets.write(writer, from, 8);
        const back = new DistinctSets();
        back.resize(8 - from);
        back.read(new ByteReader(writer.finish()), 8 - from);
        for (const group of range(from, 8)) expect(contentOf(back, group - from)).toEqual(contentOf(sets, group));
      }),
      { numRuns: 60 },
    );
  });
});

test("entries of promoted sets are dropped without losing the others", () => {
  const pairs = [...inGroup(0, range(0, 1_000)), ...range(1, 7).flatMap((group) => inGroup(group, range(0, 2_000)))];
  const sets = setsOf([...pairs, ...inGroup(7, range(0, 1_000)), ...inGroup(0, range(0, 1_000))]);
  expect([0, 7].map((group) => sets.valueOf(group))).toEqual([1_000, 1_000]);
});

test("an absent value is no member", () => {
  const sets = new DistinctSets();
  sets.resize(1);
  sets.add(new Uint32Array(4), rowsUpTo(2), new Int32Array(2), 0, 2);
  sets.addCodes(new Uint8Array(2), new Uint32Array(2), rowsUpTo(2), new Int32Array(2), 0, 2);
  expect(sets.valueOf(0)).toBe(0);
});

test("whatever is added, absorbed, asked and written in whatever order, each group holds its own set", () => {
  // Ranges of members around the size at which sets become registers; sets that are absorbed come in either form.
  const someRange = fc.tuple(fc.nat(300), fc.constantFrom(0, 1, 3, 40, 700, 1_100));
  const someStep = fc.record({
    kind: fc.constantFrom("add", "absorb", "ask", "write", "grow"),
    group: fc.nat(7),
    members: someRange.map(([from, size]) => range(from, from + size)),
  });
  fc.assert(
    fc.property(fc.array(someStep, { maxLength: 12 }), (steps) => {
      const sets = setsOf([]);
      let capacity = 8;
      const model = range(0, 8).map(() => new Set<number>());
      const written = () => {
        const writer = new ByteWriter();
        sets.write(writer, 0, 8);
        const back = new DistinctSets();
        back.resize(8);
        back.read(new ByteReader(writer.finish()), 8);
        return back;
      };
      for (const { kind, group, members } of steps) {
        if (kind === "add") {
          const ids = new Int32Array(members.length).fill(group);
          sets.add(wordsOf(members), rowsUpTo(members.length), ids, 0, members.length);
        }
        if (kind === "absorb") {
          sets.absorb(setsOf(inGroup(2, members)), Uint32Array.of(2), Int32Array.of(group), 1);
        }
        if (kind === "add" || kind === "absorb") for (const member of members) model[group]?.add(member);
        if (kind === "ask" && (model[group]?.size ?? 0) <= EXACT_MAX) {
          expect(sets.valueOf(group)).toBe(model[group]?.size);
        }
        if (kind === "write") expect(contentOf(written(), group)).toEqual(contentOf(sets, group));
        if (kind === "grow") sets.resize((capacity *= 2));
      }
      const back = written();
      model.forEach((members, group) => {
        const expected = contentOf(setsOf(inGroup(group, [...members])), group);
        expect(contentOf(sets, group)).toEqual(expected);
        expect(contentOf(back, group)).toEqual(expected);
      });
    }),
    { numRuns: 200 },
  );
});
