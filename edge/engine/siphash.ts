/**
 * SipHash-1-3 with 64 bits out, over the UTF-8 of a string. Keyed, so that nobody who does not know the stream's seed can
 * make values collide (which would hide distinct users), and even enough for HyperLogLog.
 *
 * Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", 2012; the 1-3 variant is the one of Rust's and
 * Python's hash tables. 64-bit words are pairs of 32-bit ones, because BigInt would cost a hundred times as much.
 */
import { TextBuffer } from "./utf8.ts";
import { taggedText } from "./value.ts";

const STRING_TAG = taggedText("").charCodeAt(0);

/** 128 bits of key, as four 32-bit words. One for each stream: hashes of different partitions must be comparable. */
export type HashSeed = readonly [number, number, number, number];

const buffer = new TextBuffer(4096);

/** Hashes `text` under `seed` and writes the result's low and high word to `out[at]` and `out[at + 1]`, never (0, 0). */
export function hashText(seed: HashSeed, text: string, out: Uint32Array, at: number): void {
  hashBuffer(seed, buffer.put(text), out, at);
}

/** The same for the string whose UTF-8 is `bytes[from..to)`, as if it came tagged (see value.ts), without decoding it. */
export function hashString(
  seed: HashSeed,
  bytes: Uint8Array,
  from: number,
  to: number,
  out: Uint32Array,
  at: number,
): void {
  const length = buffer.copy(bytes, from, to, 1);
  buffer.bytes[0] = STRING_TAG;
  hashBuffer(seed, length, out, at);
}

function hashBuffer(seed: HashSeed, length: number, out: Uint32Array, at: number): void {
  siphash13(seed, buffer.bytes, length, out, at);
  // (0, 0) means "absent" in a column.
  if (out[at] === 0 && out[at + 1] === 0) out[at] = 1;
}

/**
 * SipHash-1-3 of `bytes[0..length)`. Exported for its test against the reference vectors.
 *
 * The four 64-bit words of state are pairs of locals, low and high half. One loop makes all rounds: one for each word of the
 * message, whose last one ends with the length, and then three without a word.
 */
export function siphash13(seed: HashSeed, bytes: Uint8Array, length: number, out: Uint32Array, at: number): void {
  let a0 = seed[0] ^ 0x70736575;
  let a1 = seed[1] ^ 0x736f6d65;
  let b0 = seed[2] ^ 0x6e646f6d;
  let b1 = seed[3] ^ 0x646f7261;
  let c0 = seed[0] ^ 0x6e657261;
  let c1 = seed[1] ^ 0x6c796765;
  let d0 = seed[2] ^ 0x79746573;
  let d1 = seed[3] ^ 0x74656462;
  const words = (length >>> 3) + 1;
  for (let step = 0; step < words + 3; step++) {
    let low = 0;
    let high = 0;
    if (step < words - 1) {
      low = wordAt(bytes, 8 * step);
      high = wordAt(bytes, 8 * step + 4);
    } else if (step === words - 1) {
      high = (length & 0xff) << 24;
      for (let i = 8 * step; i < length; i++) {
        const shift = (i & 3) * 8;
        if ((i & 4) === 0) low |= (bytes[i] as number) << shift;
        else high |= (bytes[i] as number) << shift;
      }
    } else if (step === words) {
      c0 ^= 0xff;
    }
    d0 ^= low;
    d1 ^= high;
    // One SipRound: additions with carry, rotations by 13, 16, 17, 21 and 32.
    let sum = (a0 >>> 0) + (b0 >>> 0);
    a0 = sum | 0;
    a1 = (a1 + b1 + (sum > 0xffffffff ? 1 : 0)) | 0;
    let t = (b0 << 13) | (b1 >>> 19);
    b1 = ((b1 << 13) | (b0 >>> 19)) ^ a1;
    b0 = t ^ a0;
    t = a0;
    a0 = a1;
    a1 = t;
    sum = (c0 >>> 0) + (d0 >>> 0);
    c0 = sum | 0;
    c1 = (c1 + d1 + (sum > 0xffffffff ? 1 : 0)) | 0;
    t = (d0 << 16) | (d1 >>> 16);
    d1 = ((d1 << 16) | (d0 >>> 16)) ^ c1;
    d0 = t ^ c0;
    sum = (a0 >>> 0) + (d0 >>> 0);
    a0 = sum | 0;
    a1 = (a1 + d1 + (sum > 0xffffffff ? 1 : 0)) | 0;
    t = (d0 << 21) | (d1 >>> 11);
    d1 = ((d1 << 21) | (d0 >>> 11)) ^ a1;
    d0 = t ^ a0;
    sum = (c0 >>> 0) + (b0 >>> 0);
    c0 = sum | 0;
    c1 = (c1 + b1 + (sum > 0xffffffff ? 1 : 0)) | 0;
    t = (b0 << 17) | (b1 >>> 15);
    b1 = ((b1 << 17) | (b0 >>> 15)) ^ c1;
    b0 = t ^ c0;
    t = c0;
    c0 = c1;
    c1 = t;
    a0 ^= low;
    a1 ^= high;
  }
  out[at] = a0 ^ b0 ^ c0 ^ d0;
  out[at + 1] = a1 ^ b1 ^ c1 ^ d1;
}

const wordAt = (bytes: Uint8Array, i: number): number =>
  (bytes[i] as number) |
  ((bytes[i + 1] as number) << 8) |
  ((bytes[i + 2] as number) << 16) |
  ((bytes[i + 3] as number) << 24);
