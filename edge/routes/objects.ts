/**
 * The objects behind the routes, by name. The one place that knows how they are addressed from a Worker.
 */
import type { PartitionRpc } from "../partition/rpc.ts";
import type { AppendContext, StreamRpc } from "../stream/rpc.ts";

/** The one instance of the stream class that knows which stream id a name stands for. */
export const directoryOf = (env: Env): StreamRpc => streamOf(env, "directory");

export const streamOf = (env: Env, streamId: string): StreamRpc =>
  // The generated stub type maps every nested type through the platform's serializer and loses unions on the way; the
  // contract file says the same exactly.
  env.STREAM.getByName(streamId) as unknown as StreamRpc;

/** The same object as a server of sockets. */
export const streamFeedOf = (env: Env, streamId: string): { fetch(request: Request): Promise<Response> } =>
  env.STREAM.getByName(streamId);

export type PartitionAddress = Pick<AppendContext, "streamId" | "jurisdiction">;

export function partitionOf(env: Env, { streamId, jurisdiction }: PartitionAddress, partition: number): PartitionRpc {
  const namespace = jurisdiction === null ? env.PARTITION : env.PARTITION.jurisdiction(jurisdiction);
  return namespace.getByName(`${streamId}/${partition}`) as unknown as PartitionRpc;
}

/**
 * Whether an error thrown by a call to an object says that the object was not there just then (restarted, moved, too busy),
 * rather than that its code is wrong. The platform marks such errors; their classes are lost on the way.
 */
export const isUnavailable = (error: unknown): boolean =>
  typeof error === "object" &&
  error !== null &&
  (("retryable" in error && error.retryable === true) ||
    ("overloaded" in error && error.overloaded === true) ||
    ("durableObjectReset" in error && error.durableObjectReset === true));
