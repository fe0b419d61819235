import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  compileView,
  createState,
  decodeTable,
  Dictionaries,
  digestState,
  digestTable,
  encodeState,
  encodeTable,
  encodeTablePieces,
  fold,
  type FoldState,
  GroupTable,
  mergePiece,
  mergeState,
  pieceLength,
  shapeOf,
  type ViewSpec,
} from "#engine";
import { batchOf, newDictionaries, SEED, someRows, someWide } from "../support/batches.ts";
import { BASE_TIME, type Row } from "../support/events.ts";
import { someView } from "../support/queries.ts";

function foldRows(view: ViewSpec, rows: readonly Row[]): FoldState {
  const state = createState(compileView(view), SEED);
  if (rows.length > 0) fold(compileView(view), state, batchOf(rows, newDictionaries()), 0, rows.length);
  return state;
}

const view: ViewSpec = {
  where: {},
  groupBy: ["ad"],
  windowMs: 60_000,
  measures: { clicks: { count: true }, total: { sum: "price" }, users: { distinct: "user" } },
};
const shape = compileView(view);
const rows = Array.from({ length: 3_000 }, (_, i) => ({
  time: BASE_TIME,
  ad: `ad-${i % 7}`,
  price: i / 10,
  user: `u-${i}`,
}));
const sample = encodeTable(shape, foldRows(view, rows).windows.get(BASE_TIME) as GroupTable);

test("a table comes back from its bytes, in another process too", () => {
  fc.assert(
    fc.property(someView, someRows, (spec, someRowsOfIt) => {
      const plan = compileView(spec);
      for (const table of foldRows(spec, someRowsOfIt).windows.values()) {
        const decoded = decodeTable(plan, createState(plan), encodeTable(plan, table));
        if (!decoded.ok) throw new Error(JSON.stringify(decoded.failure));
        expect(decoded.value.start).toBe(table.start);
        expect(decoded.value.changedAt).toBe(table.changedAt);
        expect(digestTable(decoded.value)).toBe(digestTable(table));
      }
    }),
  );
});

test("keys that refer to dictionaries come back, into any state, whatever the dictionaries took up in between", () => {
  const scenario = fc.record({
    spec: someView,
    before: someRows,
    after: someRows,
    there: someRows,
    wide: fc.boolean(),
  });
  fc.assert(
    fc.property(scenario, ({ spec, before, after, there, wide }) => {
      const plan = compileView(spec);
      const current = new Dictionaries(3, SEED);
      const folded = (rows: readonly Row[], dictionaries: Dictionaries) => {
        const state = createState(plan, SEED);
        // Settles before it sees the rest: what comes later is none of its home's.
        for (const row of rows) fold(plan, state, batchOf([row], dictionaries, wide ? someWide : () => false), 0, 1);
        return state;
      };
      const state = folded([...before, ...after], current);
      const elsewhere = folded(there, newDictionaries());
      for (const receiver of [createState(plan), folded(there, current), elsewhere]) {
        const expected = createState(plan);
        mergeState(plan, expected, receiver);
        mergeState(plan, expected, state);
        for (const table of state.windows.values()) {
          for (const piece of encodeTablePieces(plan, table, 200, current)) {
            expect(
              mergePiece(plan, receiver, piece, (generation) => (generation === current.generation ? current : null))
                .ok,
            ).toBe(true);
          }
        }
        expect(digestState(receiver)).toBe(digestState(expected));
      }
    }),
  );
});

test("keys that refer to dictionaries which are not at hand are refused", () => {
  const dictionaries = new Dictionaries(3, SEED);
  const state = createState(shape, SEED);
  fold(shape, state, batchOf(rows, dictionaries), 0, rows.length);
  const bytes = encodeTable(shape, state.windows.get(BASE_TIME) as GroupTable, dictionaries);
  expect(bytes.length).toBeLessThan(sample.length);
  expect(decodeTable(shape, createState(shape), bytes)).toMatchObject({ failure: { reason: "table_corrupt" } });
});

