/**
 * HalfSipHash-1-3 with 32 bits out: the hash of a hash table whose keys strangers choose. Keyed, because whoever could make
 * texts collide could make each lookup walk the whole table. Not stored anywhere, so it reads bytes as the machine's words.
 *
 * Source: J.-P. Aumasson, D. J. Bernstein, SipHash's repository, `halfsiphash.c`; Linux hashes its tables with it (hsiphash).
 */
import type { HashSeed } from "./siphash.ts";
import type { TextBuffer } from "./utf8.ts";

/** The hash of the buffer's first `length` bytes, which are filled up behind it. Any of -2^31 to 2^31 - 1. */
export function halfSiphash13(seed: HashSeed, { bytes, words }: TextBuffer, length: number): number {
  const last = length >>> 2;
  // The last word holds the bytes that are left over, and the length.
  for (let i = length; i < 4 * last + 3; i++) bytes[i] = 0;
  bytes[4 * last + 3] = length;
  let v0 = seed[0] | 0;
  let v1 = seed[1] | 0;
  let v2 = seed[0] ^ 0x6c796765;
  let v3 = seed[1] ^ 0x74656462;
  // One round a word, and three with nothing to finish.
  for (let i = 0; i <= last + 3; i++) {
    let word = 0;
    if (i <= last) word = words[i] as number;
    else if (i === last + 1) v2 ^= 0xff;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
  }
  return v1 ^ v3;
}
