/**
 * One call to one partition, with what caller and partition have to settle between them first: a partition that lacks the
 * stream's configuration (it is new, or a change has not reached it yet) is told it, once, and called again.
 */
import { assert, fail, type Result } from "#protocol";
import type { ConfigFailure, PartitionRpc } from "../partition/rpc.ts";
import type { AppendContext } from "../stream/rpc.ts";
import { isUnavailable, partitionOf } from "./objects.ts";

/** What is left of a partition's configuration failures: the caller's idea of the stream is old. */
export type Outdated = Extract<ConfigFailure, { reason: "stale_config" | "deleted" }>;

type ConfigNeeded = Extract<ConfigFailure, { reason: "config_needed" }>;

/**
 * @param call may be made twice: the first time a partition that lacks its configuration does nothing
 * @param repeatable whether to try again when the object was not there: it may have done the work and lost the answer
 */
export async function callPartition<T, F extends { readonly reason: string }>(
  env: Env,
  context: AppendContext,
  partition: number,
  call: (partition: PartitionRpc) => Promise<Result<T, F | ConfigFailure>>,
  repeatable = true,
): Promise<Result<T, F | Outdated>> {
  const attempt = () => call(partitionOf(env, context, partition));
  const first = await (repeatable ? retried(attempt) : attempt());
  if (first.ok) return first;
  if (!isConfigNeeded(first.failure)) return fail(first.failure);
  const config = context.partitionConfigs[partition];
  assert(config !== undefined, "slots and paths name partitions that the stream has");
  const configured = await retried(() => partitionOf(env, context, partition).configure(config));
  const second = configured.ok ? await attempt() : configured;
  if (second.ok) return second;
  if (!isConfigNeeded(second.failure)) return fail(second.failure);
  // What it was told was not new enough for it: neither is the rest of what the caller knows.
  return fail({ reason: "stale_config", version: config.version });
}

const isConfigNeeded = (failure: { readonly reason: string }): failure is ConfigNeeded =>
  failure.reason === "config_needed";

/** Once more with a new stub, where the platform says that this may help; never against an object that has too much to do. */
async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    const overloaded = error instanceof Error && "overloaded" in error && error.overloaded === true;
    if (overloaded || !isUnavailable(error)) throw error;
    return attempt();
  }
}

/** True for a failure that says: the caller's idea of the stream is old. Ask the stream's object again. */
export const isOutdated = (failure: { readonly reason: string }): failure is Outdated =>
  failure.reason === "stale_config" || failure.reason === "deleted";
