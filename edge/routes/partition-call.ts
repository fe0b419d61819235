/**
 * One call to one partition, with what caller and partition have to settle between them first: a partition that lacks the
 * stream's configuration (it is new, or a change has not reached it yet) is told it, once, and called again.
 */
import type { Result } from "#protocol";
import type { ConfigFailure, PartitionRpc } from "../partition/rpc.ts";
import type { AppendContext } from "../stream/rpc.ts";
import { isUnavailable, partitionOf } from "./objects.ts";

/** What is left of a partition's configuration failures when this file is done with them. */
export type Outdated = Extract<ConfigFailure, { reason: "stale_config" | "deleted" }>;

/**
 * @param call may be called twice: whatever it does must bear repeating, if `repeatable`
 * @param repeatable whether to try again when the object was not there: it may have done the work and lost the answer
 */
export async function callPartition<T, F extends { readonly reason: string }>(
  env: Env,
  context: AppendContext,
  partition: number,
  call: (partition: PartitionRpc) => Promise<Result<T, F | ConfigFailure>>,
  repeatable = true,
): Promise<Result<T, F | ConfigFailure>> {
  const attempt = () => call(partitionOf(env, context, partition));
  const answer = await (repeatable ? retried(attempt) : attempt());
  if (answer.ok || answer.failure.reason !== "config_needed") return answer;
  const config = context.partitionConfigs[partition];
  if (config === undefined) return answer;
  const configured = await retried(() => partitionOf(env, context, partition).configure(config));
  return configured.ok ? attempt() : configured;
}

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