test("a state comes back from its pieces in any order, merged with what is there", () => {
  const scenario = fc.record({
    spec: someView,
    sent: someRows,
    there: someRows,
    bytesMax: fc.integer({ min: 1, max: 9_000 }),
  });
  fc.assert(
    fc.property(scenario, ({ spec, sent, there, bytesMax }) => {
      const plan = compileView(spec);
      const partial = foldRows(spec, sent);
      const received = foldRows(spec, there);
      for (const piece of [...encodeState(plan, partial, bytesMax)].reverse()) {
        expect(mergePiece(plan, received, piece)).toMatchObject({ ok: true });
      }
      const expected = foldRows(spec, there);
      mergeState(plan, expected, partial);
      expect(digestState(received)).toBe(digestState(expected));
      expect(received.groups).toBe(expected.groups);
    }),
  );
});

test("a decoded table can be folded into and grow", () => {
  const state = createState(shape, SEED);
  expect(mergePiece(shape, state, sample).ok).toBe(true);
  const more = Array.from({ length: 100 }, (_, i) => ({ time: BASE_TIME, ad: `ad-${i % 20}`, price: 0.1, user: "u" }));
  fold(shape, state, batchOf(more, newDictionaries()), 0, more.length);
  expect(digestState(state)).toBe(digestState(foldRows(view, [...rows, ...more])));
});

test("pieces stay within their bound, say their length, and hold every group once", () => {
  const table = foldRows(view, rows).windows.get(BASE_TIME) as GroupTable;
  const pieces = [...encodeTablePieces(shape, table, 16 * 1_024)];
  expect(pieces.length).toBeGreaterThan(1);
  for (const piece of pieces) {
    expect(piece.length).toBeLessThanOrEqual(16 * 1_024);
    expect(piece.buffer.byteLength).toBe(piece.length);
    expect(pieceLength(piece)).toBe(piece.length);
  }
  const stream = Uint8Array.from([1, ...(pieces[0] as Uint8Array)]);
  expect(pieceLength(stream, 1)).toBe(pieces[0]?.length);
  expect(pieceLength(stream.subarray(0, 16), 1)).toBe(null);
});

test("a table at an odd address of a larger buffer is read all the same", () => {
  const buffer = new Uint8Array(sample.length + 3);
  buffer.set(sample, 3);
  const decoded = decodeTable(shape, createState(shape), buffer.subarray(3));
  expect(decoded.ok && digestTable(decoded.value)).toBe(digestState(foldRows(view, rows)));
});

test("an empty table is a table", () => {
  const decoded = decodeTable(
    shape,
    createState(shape),
    encodeTable(shape, new GroupTable(0, shape, createState(shape).interners)),
  );
  expect(decoded).toMatchObject({ ok: true, value: { size: 0 } });
});

describe("bytes that are no such table are refused", () => {
  const decode = (bytes: Uint8Array, as = shape) => decodeTable(as, createState(as), bytes);
  const changed = (at: number, to: number) => {
    const bytes = sample.slice();
    bytes[at] = to;
    return bytes;
  };

  test("any flipped byte", () => {
    fc.assert(
      fc.property(fc.nat(sample.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        expect(decode(changed(at, (sample[at] as number) ^ flip)).ok).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("a version that is not its own, though that one would be read", () => {
    expect(decode(changed(4, 1)).ok).toBe(false);
  });

  test("any missing end", () => {
    fc.assert(
      fc.property(fc.nat(sample.length - 1), (length) => {
        expect(decode(sample.slice(0, length)).ok).toBe(false);
      }),
    );
  });

  test("another version, by its number", () => {
    expect(decode(changed(4, 3))).toEqual({ ok: false, failure: { reason: "table_version", version: 3, expected: 2 } });
  });

  test("other groups or other measures", () => {
    expect(decode(sample, compileView({ ...view, groupBy: ["country"] }))).toMatchObject({
      failure: { reason: "table_shape" },
    });
    const lessShape = shapeOf(view.groupBy, { clicks: { count: true } });
    expect(decodeTable(lessShape, createState(lessShape), sample)).toMatchObject({
      failure: { reason: "table_shape" },
    });
  });

  test("and leave a state that they were to be merged into as it was", () => {
    const state = foldRows(view, rows);
    const before = digestState(state);
    expect(mergePiece(shape, state, changed(200, 255)).ok).toBe(false);
    expect(digestState(state)).toBe(before);
  });
});
