/**
 * CRC-32C (Castagnoli), as in iSCSI (RFC 3720, appendix B.4), Kafka's record batches and SSE 4.2: reflected polynomial
 * 0x82f63b78. Slicing by eight: one table lookup for each byte, eight bytes a step, read as two words where they lie at
 * addresses that allow it.
 *
 * Source: M. Kounavis, F. Berry, "A Systematic Approach to Building High Performance Software-Based CRC Generators", 2005.
 */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;

const tables = buildTables();

/** `tables[256 s + b]`: what byte b, followed by s bytes of zero, adds to the checksum. */
function buildTables(): Int32Array {
  const table = new Int32Array(SLICES * 256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    table[i] = crc;
  }
  for (let i = 256; i < table.length; i++) {
    const previous = table[i - 256] as number;
    table[i] = (table[previous & 0xff] as number) ^ (previous >>> 8);
  }
  return table;
}

/** The checksum of `bytes[start..end)`, as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, start: number, end: number): number {
  // Up to where a word begins, then whole pairs of words, then the rest.
  const wordsFrom = Math.min(end, start + ((4 - ((bytes.byteOffset + start) & 3)) & 3));
  const pairs = (end - wordsFrom) >>> 3;
  let crc = crcBytes(-1, bytes, start, wordsFrom);
  if (pairs > 0) crc = crcWords(crc, new Int32Array(bytes.buffer, bytes.byteOffset + wordsFrom, 2 * pairs));
  return (crcBytes(crc, bytes, wordsFrom + 8 * pairs, end) ^ -1) >>> 0;
}

function crcBytes(before: number, bytes: Uint8Array, start: number, end: number): number {
  let crc = before;
  for (let i = start; i < end; i++) crc = (tables[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  return crc;
}

/** Words are little-endian, like all that is stored. */
function crcWords(before: number, words: Int32Array): number {
  let crc = before;
  for (let i = 0; i < words.length; i += 2) {
    const low = crc ^ (words[i] as number);
    const high = words[i + 1] as number;
    crc =
      (tables[1792 + (low & 0xff)] as number) ^
      (tables[1536 + ((low >>> 8) & 0xff)] as number) ^
      (tables[1280 + ((low >>> 16) & 0xff)] as number) ^
      (tables[1024 + (low >>> 24)] as number) ^
      (tables[768 + (high & 0xff)] as number) ^
      (tables[512 + ((high >>> 8) & 0xff)] as number) ^
      (tables[256 + ((high >>> 16) & 0xff)] as number) ^
      (tables[high >>> 24] as number);
  }
  return crc;
}
