import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../edge/engine/bytes.ts";

const integers = fc.array(fc.oneof(fc.nat(255), fc.nat(70_000), fc.nat(), fc.maxSafeNat()), { maxLength: 20 });
const texts = fc.array(fc.string({ unit: "binary", maxLength: 20 }), { maxLength: 10 });

test("columns of any kind come back in their order", () => {
  fc.assert(
    fc.property(
      integers,
      fc.array(fc.double({ noNaN: true })),
      texts,
      fc.uint8Array(),
      (whole, doubles, strings, bytes) => {
        const writer = new ByteWriter(8);
        writer.uint32(whole.length);
        writer.integers(whole, 0, whole.length);
        writer.texts(strings);
        writer.float64(-1.5);
        writer.doubles(Float64Array.from(doubles), 0, doubles.length);
        writer.bytes(bytes);
        writer.uint32(0xffffffff);
        const reader = new ByteReader(writer.finish());
        expect([...reader.integers(reader.uint32())]).toEqual(whole);
        expect(reader.texts()).toEqual(strings);
        expect(reader.float64()).toBe(-1.5);
        expect([...reader.doubles(doubles.length)]).toEqual(doubles);
        expect([...reader.bytes(bytes.length)]).toEqual([...bytes]);
        expect(reader.uint32()).toBe(0xffffffff);
      },
    ),
  );
});

test("integers take the narrowest width that holds them", () => {
  const sizeOf = (max: number) => {
    const writer = new ByteWriter();
    writer.integers(new Array<number>(1_000).fill(max), 0, 1_000);
    return writer.finish().length;
  };
  expect([255, 256, 65_536, 2 ** 32].map(sizeOf)).toEqual([1_008, 2_008, 4_008, 8_008]);
});

test("a string that begins with a byte order mark keeps it", () => {
  const writer = new ByteWriter();
  writer.texts(["\u{feff}", "a"]);
  expect(new ByteReader(writer.finish()).texts()).toEqual(["\u{feff}", "a"]);
});

test("reading past the end is an assertion", () => {
  expect(() => new ByteReader(new Uint8Array(7)).float64()).toThrow("assertion failed");
});
