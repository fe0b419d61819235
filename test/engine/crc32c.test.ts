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
