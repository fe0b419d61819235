/**
 * A stream's keys. A key is shown once, when it is made; what is kept is its SHA-256. A fast hash is enough: a key is 192
 * random bits, so there is nothing to guess that a slow one would protect.
 */
import { STREAM_LIMITS } from "./limits.ts";
import type { KeyDigest, KeyKind } from "./rpc.ts";

const PREFIX: { readonly [kind in KeyKind]: string } = { write: "wk_", import: "ik_", read: "rk_" };

/** A key with its secret. Lives only until it has been shown. */
export interface KeyMade {
  readonly key: string;
  readonly stored: KeyDigest;
}

/** Makes a random key. */
export async function makeKey(kind: KeyKind, now: number): Promise<KeyMade> {
  const key = PREFIX[kind] + base64Url(crypto.getRandomValues(new Uint8Array(STREAM_LIMITS.keyBytes)));
  const id = hex(crypto.getRandomValues(new Uint8Array(8)));
  return { key, stored: { id, kind, digest: await digestKey(key), createdAt: now, expiresAt: null } };
}

/** The form in which a key is stored and compared: its SHA-256 in hexadecimal. */
export async function digestKey(key: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(key))));
}

/**
 * Adds a key; the others of its kind end after the grace, or when they would have anyway. The newest ones are kept if
 * there would be too many. Pure.
 *
 * @param graceMs 0: the others end now
 */
export function rotateKey(
  keys: ReadonlyMap<string, KeyDigest>,
  added: KeyDigest,
  graceMs: number,
  now: number,
): ReadonlyMap<string, KeyDigest> {
  const rotated = keysInForce(keys, now).map((key) =>
    key.kind === added.kind ? { ...key, expiresAt: Math.min(key.expiresAt ?? Infinity, now + graceMs) } : key,
  );
  const kept = [...rotated.filter((key) => inForce(key, now)), added];
  let surplus = kept.filter(({ kind }) => kind === added.kind).length - STREAM_LIMITS.keysPerKindMax;
  return new Map(kept.filter((key) => key.kind !== added.kind || surplus-- <= 0).map((key) => [key.id, key]));
}

/** The keys that count now, the oldest first. */
export const keysInForce = (keys: ReadonlyMap<string, KeyDigest>, now: number): readonly KeyDigest[] =>
  [...keys.values()].filter((key) => inForce(key, now)).sort((a, b) => a.createdAt - b.createdAt);

const inForce = ({ expiresAt }: KeyDigest, now: number): boolean => expiresAt === null || now < expiresAt;

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
