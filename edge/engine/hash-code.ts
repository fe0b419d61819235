/** The hash of codes in group indexes: Knuth's multiplicative hashing, which spreads codes that count up from 1. */

/** 2^32 divided by the golden ratio. */
const GOLDEN = 0x9e3779b1;

/** One step of a key's hash. From 0 it is a bijection, so that a packed key is found by its hash alone. */
export function hashCode(hash: number, code: number): number {
  const mixed = Math.imul(hash ^ code, GOLDEN);
  return mixed ^ (mixed >>> 15);
}
