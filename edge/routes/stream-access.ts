/**
 * What a stream is to the Worker: found by name, and remembered for appends for at most 30 s. One cache an isolate, bounded.
 *
 * Only values are shared between requests, never promises: a promise belongs to the request that made it, and another one
 * that waits for it hangs when that request ends.
 */
import * as v from "valibot";
import type { AppendContext, KeyDigest, QueryContext } from "../stream/rpc.ts";
import { hexToBytes } from "./hex.ts";
import { importHmacKey } from "./keyed-hash.ts";
import { CONTEXT_LIMITS } from "./limits.ts";
import { directoryOf, streamOf } from "./objects.ts";
import { NameSchema } from "./schemas/common.ts";

/** A stream's context, with what is worth computing once from it. */
export interface StreamAccess<C extends AppendContext = AppendContext> {
  readonly context: C;
  readonly keys: readonly { readonly key: KeyDigest; readonly digest: Uint8Array }[];
  /**
   * Keys that were presented and found to be in the list, by their text: one that comes with every request is hashed and
   * compared once as long as this access is remembered. Only what matched gets in, so that it is as short as the list.
   */
  readonly recognised: Map<string, KeyDigest>;
  /** The stream's secret, ready to hash with. */
  readonly secret: CryptoKey;
}

export class StreamDirectory {
  readonly #accesses = new Map<string, { readonly access: StreamAccess; readonly fetchedAt: number }>();
  /** An id is random and never names a second stream, so a remembered one can only be gone, not wrong. */
  readonly #ids = new Map<string, string>();

  /** For an append: at most 30 s old. Null if there is no such stream. */
  async forAppend(env: Env, name: string): Promise<StreamAccess | null> {
    const known = this.#accesses.get(name);
    if (known !== undefined && Date.now() - known.fetchedAt < CONTEXT_LIMITS.ageMaxMs) return known.access;
    return this.forAppendAnew(env, name);
  }

  /** For an append whose remembered context has turned out to be too old. */
  async forAppendAnew(env: Env, name: string): Promise<StreamAccess | null> {
    const fetchedAt = Date.now();
    this.#accesses.delete(name);
    const context = await this.#ask(env, name, (streamId) => streamOf(env, streamId).appendContext());
    if (context === null) return null;
    const access = await accessTo(context);
    remember(this.#accesses, name, { access, fetchedAt });
    return access;
  }

  /** For a query or for administration: asked anew each time, because a change that was answered must be seen. */
  async forQuery(env: Env, name: string): Promise<StreamAccess<QueryContext> | null> {
    const context = await this.#ask(env, name, (streamId) => streamOf(env, streamId).queryContext());
    return context === null ? null : accessTo(context);
  }

  /** The id that a name stands for now, as the directory says. Null if there is no such stream. */
  async idOf(env: Env, name: string): Promise<string | null> {
    const streamId = v.is(NameSchema, name) ? await directoryOf(env).resolve(name) : null;
    if (streamId === null) this.#ids.delete(name);
    else remember(this.#ids, name, streamId);
    return streamId;
  }

  /** After a change made through this isolate: its own appends need not wait for what it knows to grow old. */
  forget(name: string): void {
    this.#accesses.delete(name);
    this.#ids.delete(name);
  }

  async #ask<C>(env: Env, name: string, ask: (streamId: string) => Promise<C | null>): Promise<C | null> {
    const remembered = this.#ids.get(name);
    if (remembered !== undefined) {
      const context = await ask(remembered);
      if (context !== null) return context;
    }
    // Never seen here, or deleted since, and perhaps made again under another id.
    const streamId = await this.idOf(env, name);
    return streamId === null || streamId === remembered ? null : ask(streamId);
  }
}

/** A context with what is worth computing once from it. */
export async function accessTo<C extends AppendContext>(context: C): Promise<StreamAccess<C>> {
  return {
    context,
    keys: context.keys.map((key) => ({ key, digest: hexToBytes(key.digest) })),
    recognised: new Map(),
    secret: await importHmacKey(hexToBytes(context.secret)),
  };
}

/** Keeps the most recently set entries: a Map lists them in the order in which they came. */
function remember<V>(map: Map<string, V>, name: string, value: V): void {
  map.delete(name);
  map.set(name, value);
  if (map.size > CONTEXT_LIMITS.streamsMax) map.delete(map.keys().next().value as string);
}
