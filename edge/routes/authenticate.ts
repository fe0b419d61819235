/**
 * Who asks. A key is compared by its SHA-256 digest, in constant time, with every digest that could match: neither the time
 * that it takes nor the answer says how close a guess was.
 *
 * Closed by default: no key, no entry; an ADMIN_TOKEN that is not set opens nothing.
 */
import { fail, ok, type Result } from "#protocol";
import type { KeyDigest, KeyKind } from "../stream/rpc.ts";
import type { HttpContext } from "./http.ts";
import type { StreamAccess } from "./stream-access.ts";

export type KeyFailure =
  { readonly reason: "unauthorized" } | { readonly reason: "forbidden"; readonly detail: string };
export type AdminKeyFailure = KeyFailure | { readonly reason: "admin_disabled" };

/** A key as it was presented. */
export interface PresentedKey {
  readonly text: string;
  /** `query`: in `?key=`, where logs and histories may keep it; only a write key, which is public, may travel so. */
  readonly place: "header" | "query";
}

const BEARER = /^Bearer +([\x21-\x7e]{1,256})$/i;

/** The key of a request, if it has one. The header counts before the query. */
export function presentedKey(c: HttpContext, places: readonly PresentedKey["place"][]): PresentedKey | null {
  const header = c.req.header("Authorization");
  if (header !== undefined) {
    const text = BEARER.exec(header)?.[1];
    return text === undefined ? null : { text, place: "header" };
  }
  const text = places.includes("query") ? c.req.query("key") : undefined;
  return text === undefined ? null : { text, place: "query" };
}

/** The stream's key that was presented, if it is in force and of a kind that may do this. */
export async function authenticate(
  env: Env,
  access: StreamAccess,
  presented: PresentedKey | null,
  kinds: readonly KeyKind[],
): Promise<Result<KeyDigest, KeyFailure>> {
  if (presented === null) return fail({ reason: "unauthorized" });
  const key = recognised(access, presented.text) ?? (await recognise(access, presented.text));
  if (key === null) {
    const detail = `the administrator's token is not a ${kinds.join(" or ")} key`;
    const isAdmin = await isAdminToken(env, await sha256(presented.text));
    return isAdmin ? fail({ reason: "forbidden", detail }) : fail({ reason: "unauthorized" });
  }
  if (!kinds.includes(key.kind)) {
    return fail({
      reason: "forbidden",
      detail: `this needs a ${kinds.join(" or ")} key, and this is a ${key.kind} key`,
    });
  }
  if (presented.place === "query" && key.kind !== "write") {
    return fail({ reason: "forbidden", detail: "only a write key may stand in the query string" });
  }
  return ok(key);
}

/**
 * A key that was compared before. The lookup goes by the text's hash under V8's own random seed, and compares texts only
 * where all of that is equal: its time says no more of a key than whether it is the right one, and the answer says that too.
 */
function recognised(access: StreamAccess, text: string): KeyDigest | null {
  const key = access.recognised.get(text);
  return key !== undefined && isInForce(key, Date.now()) ? key : null;
}

/** Every key is compared, whichever matches: the time says nothing. */
async function recognise(access: StreamAccess, text: string): Promise<KeyDigest | null> {
  const digest = await sha256(text);
  const now = Date.now();
  let found: KeyDigest | null = null;
  for (const { key, digest: known } of access.keys) {
    const equal = known.byteLength === digest.byteLength && crypto.subtle.timingSafeEqual(known, digest);
    if (equal && isInForce(key, now)) found = key;
  }
  if (found !== null) access.recognised.set(text, found);
  return found;
}

const isInForce = ({ expiresAt }: KeyDigest, now: number): boolean => expiresAt === null || now < expiresAt;

/** Keys of streams begin so; the administrator's token should not. */
const STREAM_KEY = /^(wk|ik|rk)_/;

/** Whether a request may administrate. */
export async function authenticateAdmin(
  env: Env,
  presented: PresentedKey | null,
): Promise<Result<null, AdminKeyFailure>> {
  if (!env.ADMIN_TOKEN) return fail({ reason: "admin_disabled" });
  if (presented === null) return fail({ reason: "unauthorized" });
  if (await isAdminToken(env, await sha256(presented.text))) return ok(null);
  // Judged by its prefix alone: which streams have this key is nobody's business here.
  if (STREAM_KEY.test(presented.text)) {
    return fail({ reason: "forbidden", detail: "a stream's key does not administrate: this needs ADMIN_TOKEN" });
  }
  return fail({ reason: "unauthorized" });
}

async function isAdminToken(env: Env, digest: ArrayBuffer): Promise<boolean> {
  return env.ADMIN_TOKEN ? crypto.subtle.timingSafeEqual(await sha256(env.ADMIN_TOKEN), digest) : false;
}

const sha256 = (text: string): Promise<ArrayBuffer> => crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
