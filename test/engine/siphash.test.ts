/**
 * The reference is SipHash-c-d written out with BigInt. It is checked itself against the published vector of SipHash-2-4
 * (appendix A of the paper), and then serves for 1-3.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { hashText, type HashSeed, siphash13 } from "#engine";

const MASK = (1n << 64n) - 1n;
const rotate = (x: bigint, by: bigint) => ((x << by) | (x >> (64n - by))) & MASK;

function reference(compressions: number, finals: number, key: readonly [bigint, bigint], bytes: Uint8Array): bigint {
  let [v0, v1, v2, v3] = [
    key[0] ^ 0x736f6d6570736575n,
    key[1] ^ 0x646f72616e646f6dn,
    key[0] ^ 0x6c7967656e657261n,
    key[1] ^ 0x7465646279746573n,
  ];
  const round = () => {
    v0 = (v0 + v1) & MASK;
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotate(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotate(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const words: bigint[] = [];
  for (let i = 0; i + 8 <= bytes.length; i += 8) {
    words.push(bytes.slice(i, i + 8).reduceRight((word, byte) => (word << 8n) | BigInt(byte), 0n));
  }
  const rest = bytes.slice(bytes.length - (bytes.length % 8));
  words.push(rest.reduceRight((word, byte) => (word << 8n) | BigInt(byte), 0n) | (BigInt(bytes.length & 0xff) << 56n));
  for (const word of words) {
    v3 ^= word;
    for (let i = 0; i < compressions; i++) round();
    v0 ^= word;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < finals; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

const seedOf = (key: readonly [bigint, bigint]): HashSeed => {
  const word = (half: bigint, shift: bigint) => Number((half >> shift) & 0xffffffffn);
  return [word(key[0], 0n), word(key[0], 32n), word(key[1], 0n), word(key[1], 32n)];
};

test("the reference gives the published vector of SipHash-2-4", () => {
  const bytes = Uint8Array.from({ length: 15 }, (_, i) => i);
  expect(reference(2, 4, [0x0706050403020100n, 0x0f0e0d0c0b0a0908n], bytes)).toBe(0xa129ca6149be45e5n);
});

test("siphash13 is SipHash-1-3 for any key and any bytes", () => {
  const out = new Uint32Array(2);
  fc.assert(
    fc.property(fc.bigInt(0n, MASK), fc.bigInt(0n, MASK), fc.uint8Array({ maxLength: 70 }), (k0, k1, bytes) => {
      siphash13(seedOf([k0, k1]), bytes, bytes.length, out, 0);
      expect((BigInt(out[1] as number) << 32n) | BigInt(out[0] as number)).toBe(reference(1, 3, [k0, k1], bytes));
    }),
  );
});

test("a text is hashed by its UTF-8, whether or not it is ASCII or long", () => {
  const seed: HashSeed = [1, 2, 3, 4];
  const out = new Uint32Array(4);
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({ minLength: 1400, maxLength: 1500, unit: "grapheme" }),
  );
  fc.assert(
    fc.property(text, (sample) => {
      const wellFormed = sample.toWellFormed();
      const bytes = new TextEncoder().encode(wellFormed);
      hashText(seed, wellFormed, out, 0);
      siphash13(seed, bytes, bytes.length, out, 2);
      expect([out[0], out[1]]).toEqual([out[2], out[3]]);
    }),
  );
});
