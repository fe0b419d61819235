import { expect, test } from "vitest";
import { Interner, type Value } from "#engine";

const tableOf = (values: Value[]) => {
  let asked = 0;
  return {
    get size() {
      return values.length;
    },
    valueOf: (code: number) => {
      asked++;
      return values[code] as Value;
    },
    get asked() {
      return asked;
    },
  };
};

test("equal values have one code, and values that only their type tells apart have two", () => {
  const interner = new Interner();
  const values: Value[] = [null, "1", 1, true, "true", 0, "", false];
  const codes = values.map((value) => interner.intern(value));
  expect(codes).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(values.map((value) => interner.intern(value))).toEqual(codes);
  expect(codes.map((code) => interner.valueOf(code))).toEqual(values);
  expect(interner.intern(-0)).toBe(interner.intern(0));
});

test("a value that was never seen has no code, and is given none by asking", () => {
  const interner = new Interner();
  expect([interner.codeOf("a"), interner.codeOf(null), interner.size]).toEqual([undefined, 0, 1]);
});

test("each value of a dictionary is looked up once, however many records have it", () => {
  const interner = new Interner();
  interner.intern("b");
  const values: Value[] = [null, "a", "b"];
  const dictionary = tableOf(values);
  const rows = Uint32Array.of(0, 2, 3, 4, 5);
  const out = new Uint32Array(5);
  interner.translateRows(dictionary, Uint8Array.of(1, 9, 2, 1, 0, 2), rows, 5, out);
  expect([...out].map((code) => interner.valueOf(code))).toEqual(["a", "b", "a", null, "b"]);
  values.push("c");
  interner.translateRows(dictionary, Uint8Array.of(3, 9, 2, 1, 0, 3), rows, 5, out);
  expect([...out].map((code) => interner.valueOf(code))).toEqual(["c", "b", "a", null, "c"]);
  expect(dictionary.asked).toBe(3);
});

test("an interner that may have no home gives a value one code, though a dictionary learns of it later", () => {
  const values: Value[] = [null, "a"];
  const growing = { ...tableOf(values), codeOf: (value: Value) => values.indexOf(value), size: 3 };
  const interner = new Interner(false);
  interner.settle(growing);
  const code = interner.intern("b");
  values.push("b");
  const out = new Uint32Array(1);
  interner.translateAll(growing, Uint8Array.of(2), out);
  expect([interner.home, out[0]]).toEqual([null, code]);
});
