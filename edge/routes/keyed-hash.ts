/**
 * Keyed hashes: what stands in the log and in the producer table for ids and addresses, which are never stored themselves.
 * HMAC-SHA-256 under the stream's secret, so that nobody without it can test a guess, or choose an id that lands in a slot.
 */
import { bytesToHex } from "./hex.ts";
import { HASH_LIMITS } from "./limits.ts";

/** What is hashed. A purpose of its own for each keeps equal texts of different meanings apart. */
export type HashPurpose = "producer/write" | "producer/import" | "once/write" | "once/import" | "ip";

const SLOT_BITS = 10;
const utf8 = new TextEncoder();

export const importHmacKey = (secret: Uint8Array<ArrayBuffer>): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

export interface KeyedHash {
  /** 16 bytes as 32 hexadecimal digits. */
  readonly key: string;
  /** The first 10 bits of them, 0 <= slot < 1024. */
  readonly slot: number;
}

/** A producer sends many batches. Of all streams together; nothing in it could not be computed from what came with them. */
const remembered = new Map<string, KeyedHash>();
/** Tells the streams' secrets apart in it, and goes with them. */
const secretNumbers = new WeakMap<CryptoKey, number>();
let secretsSeen = 0;

export async function keyedHash(secret: CryptoKey, purpose: HashPurpose, text: string): Promise<KeyedHash> {
  const asked = `${numberOf(secret)}/${purpose}\0${text}`;
  const known = remembered.get(asked);
  if (known !== undefined) return known;
  const computed = await computeKeyedHash(secret, purpose, text);
  if (remembered.size >= HASH_LIMITS.rememberedMax) remembered.clear();
  remembered.set(asked, computed);
  return computed;
}

function numberOf(secret: CryptoKey): number {
  const known = secretNumbers.get(secret);
  if (known !== undefined) return known;
  secretNumbers.set(secret, ++secretsSeen);
  return secretsSeen;
}

async function computeKeyedHash(secret: CryptoKey, purpose: HashPurpose, text: string): Promise<KeyedHash> {
  // The purpose holds no NUL, so that no two pairs of purpose and text hash the same bytes.
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", secret, utf8.encode(`${purpose}\0${text}`)));
  const slot = (((mac[0] as number) << 8) | (mac[1] as number)) >>> (16 - SLOT_BITS);
  return { key: bytesToHex(mac.subarray(0, 16)), slot };
}
