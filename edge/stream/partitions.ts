/**
 * Calls to all partitions of a stream: bounded in number and in time, retried once where the platform says that this may
 * help. Lacks any knowledge of what is asked. A partition that cannot be reached is data, not an exception: the others'
 * answers still count, and the caller decides what a part of the stream is worth.
 */
import { fail, ok, type Result } from "#protocol";
import type { PartitionRpc } from "../partition/rpc.ts";
import { STREAM_LIMITS } from "./limits.ts";
import type { StreamConfig } from "./rpc.ts";

/** The partitions of one stream. `stub` is a new one at every call: a stub that has failed stays broken. */
export interface Partitions {
  readonly count: number;
  readonly stub: (partition: number) => PartitionRpc;
}

export interface Unreachable {
  readonly reason: "unreachable";
  readonly detail: string;
}

export function partitionsOf(
  namespace: DurableObjectNamespace,
  stream: { readonly streamId: string; readonly settings: Pick<StreamConfig, "partitions" | "jurisdiction"> },
): Partitions {
  const { partitions, jurisdiction } = stream.settings;
  const placed = jurisdiction === null ? namespace : namespace.jurisdiction(jurisdiction);
  return {
    count: partitions,
    // The contract, not the class: what this room may know of a partition is what rpc.ts says.
    stub: (partition) => placed.getByName(`${stream.streamId}/${partition}`) as unknown as PartitionRpc,
  };
}

/** Whether the platform can place objects there. A local one cannot, and throws instead of answering. */
export function canPlaceIn(namespace: DurableObjectNamespace, jurisdiction: StreamConfig["jurisdiction"]): boolean {
  if (jurisdiction === null) return true;
  try {
    namespace.jurisdiction(jurisdiction);
    return true;
  } catch {
    return false;
  }
}

/** Calls the partitions in `which` (default: all), a bounded number at a time. Answers stand in the order of `which`. */
export async function callPartitions<T>(
  partitions: Partitions,
  call: (partition: PartitionRpc, index: number) => Promise<T>,
  which: readonly number[] = Array.from({ length: partitions.count }, (_, index) => index),
  atOnceMax: number = STREAM_LIMITS.partitionCallsAtOnceMax,
): Promise<readonly Result<T, Unreachable>[]> {
  const answers: Result<T, Unreachable>[] = [];
  let next = 0;
  const worker = async () => {
    while (next < which.length) {
      const at = next++;
      const index = which[at] as number;
      answers[at] = await callPartition(() => call(partitions.stub(index), index));
    }
  };
  await Promise.all(Array.from({ length: atOnceMax }, worker));
  return answers;
}

async function callPartition<T>(call: () => Promise<T>): Promise<Result<T, Unreachable>> {
  try {
    return ok(await withinTime(call));
  } catch (first) {
    if (!isWorthRetrying(first)) return fail({ reason: "unreachable", detail: messageOf(first) });
  }
  try {
    return ok(await withinTime(call));
  } catch (second) {
    return fail({ reason: "unreachable", detail: messageOf(second) });
  }
}

/** An object that was moved or restarted is worth another try; one that is overloaded would only get worse. */
const isWorthRetrying = (error: unknown): boolean =>
  error instanceof Error &&
  "retryable" in error &&
  error.retryable === true &&
  !("overloaded" in error && error.overloaded);

/** The call itself cannot be taken back: every call of this room may be repeated. */
async function withinTime<T>(call: () => Promise<T>): Promise<T> {
  const { partitionCallMs } = STREAM_LIMITS;
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${partitionCallMs} ms`)), partitionCallMs);
  try {
    return await Promise.race([call(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
