/** What a stream is given when it is made, and nobody may guess: its keys, its secret, its hash seed. */
import { hex, makeKey } from "./keys.ts";

export async function makeFirstKeys() {
  const now = Date.now();
  const [write, read, imports] = await Promise.all([
    makeKey("write", now),
    makeKey("read", now),
    makeKey("import", now),
  ]);
  return { write, read, import: imports };
}

export const randomHex = (bytes: number): string => hex(crypto.getRandomValues(new Uint8Array(bytes)));

export function randomSeed(): readonly [number, number, number, number] {
  const words = crypto.getRandomValues(new Uint32Array(4));
  return [words[0] ?? 0, words[1] ?? 0, words[2] ?? 0, words[3] ?? 0];
}
