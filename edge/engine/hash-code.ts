/**
 * What the indexes with open addressing have in common: the hash of codes, which is Knuth's multiplicative hashing (it spreads
 * codes that count up from 1), and their room.
 */
import type { KeyColumns } from "./key-columns.ts";

/** 2^32 divided by the golden ratio. */
const GOLDEN = 0x9e3779b1;

/** One step of a key's hash. From 0 it is a bijection, so that a packed key is found by its hash alone. */
export function hashCode(hash: number, code: number): number {
  const mixed = Math.imul(hash ^ code, GOLDEN);
  return mixed ^ (mixed >>> 15);
}

const ROOM_MIN = 8;

/** For how many groups an index makes room at first: a power of two, more than there are. */
export function roomFor({ capacity, size }: KeyColumns): number {
  let room = ROOM_MIN;
  while (room < capacity || room <= size) room *= 2;
  return room;
}
