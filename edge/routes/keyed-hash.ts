/**
 * Keyed hashes: what stands in the log and in the producer table for ids and addresses, which are never stored themselves.
 * HMAC-SHA-256 under the stream's secret, so that nobody without it can test a guess, or choose an id that lands in a slot.
 */
import { bytesToHex } from "./hex.ts";

/** What is hashed. A purpose of its own for each keeps equal texts of different meanings apart. */
export type HashPurpose = "producer/write" | "producer/import" | "once/write" | "once/import" | "ip";

const SLOT_BITS = 10;
const utf8 = new TextEncoder();

export const importHmacKey = (secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

/** @returns 16 bytes as 32 hexadecimal digits, and the slot: the first 10 bits of them, 0 <= slot < 1024. */
export async function keyedHash(
  secret: CryptoKey,
  purpose: HashPurpose,
  text: string,
): Promise<{ readonly key: string; readonly slot: number }> {
  // The purpose holds no NUL, so that no two pairs of purpose and text hash the same bytes.
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", secret, utf8.encode(`${purpose}\0${text}`)));
  const slot = (((mac[0] as number) << 8) | (mac[1] as number)) >>> (16 - SLOT_BITS);
  return { key: bytesToHex(mac.subarray(0, 16)), slot };
}
