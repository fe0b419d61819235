/**
 * The first gates: how often one client may append under one key, and all clients together. Counted by the platform, per
 * location and about right; a hard bound is the partition's own. Both bindings are optional: raw workerd has none.
 */
import type { KeyDigest } from "../stream/rpc.ts";

/** False if the request is one too many. */
export async function withinRates(env: Env, { digest }: KeyDigest, address: string | null): Promise<boolean> {
  // By digest: no key leaves for a counter.
  const [byAddress, byKey] = await Promise.all([
    isWithin(env.KEY_ADDRESS_LIMIT, `${digest}/${address ?? "unknown"}`),
    isWithin(env.KEY_LIMIT, digest),
  ]);
  return byAddress && byKey;
}

async function isWithin(limit: RateLimit | undefined, key: string): Promise<boolean> {
  return limit === undefined || (await limit.limit({ key })).success;
}
