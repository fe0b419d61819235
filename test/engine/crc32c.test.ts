import { expect, test } from "vitest";
import { crc32c } from "#engine";

const ascii = (text: string) => new TextEncoder().encode(text);

test("the checksums are those of RFC 3720, appendix B.4", () => {
  expect(crc32c(new Uint8Array(32), 0, 32)).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff), 0, 32)).toBe(0x62a8ab43);
  expect(
    crc32c(
      Uint8Array.from({ length: 32 }, (_, i) => i),
      0,
      32,
    ),
  ).toBe(0x46dd794e);
  expect(crc32c(ascii("123456789"), 0, 9)).toBe(0xe3069283);
});

test("only the bytes in the range count", () => {
  expect(crc32c(ascii("xx123456789yy"), 2, 11)).toBe(0xe3069283);
  expect(crc32c(ascii("xx"), 1, 1)).toBe(0);
});

test("a long run has the checksum of its bytes taken one by one, wherever it lies in its buffer", () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => (i * 89 + 7) & 0xff);
  const slow = (from: number, to: number) => {
    let crc = -1;
    for (let i = from; i < to; i++) {
      crc ^= bytes[i] as number;
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    }
    return ~crc >>> 0;
  };
  for (let from = 0; from < 20; from++) {
    for (let to = from; to <= 200; to += 7) expect(crc32c(bytes, from, to)).toBe(slow(from, to));
  }
});
