/**
 * Asks all partitions of a stream one question, and merges their partial states as they arrive.
 *
 *   partition 0 ══ piece ═ piece ═ piece ══╗
 *   partition 1 ══ piece ══════════════════╬══► one state
 *   partition 2 ══ piece ═ piece ══════════╝
 *
 * Each partial is a stream of pieces (the engine's group tables), merged one by one and let go of: no partition's answer is
 * ever held as a whole beside the merged one. The price is that a stream which breaks off leaves part of its groups behind.
 * Such a state is thrown away and the question asked again (see run-query.ts): no answer is silently partial.
 */
import { createState, ENGINE_LIMITS, type FoldState, mergePiece, pieceLength, type Shape, shapeOf } from "#engine";
import { assert, fail, ok, type Result, unreachable } from "#protocol";
import type { PartitionAnswer, PartitionQuery, PartitionQueryFailure } from "../partition/rpc.ts";
import type { AppendContext } from "../stream/rpc.ts";
import { QUERY_LIMITS } from "./limits.ts";
import { callPartition } from "./partition-call.ts";

/** What a partition said beside its partial. */
export type PartitionPart = Omit<PartitionAnswer, "partial"> & { readonly partition: number };

export interface Absent {
  readonly partition: number;
  readonly reason: string;
}

export interface Gathered {
  readonly state: FoldState;
  readonly parts: readonly PartitionPart[];
  /** Partitions that are not in the state, not even in part. */
  readonly absent: readonly Absent[];
}

export type GatherFailure =
  | { readonly reason: "outdated" }
  | { readonly reason: "too_many_groups"; readonly max: number }
  | { readonly reason: "view_not_ready" }
  /** Streams broke off after some of their groups had been merged. */
  | { readonly reason: "broken_off"; readonly partitions: readonly number[] };

type Outcome =
  | { readonly kind: "part"; readonly part: PartitionPart }
  | { readonly kind: "absent"; readonly absent: Absent }
  | { readonly kind: "broken_off"; readonly partition: number }
  | { readonly kind: "failed"; readonly failure: Exclude<GatherFailure, { reason: "broken_off" }> };

/** @param partitions whom to ask */
export async function gather(
  env: Env,
  context: AppendContext,
  question: PartitionQuery,
  partitions: readonly number[],
): Promise<Result<Gathered, GatherFailure>> {
  const { groupBy, measures } = question.query;
  const shape = shapeOf(groupBy, measures);
  const state = createState(shape);
  const outcomes = await Promise.all(
    partitions.map((partition) => askPartition(env, context, question, partition, shape, state)),
  );
  const parts: PartitionPart[] = [];
  const absent: Absent[] = [];
  const brokenOff: number[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === "failed") return fail(outcome.failure);
    if (outcome.kind === "part") parts.push(outcome.part);
    else if (outcome.kind === "absent") absent.push(outcome.absent);
    else brokenOff.push(outcome.partition);
  }
  return brokenOff.length === 0 ? ok({ state, parts, absent }) : fail({ reason: "broken_off", partitions: brokenOff });
}

async function askPartition(
  env: Env,
  context: AppendContext,
  question: PartitionQuery,
  partition: number,
  shape: Shape,
  state: FoldState,
): Promise<Outcome> {
  const deadline = startDeadline();
  let merged = 0;
  try {
    const answer = await deadline.race(callPartition(env, context, partition, (object) => object.query(question)));
    if (!answer.ok) return refused(partition, answer.failure);
    const { partial, ...part } = answer.value;
    const pieces = new PieceReader(partial);
    for (;;) {
      const piece = await deadline.race(pieces.next());
      if (piece === null) return { kind: "part", part: { ...part, partition } };
      const taken = mergePiece(shape, state, piece);
      // Checked at both ends by a checksum, and old and new code of a deploy name their versions.
      assert(taken.ok, "a partition answers in the format that was asked for");
      merged++;
      if (state.groups > ENGINE_LIMITS.groupsMax) {
        await pieces.cancel();
        return { kind: "failed", failure: { reason: "too_many_groups", max: ENGINE_LIMITS.groupsMax } };
      }
    }
  } catch (error) {
    // Whatever it was, this partition's answer is not whole: it is named, and never guessed at.
    console.error(`partition ${partition} did not answer:`, error);
    if (merged > 0) return { kind: "broken_off", partition };
    return {
      kind: "absent",
      absent: { partition, reason: error instanceof DeadlineError ? "timeout" : "unavailable" },
    };
  } finally {
    deadline.stop();
  }
}

function refused(partition: number, failure: Exclude<PartitionQueryFailure, { reason: "config_needed" }>): Outcome {
  switch (failure.reason) {
    case "stale_config":
    case "deleted":
      return { kind: "failed", failure: { reason: "outdated" } };
    case "view_not_ready":
    case "too_many_groups":
      return { kind: "failed", failure };
    case "view_failed":
    case "overloaded":
      return { kind: "absent", absent: { partition, reason: failure.reason } };
    default:
      return unreachable(failure);
  }
}

/** Cuts a byte stream into the pieces that were written to it: each says its own length. */
class PieceReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What has arrived of the next piece, as it came: joined once, when the piece is whole. */
  #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next piece, or null at the end. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const piece = this.#take();
      if (piece !== null) return piece;
      const { done, value } = await this.#reader.read();
      if (done) {
        assert(this.#length === 0, "a partial ends with a whole piece");
        return null;
      }
      this.#chunks.push(value);
      this.#length += value.byteLength;
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  #take(): Uint8Array | null {
    const first = this.#chunks[0];
    if (first === undefined) return null;
    let length = pieceLength(first);
    // A header that was cut in two; so short that joining costs nothing.
    if (length === null && this.#chunks.length > 1) length = pieceLength(this.#join());
    if (length === null || this.#length < length) return null;
    const bytes = this.#join();
    this.#length -= length;
    this.#chunks = this.#length === 0 ? [] : [bytes.subarray(length)];
    return bytes.subarray(0, length);
  }

  #join(): Uint8Array {
    if (this.#chunks.length > 1) {
      const bytes = new Uint8Array(this.#length);
      let at = 0;
      for (const chunk of this.#chunks) {
        bytes.set(chunk, at);
        at += chunk.byteLength;
      }
      this.#chunks = [bytes];
    }
    return this.#chunks[0] as Uint8Array;
  }
}

class DeadlineError extends Error {}

/** One span of time for everything that one partition is asked. */
function startDeadline() {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlineError("no answer in time")), QUERY_LIMITS.partitionTimeoutMs);
  // Nobody may be waiting for it at the moment when it comes.
  over.catch(() => {});
  return {
    race: <T>(work: Promise<T>): Promise<T> => Promise.race([work, over]),
    stop: () => clearTimeout(timer),
  };
}
