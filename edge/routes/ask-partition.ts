/**
 * Asks one partition and merges what it sends, piece by piece, into the state of all. The price of merging at once is that
 * a stream which breaks off leaves part of its groups behind: then the state is of no use, and that is said.
 */
import {
  ENGINE_LIMITS,
  type FoldState,
  type GroupSelection,
  mergePiece,
  type Shape,
  type ThresholdMerge,
} from "#engine";
import { assert, type Result, unreachable } from "#protocol";
import type { PartialGone, PartitionAnswer, PartitionQuery, PartitionQueryFailure } from "../partition/rpc.ts";
import type { AppendContext } from "../stream/rpc.ts";
import { DeadlineError, startDeadline } from "./deadline.ts";
import type { Gate } from "./gate.ts";
import { QUERY_LIMITS } from "./limits.ts";
import { callPartition, type Outdated } from "./partition-call.ts";
import { PieceReader } from "./piece-reader.ts";

/** What a partition said beside its partial. */
export type PartitionPart = Omit<PartitionAnswer, "partial" | "held"> & { readonly partition: number };

export interface Absent {
  readonly partition: number;
  readonly reason: string;
}

/** The view's windows were rolled up across what is asked. */
export type NotAligned = Extract<PartitionQueryFailure, { reason: "range_not_aligned" }>;

/** Why nothing can come of a whole gathering. */
export type Impossible =
  | { readonly reason: "outdated" }
  | { readonly reason: "too_many_groups"; readonly max: number }
  | { readonly reason: "view_not_ready" }
  | NotAligned
  /** A partition has let go of the groups that it held back. */
  | { readonly reason: "partial_gone" };

export type Outcome =
  | {
      readonly kind: "part";
      readonly part: PartitionPart;
      readonly held: PartitionAnswer["held"];
      readonly groups: number;
    }
  | { readonly kind: "more" }
  | { readonly kind: "absent"; readonly absent: Absent }
  /** It has sent only some of its groups. */
  | { readonly kind: "broken_off"; readonly partition: number }
  | { readonly kind: "failed"; readonly failure: Impossible };

/** What all partitions of one gathering share. */
export interface Gathering {
  readonly env: Env;
  readonly context: AppendContext;
  readonly shape: Shape;
  readonly state: FoldState;
  readonly thresholds: ThresholdMerge | null;
  /** Of how many partitions pieces are on their way at the same time. */
  readonly reading: Gate;
  /** Nothing will come of it any more: nobody needs to go on. */
  isOver: boolean;
}

/** The first question to a partition. */
export function askFirst(gathering: Gathering, question: PartitionQuery, partition: number): Promise<Outcome> {
  return guarded(gathering, partition, async (progress, race) => {
    const { env, context, thresholds } = gathering;
    const answer = await race(callPartition(env, context, partition, (object) => object.query(question)));
    if (!answer.ok) return refused(partition, answer.failure);
    const { partial, held, ...part } = answer.value;
    if (held !== undefined && held.id !== null) {
      thresholds?.hold(partition, held.groups);
      // From here on it is part of what the other rounds ask about.
      progress.hasBegun = true;
    }
    const groups = await merge(gathering, partition, partial, progress);
    return { kind: "part", part: { ...part, partition }, held, groups };
  });
}

/** Asks a partition for more of the groups that it holds back. */
export function askMore(
  gathering: Gathering,
  partition: number,
  id: string,
  selection: GroupSelection,
): Promise<Outcome> {
  return guarded(gathering, partition, async (progress, race) => {
    const { env, context } = gathering;
    progress.hasBegun = true;
    const answer = await race(
      callPartition<ReadableStream<Uint8Array>, PartialGone>(env, context, partition, (object) =>
        object.more(id, selection),
      ),
    );
    if (!answer.ok) return goneOrOutdated(answer.failure);
    await merge(gathering, partition, answer.value, progress);
    return { kind: "more" };
  });
}

/** Tells a partition that nothing more will be asked of it. Nobody waits for it: what it holds back goes by itself too. */
export function release({ env, context }: Gathering, partition: number, id: string): void {
  const released = callPartition(env, context, partition, async (object): Promise<Result<void, never>> => {
    await object.release(id);
    return { ok: true, value: undefined };
  });
  released.catch(() => {});
}

interface Progress {
  /** Groups of this partition are in the state, or are counted on. */
  hasBegun: boolean;
}

type Race = <T>(work: Promise<T>) => Promise<T>;

async function guarded(
  gathering: Gathering,
  partition: number,
  ask: (progress: Progress, race: Race) => Promise<Outcome>,
): Promise<Outcome> {
  const deadline = startDeadline(QUERY_LIMITS.partitionTimeoutMs);
  const progress: Progress = { hasBegun: false };
  try {
    const outcome = await ask(progress, deadline.race);
    if (outcome.kind === "failed") gathering.isOver = true;
    return outcome;
  } catch (error) {
    if (error instanceof TooManyGroups) {
      gathering.isOver = true;
      return { kind: "failed", failure: { reason: "too_many_groups", max: ENGINE_LIMITS.groupsMax } };
    }
    // Whatever it was, this partition's answer is not whole: it is named, and never guessed at.
    console.error(`partition ${partition} did not answer:`, error);
    if (progress.hasBegun) return { kind: "broken_off", partition };
    const reason = error instanceof DeadlineError ? "timeout" : "unavailable";
    return { kind: "absent", absent: { partition, reason } };
  } finally {
    deadline.stop();
  }
}

class TooManyGroups extends Error {}

/** Merges a stream of pieces when its turn comes. @returns how many groups it had */
function merge(
  gathering: Gathering,
  partition: number,
  stream: ReadableStream<Uint8Array>,
  progress: Progress,
): Promise<number> {
  const { shape, state, thresholds, reading } = gathering;
  return reading.run(async () => {
    // Waiting for its turn was not the partition's fault.
    const deadline = startDeadline(QUERY_LIMITS.partitionTimeoutMs);
    const pieces = new PieceReader(stream);
    let groups = 0;
    try {
      while (!gathering.isOver) {
        const piece = await deadline.race(pieces.next());
        if (piece === null) return groups;
        const taken = mergePiece(shape, state, piece);
        // Checked at both ends by a checksum, and old and new code of a deploy name their versions.
        assert(taken.ok, "a partition answers in the format that was asked for");
        progress.hasBegun = true;
        thresholds?.merged(partition, taken.value);
        groups += taken.value.size;
        if (state.groups > ENGINE_LIMITS.groupsMax) throw new TooManyGroups();
      }
      return groups;
    } finally {
      deadline.stop();
      // Ends nothing if the end was reached. Else it tells the partition to stop, which may be gone.
      pieces.cancel().catch(() => {});
    }
  });
}

function refused(partition: number, failure: Exclude<PartitionQueryFailure, { reason: "config_needed" }>): Outcome {
  switch (failure.reason) {
    case "stale_config":
    case "deleted":
      return { kind: "failed", failure: { reason: "outdated" } };
    case "view_not_ready":
    case "range_not_aligned":
    case "too_many_groups":
      return { kind: "failed", failure };
    case "view_failed":
    case "overloaded":
      return { kind: "absent", absent: { partition, reason: failure.reason } };
    default:
      return unreachable(failure);
  }
}

const goneOrOutdated = ({ reason }: Outdated | PartialGone): Outcome => ({
  kind: "failed",
  failure: reason === "partial_gone" ? { reason } : { reason: "outdated" },
});
