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

/** The four 64-bit words of state, low and high halves, between rounds. */
const state = new Int32Array(8);

/** SipHash-1-3 of `bytes[0..length)`. Exported for its test against the reference vectors. */
export function siphash13(seed: HashSeed, bytes: Uint8Array, length: number, out: Uint32Array, at: number): void {
  state[0] = seed[0] ^ 0x70736575;
  state[1] = seed[1] ^ 0x736f6d65;
  state[2] = seed[2] ^ 0x6e646f6d;
  state[3] = seed[3] ^ 0x646f7261;
  state[4] = seed[0] ^ 0x6e657261;
  state[5] = seed[1] ^ 0x6c796765;
  state[6] = seed[2] ^ 0x79746573;
  state[7] = seed[3] ^ 0x74656462;
  const whole = length & ~7;
  for (let i = 0; i < whole; i += 8) compress(wordAt(bytes, i), wordAt(bytes, i + 4));
  let low = 0;
  let high = (length & 0xff) << 24;
  for (let i = whole; i < length; i++) {
    const shift = (i & 3) * 8;
    if ((i & 4) === 0) low |= (bytes[i] as number) << shift;
    else high |= (bytes[i] as number) << shift;
  }
  compress(low, high);
  state[4] = (state[4] as number) ^ 0xff;
  round();
  round();
  round();
  out[at] = (state[0] as number) ^ (state[2] as number) ^ (state[4] as number) ^ (state[6] as number);
  out[at + 1] = (state[1] as number) ^ (state[3] as number) ^ (state[5] as number) ^ (state[7] as number);
}

const wordAt = (bytes: Uint8Array, i: number): number =>
  (bytes[i] as number) |
  ((bytes[i + 1] as number) << 8) |
  ((bytes[i + 2] as number) << 16) |
  ((bytes[i + 3] as number) << 24);

function compress(low: number, high: number): void {
  state[6] = (state[6] as number) ^ low;
  state[7] = (state[7] as number) ^ high;
  round();
  state[0] = (state[0] as number) ^ low;
  state[1] = (state[1] as number) ^ high;
}

/** One SipRound: v0..v3 as (low, high) pairs in locals, additions with carry, rotations by 13, 16, 17, 21 and 32. */
function round(): void {
  let a0 = state[0] as number,
    a1 = state[1] as number;
  let b0 = state[2] as number,
    b1 = state[3] as number;
  let c0 = state[4] as number,
    c1 = state[5] as number;
  let d0 = state[6] as number,
    d1 = state[7] as number;
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
  state[0] = a0;
  state[1] = a1;
  state[2] = b0;
  state[3] = b1;
  state[4] = c0;
  state[5] = c1;
  state[6] = d0;
  state[7] = d1;
}
