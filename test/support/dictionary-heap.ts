/**
 * A process of its own, started with --expose-gc: how much memory a million ads take in a dictionary, when they come one by
 * one and when they are read from what is stored of them. Prints bytes as JSON.
 */
import { decodeAdditions, Dictionaries, encodeAdditions, type HashSeed, splitAdditions } from "#engine";

const ADS = 1_000_000;
const SEED: HashSeed = [1, 2, 3, 4];
/** How often memory is looked at on the way: collecting garbage takes its time. */
const LOOKS = 25;

/** Of the heap and of array buffers, when the garbage is gone. */
function memoryBytes(): number {
  // Twice: what the first finds unreachable, the second has given back.
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The most that was in use at any look, garbage apart, while `step` ran. */
function mostOf(step: (look: number) => void): number {
  const before = memoryBytes();
  let most = 0;
  for (let look = 0; look < LOOKS; look++) {
    step(look);
    most = Math.max(most, memoryBytes() - before);
  }
  return most;
}

const writer = new Dictionaries(0, SEED);
const id = writer.attributeId("ad");
const written = mostOf((look) => {
  const from = (look * ADS) / LOOKS;
  for (let i = from; i < from + ADS / LOOKS; i++) writer.intern(id, `ad-${String(i).padStart(9, "0")}`);
  writer.dictionary(id).hashes();
});
const rows = splitAdditions(writer.additionsSince([]), 512 * 1024).map(encodeAdditions);

const reader = new Dictionaries(0, SEED);
const read = mostOf((look) => {
  const share = Math.ceil(rows.length / LOOKS);
  for (const row of rows.slice(look * share, (look + 1) * share)) reader.apply(decodeAdditions(row));
  if (look < LOOKS - 1) return;
  reader.dictionary(id).codeOf("ad-000000000");
  reader.dictionary(id).hashes();
});

console.log(
  JSON.stringify({
    entries: writer.dictionary(id).size,
    written,
    writtenSaid: writer.bytes,
    entriesRead: reader.dictionary(id).size,
    read,
    readSaid: reader.bytes,
  }),
);
