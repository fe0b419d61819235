/** The three rounds of early-stop.ts without a network: partitions are states, and what they send is counted. */
import {
  answerRows,
  type AnswerRows,
  createState,
  encodeState,
  type FoldState,
  FrozenPartial,
  mergePiece,
  pieceLength,
  type Query,
  type Selections,
  shapeOf,
  ThresholdMerge,
} from "#engine";

export interface Sent {
  /** Groups that went over the network, those included whose keys were sent to ask for them. */
  groups: number;
  bytes: number;
  rounds: number;
}

/** Asks for all groups of all partitions. */
export function askForAll(query: Query, partitions: readonly FoldState[]): AnswerRows & { readonly sent: Sent } {
  const shape = shapeOf(query.groupBy, query.measures);
  const merged = createState(shape);
  const sent: Sent = { groups: 0, bytes: 0, rounds: 1 };
  for (const state of partitions) {
    for (const piece of encodeState(shape, state)) merge(shape, merged, piece, sent);
  }
  return { ...answerRows(query, merged), sent };
}

/** @param holds whether a partition holds groups back, if it can */
export function askInRounds(
  query: Query,
  partitions: readonly FoldState[],
  holds: (partition: number) => boolean,
): AnswerRows & { readonly sent: Sent; readonly held: number } {
  const shape = shapeOf(query.groupBy, query.measures);
  const merged = createState(shape);
  const thresholds = new ThresholdMerge(query, merged);
  const sent: Sent = { groups: 0, bytes: 0, rounds: 1 };
  const take = (partition: number, pieces: Iterable<Uint8Array>) => {
    for (const piece of pieces) thresholds.merged(partition, merge(shape, merged, piece, sent));
  };
  const frozen = new Map<number, FrozenPartial>();
  let whole = 0;
  partitions.forEach((state, partition) => {
    const [table] = state.windows.values();
    if (table === undefined) return;
    const partial = new FrozenPartial(query, shape, table);
    if (table.size > query.limit && partial.isAdditive && holds(partition)) {
      frozen.set(partition, partial);
      thresholds.hold(partition, partial.groups);
      take(partition, partial.first());
    } else {
      whole += table.size;
      take(partition, encodeState(shape, state));
    }
  });
  const ask = (selections: Selections) => {
    if (selections.size > 0) sent.rounds++;
    for (const [partition, selection] of selections) {
      for (const keys of selection.keys ?? []) {
        sent.bytes += keys.byteLength;
        sent.groups += new DataView(keys.buffer, keys.byteOffset).getUint32(20, true);
      }
      take(partition, frozen.get(partition)?.select(selection) ?? []);
    }
  };
  if (frozen.size > 0) {
    ask(thresholds.secondRound(whole));
    ask(thresholds.thirdRound());
  }
  const { rows, truncated } = answerRows(query, merged);
  return { rows, truncated: truncated || frozen.size > 0, sent, held: frozen.size };
}

function merge(shape: ReturnType<typeof shapeOf>, into: FoldState, piece: Uint8Array, sent: Sent) {
  const merged = mergePiece(shape, into, piece);
  if (!merged.ok || pieceLength(piece) !== piece.byteLength) throw new Error("a piece that cannot be merged");
  sent.groups += merged.value.size;
  sent.bytes += piece.byteLength;
  return merged.value;
}
