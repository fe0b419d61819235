import { expect, test } from "vitest";
import { halfSiphash13 } from "../../edge/engine/half-siphash.ts";
import { TextBuffer } from "../../edge/engine/utf8.ts";

test("halfSiphash13 gives the published values of Linux's hsiphash, for every length up to ten bytes", () => {
  const published = [
    0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
    0xc839caed, 0xe4fa32cf,
  ];
  const buffer = new TextBuffer(64);
  const hashes = published.map((_, length) => {
    // What an earlier text left behind must not count.
    buffer.bytes.fill(0xaa);
    for (let i = 0; i < length; i++) buffer.bytes[i] = i;
    return halfSiphash13([0x03020100, 0x07060504, 0, 0], buffer, length) >>> 0;
  });
  expect(hashes).toEqual(published);
});
