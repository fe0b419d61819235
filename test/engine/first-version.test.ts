// What the first version of the stored formats wrote, byte for byte: partitions that hold it are still read.
import { expect, test } from "vitest";
import {
  compileView,
  createState,
  decodeBatch,
  decodeTable,
  Dictionaries,
  digestState,
  digestTable,
  fold,
  integerAt,
  readAdditions,
  timeAt,
  valueAt,
} from "#engine";

const SEED = [1, 2, 3, 4] as const;
const START = Date.UTC(2026, 0, 1);
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));

const HOT = bytesOf(
  "SFdCMXxc3EgBAAoAZwAAAAAAAAAAABRABAAAAAAAAAAAAAAA3BZ8QQAAADDcFnxBAAD8PG63eUIkAAAAdx73QwAAAAAAAAAAAP8AAaABAAAEAA" +
    "AAAAAAAAAAAADcFnxBAf8AAgAAAAAIAAAAAAAAAAAAAAAAAAAAAv8AAAgAAAAAAAAAAAAAAAAA/Dxut3lCA/8AAAgAAAAAAAAAAAAAAAAAAAAA" +
    "AAAAAAABAagBAAAEAAAAAAAAAAAAAAAAAAAAAQABAbABAAAEAAAAAAAAAAAAAAAAAAAAAgADCLgBAAAgAAAAAAAAAAAAAAAAAAAAAgAEAQgAAA" +
    "AcAAAAAAAAAAAAAAAAAAAAAwACCNgBAAAgAAAAAAAAAAAAAAAAAAAABAABAfgBAAAEAAAAAAAAAAAAAAAAAAAAW1swLCJ0eXBlIiwxLFsiY2xp" +
    "Y2siXV0sWzEsImFkIiwxLFsiYSIsImIiXV0sWzIsInVzZXIiLDEsW11dLFszLCJwcmljZSIsMSxbXV0sWzQsIm5ldyIsMSxbdHJ1ZSxmYWxzZV" +
    "1dXQAAAQIDAAAAAAEBAQEAAAAAAQIBAAAAAABNBWul2JknguobbG1tNJjRCsH5+3hK/e9NBWul2JkngrgehetRuL4/AAAAAAAAHEAYLURU+yEJ" +
    "QAAAAAAAAPh/AQACAQ==",
);
const COLD = bytesOf("AADoA9AHuAsDAAAAAwAAAAMAAAADAAAAc3Uxc3Uyc3Uzc3Ux");
const TABLE = bytesOf(
  "SFdHVAEAAADIh+CM4AAAAIMg0PYDAAAAAACAqm23eUIAAPw8brd5QgIAAAABAAAAAgIEAAAAAABzYXNiAQAAAAECAAEAAAAAAgEBAAAAAAAOVq" +
    "DjvRcKQAAAAAAAABxAAAAAAAAAAAAAAAAAAACgvAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAAQAAAAAAAAAAAAAAAQAAAAAAAAAB" +
    "AAAAAAAAAAAAAAABAAAAAAAAAAIBAQAAAAAACsH5+3hK/e9NBWul2JknguobbG1tNJjRTQVrpdiZJ4I=",
);
const DIGEST = "9858b53f58b1e5e90738edfb357d78d6";

const view = compileView({
  where: {},
  groupBy: ["ad"],
  windowMs: 3_600_000,
  measures: { clicks: { count: true }, total: { sum: "price" }, users: { distinct: "user" } },
});

test("a batch of the first version is read as it was written", () => {
  const dictionaries = new Dictionaries(0, SEED);
  dictionaries.apply(readAdditions(HOT));
  const decoded = decodeBatch(HOT, { cold: () => COLD, apart: () => new Uint8Array(0) }, dictionaries);
  if (!decoded.ok) throw new Error(decoded.failure.detail);
  const batch = decoded.value;
  const rows = Array.from({ length: batch.count }, (_, i) =>
    ["ad", "user", "price", "new"].map((name) => valueAt(batch.attributes.get(name), i)),
  );
  expect(rows).toEqual([
    ["a", "u1", 0.12, true],
    ["b", "u2", 7, null],
    ["a", "u3", Math.PI, false],
    [null, "u1", null, true],
  ]);
  expect(rows.map((_, i) => timeAt(batch, i) - START)).toEqual([0, 61_000, 122_000, 183_000]);
  expect([batch.baseOffset, integerAt(batch.appendTimes, 3) - START, integerAt(batch.fromPages, 0)]).toEqual([
    5, 600_000, 0,
  ]);
  const state = createState(view, SEED);
  fold(view, state, batch, 0, batch.count);
  expect(digestState(state)).toBe(DIGEST);
});

test("a batch of the first version in which a bit is flipped is refused", () => {
  const dictionaries = new Dictionaries(0, SEED);
  dictionaries.apply(readAdditions(HOT));
  const parts = { cold: () => COLD.map((byte, i) => (i === 20 ? byte ^ 1 : byte)), apart: () => new Uint8Array(0) };
  const broken = HOT.map((byte, i) => (i === HOT.length - 1 ? byte ^ 1 : byte));
  expect(decodeBatch(broken, parts, dictionaries)).toMatchObject({ failure: { detail: "checksum" } });
  const decoded = decodeBatch(HOT, parts, dictionaries);
  expect(() => decoded.ok && timeAt(decoded.value, 0)).toThrow("checksum");
});

test("a stored window of the first version is read as it was written", () => {
  const decoded = decodeTable(view, createState(view), TABLE);
  if (!decoded.ok) throw new Error(decoded.failure.reason);
  expect(digestTable(decoded.value)).toBe(DIGEST);
  expect(decoded.value.start).toBe(START);
});
