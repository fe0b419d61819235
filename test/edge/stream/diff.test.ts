/** What a comparison says, whatever each partition has found to be the same on both sides. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ok } from "#protocol";
import {
  createState,
  Dictionaries,
  encodeTable,
  type FoldState,
  type GroupTable,
  holdsTheSame,
  shapeOf,
  UsedValues,
  type ViewSpec,
  windowOf,
} from "#engine";
import type { ComparedDay, PartitionRpc } from "../../../edge/partition/rpc.ts";
import { DiffWalk } from "../../../edge/stream/diff.ts";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import type { ReplayDiff } from "../../../edge/stream/rpc.ts";

const SPEC: ViewSpec = { where: {}, groupBy: ["ad"], windowMs: 60_000, measures: { clicks: { count: true } } };
const SHAPE = shapeOf(SPEC.groupBy, SPEC.measures);
const DAY_MS = 86_400_000;
const NO_DAY: ComparedDay = { day: null, before: [], after: [], both: [], values: [] };

/** Clicks by minute and ad. */
type Counts = readonly (readonly [minute: number, ad: number, clicks: number])[];
interface Sides {
  readonly before: Counts;
  readonly after: Counts;
}

function stateOf(counts: Counts): FoldState {
  const state = createState(SHAPE);
  const ids = new Int32Array(1);
  for (const [minute, ad, clicks] of counts) {
    const table = windowOf(SHAPE, state, minute * SPEC.windowMs);
    table.assign([Uint32Array.of(state.interners[0]?.intern(`ad-${ad}`) ?? 0)], 0, 1, ids);
    table.records[ids[0] as number] = clicks;
  }
  return state;
}

/** A day in the parts in which a partition sends it. */
type Parts = readonly ComparedDay[];

/** As partitions of before kept it: either side whole, keys as texts. */
function apart({ before, after }: Sides): Parts {
  const [old, young] = [before, after].map((counts) =>
    [...stateOf(counts).windows.values()].map((table) => encodeTable(SHAPE, table)),
  ) as [Uint8Array[], Uint8Array[]];
  return [{ ...NO_DAY, day: 0, before: old, after: young }];
}

/** What is the same on both sides once, keys as codes of dictionaries that differ from partition to partition; a window a part. */
function once({ before, after }: Sides, partition: number): Parts {
  const dictionaries = new Dictionaries(1, [1, 2, 3, 4]);
  for (let i = 0; i < 5; i++) dictionaries.intern(dictionaries.attributeId("ad"), `ad-${(i + partition) % 5}`);
  const [old, young] = [stateOf(before), stateOf(after)];
  const parts: ComparedDay[] = [];
  const give = (side: "before" | "after" | "both", table: GroupTable) => {
    const piece = encodeTable(SHAPE, table, dictionaries);
    const used = new UsedValues(() => dictionaries);
    used.add(SHAPE, piece);
    parts.push({ ...NO_DAY, day: 0, [side]: [piece], values: used.sent(), next: parts.length + 1 });
  };
  for (const start of new Set([...old.windows.keys(), ...young.windows.keys()])) {
    const [a, b] = [old.windows.get(start), young.windows.get(start)];
    if (a !== undefined && b !== undefined && holdsTheSame(a, b)) give("both", a);
    else {
      if (a !== undefined) give("before", a);
      if (b !== undefined) give("after", b);
    }
  }
  const { next: _, ...last } = parts.pop() as ComparedDay;
  return [...parts, last];
}

async function diffOf(days: readonly Parts[]): Promise<ReplayDiff> {
  const walk = new DiffWalk({ view: "v", generation: 2, before: SPEC, after: SPEC }, days.length);
  const stub = (partition: number) =>
    ({
      comparedDay: async (_view: string, _generation: number, day: number, part: number) =>
        ok(day < DAY_MS ? days[partition]?.[part] : NO_DAY),
    }) as unknown as PartitionRpc;
  const outcome = await walk.continue({ count: days.length, stub }, () => true);
  if (outcome.kind !== "done") throw new Error(JSON.stringify(outcome));
  return outcome.diff;
}

const counts = fc
  .uniqueArray(
    fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 1, max: 3 })),
    { selector: ([minute, ad]) => `${minute}/${ad}`, minLength: 1, maxLength: 8 },
  )
  .map((all): Counts => all);
/** Many partitions changed nothing, or only one click: otherwise hardly a window would be the same on both sides. */
const sides: fc.Arbitrary<Sides> = fc.oneof(
  fc.record({ before: counts, after: counts }),
  counts.map((same) => ({ before: same, after: [...same].reverse() })),
  counts.map((same) => ({ before: same, after: same.slice(1) })),
);

test("a diff is the same whether windows are frozen once or for either side", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(sides, { minLength: 1, maxLength: 3 }), async (partitions) => {
      expect(await diffOf(partitions.map(once))).toEqual(await diffOf(partitions.map(apart)));
    }),
  );
});

test("a row that is the same in one partition and differs in another is shown with what it has in both", async () => {
  const same: Sides = { before: [[0, 1, 5]], after: [[0, 1, 5]] };
  const changed: Sides = { before: [[0, 1, 3]], after: [[0, 1, 4]] };
  const diff = await diffOf([once(same, 0), once(changed, 1)]);
  expect(diff).toEqual({
    rowsCompared: 1,
    rowsChanged: 1,
    totals: { clicks: { before: 8, after: 9 } },
    largest: [{ time: 0, ad: "ad-1", clicks: { before: 8, after: 9 } }],
  });
});

/** The minutes as one hour. */
const rolledUp = (counts: Counts): Counts =>
  [...Map.groupBy(counts, ([, ad]) => ad)].map(([ad, all]) => [0, ad, all.reduce((sum, [, , n]) => sum + n, 0)]);

test("windows that one partition has rolled up are compared as wide as that, whatever the others have", async () => {
  const wide = { hours: [{ from: 0, to: 3_600_000 }], days: [] };
  await fc.assert(
    fc.asyncProperty(fc.array(sides, { minLength: 1, maxLength: 2 }), sides, async (fine, wider) => {
      const hour = ({ before, after }: Sides): Sides => ({ before: rolledUp(before), after: rolledUp(after) });
      const said = once(hour(wider), fine.length).map((part) => ({ ...part, wide }));
      const mixed = await diffOf([...fine.map(once), said]);
      expect(mixed).toEqual(await diffOf([...fine, wider].map(hour).map(apart)));
    }),
  );
});

test("keys whose values were not sent along are an error, not another key", async () => {
  const parts = once({ before: [[0, 1, 5]], after: [[0, 1, 5]] }, 0);
  await expect(diffOf([parts.map((part) => ({ ...part, values: [] }))])).rejects.toThrow("impossible");
});

test("a day of more groups than are held is an error; what is the same on both sides counts once", async () => {
  const limits = STREAM_LIMITS as { comparedCellsMax: number };
  const saved = limits.comparedCellsMax;
  const same: Counts = [
    [0, 1, 5],
    [0, 2, 5],
    [1, 1, 5],
  ];
  try {
    limits.comparedCellsMax = 3;
    expect((await diffOf([once({ before: same, after: same }, 0)])).rowsCompared).toBe(3);
    limits.comparedCellsMax = 2;
    await expect(diffOf([once({ before: same, after: same }, 0)])).rejects.toThrow("more than 2 groups in a day");
  } finally {
    limits.comparedCellsMax = saved;
  }
});
