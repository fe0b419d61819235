/**
 * Asks all partitions of a stream one question, and merges their partial states as they arrive.
 *
 *   partition 0 ══ piece ═ piece ═ piece ══╗
 *   partition 1 ══ piece ══════════════════╬══► one state
 *   partition 2 ══ piece ═ piece ══════════╝
 *
 * All of them work at the same time. Each partial is a stream of pieces (the engine's group tables), merged one by one and
 * let go of: no partition's answer is ever held as a whole beside the merged one, and of those that wait for their turn no
 * more is on its way than a connection holds. A stream that breaks off leaves part of its groups behind: such a state is
 * thrown away and the question asked again (see run-query.ts): no answer is silently partial.
 *
 * Where the order of the rows allows it, partitions send only their first groups, and in two more rounds those that may be
 * among the first of all (the engine's early-stop.ts).
 */
import { createState, earlyStopOf, type FoldState, type Selections, shapeOf, ThresholdMerge } from "#engine";
import { assert, fail, ok, type Result } from "#protocol";
import type { PartitionQuery } from "../partition/rpc.ts";
import type { AppendContext } from "../stream/rpc.ts";
import {
  type Absent,
  askFirst,
  askMore,
  type Gathering,
  type Impossible,
  type Outcome,
  type PartitionPart,
  release,
} from "./ask-partition.ts";
import { Gate } from "./gate.ts";
import { QUERY_LIMITS } from "./limits.ts";

export interface Gathered {
  /** All that the answer's rows need. */
  readonly state: FoldState;
  /** There are more groups than those in the state. */
  readonly hasMore: boolean;
  readonly parts: readonly PartitionPart[];
  /** Partitions that are not in the state, not even in part. */
  readonly absent: readonly Absent[];
}

export type GatherFailure =
  | Impossible
  /** Streams broke off after some of their groups had been merged. */
  | { readonly reason: "broken_off"; readonly partitions: readonly number[] };

/**
 * @param partitions whom to ask
 * @param mayStopEarly false: asks for all groups, in one round
 */
export async function gather(
  env: Env,
  context: AppendContext,
  question: Omit<PartitionQuery, "early">,
  partitions: readonly number[],
  mayStopEarly: boolean,
): Promise<Result<Gathered, GatherFailure>> {
  const { query } = question;
  const shape = shapeOf(query.groupBy, query.measures);
  const state = createState(shape);
  const early = mayStopEarly ? earlyStopOf(query, partitions.length) : null;
  const thresholds = early === "thresholds" ? new ThresholdMerge(query, state) : null;
  const reading = new Gate(QUERY_LIMITS.streamsAtOnceMax);
  const gathering: Gathering = { env, context, shape, state, thresholds, reading, isOver: false };
  const asked: PartitionQuery = early === null ? question : { ...question, early };

  const outcomes = await Promise.all(partitions.map((partition) => askFirst(gathering, asked, partition)));
  const ids = heldIds(outcomes);
  try {
    const failure = failureOf(outcomes) ?? (ids.size > 0 ? await askInRounds(gathering, outcomes, ids) : null);
    if (failure !== null) return fail(failure);
  } finally {
    for (const [partition, id] of ids) release(gathering, partition, id);
  }
  return ok({
    state,
    // Who holds groups back has more of them than the answer has rows.
    hasMore: outcomes.some((outcome) => outcome.kind === "part" && outcome.held !== undefined),
    parts: outcomes.flatMap((outcome) => (outcome.kind === "part" ? [outcome.part] : [])),
    absent: outcomes.flatMap((outcome) => (outcome.kind === "absent" ? [outcome.absent] : [])),
  });
}

/** The second and the third round. */
async function askInRounds(
  gathering: Gathering,
  first: readonly Outcome[],
  ids: ReadonlyMap<number, string>,
): Promise<GatherFailure | null> {
  const { thresholds } = gathering;
  assert(thresholds !== null, "partitions hold back only what they were told to");
  const ask = async (selections: Selections): Promise<GatherFailure | null> => {
    const asked = [...selections].flatMap(([partition, selection]) => {
      const id = ids.get(partition);
      return id === undefined ? [] : [askMore(gathering, partition, id, selection)];
    });
    return failureOf(await Promise.all(asked));
  };
  const whole = first.reduce(
    (sum, outcome) => sum + (outcome.kind === "part" && outcome.held === undefined ? outcome.groups : 0),
    0,
  );
  return (await ask(thresholds.secondRound(whole))) ?? (await ask(thresholds.thirdRound()));
}

/** By partition: under which id it holds groups back. */
const heldIds = (outcomes: readonly Outcome[]): ReadonlyMap<number, string> =>
  new Map(
    outcomes.flatMap((outcome): [number, string][] => {
      const id = outcome.kind === "part" ? (outcome.held?.id ?? null) : null;
      return outcome.kind === "part" && id !== null ? [[outcome.part.partition, id]] : [];
    }),
  );

/** Why the state cannot be used; null if it can. */
function failureOf(outcomes: readonly Outcome[]): GatherFailure | null {
  for (const outcome of outcomes) if (outcome.kind === "failed") return outcome.failure;
  const partitions = outcomes.flatMap((outcome) => (outcome.kind === "broken_off" ? [outcome.partition] : []));
  return partitions.length === 0 ? null : { reason: "broken_off", partitions };
}
