/** A frozen comparison as the stream's object reads it: day by day, part by part. */
import { createState, cutPieces, type FoldState, mergePiece, SentDictionaries, shapeOf, type ViewSpec } from "#engine";
import type { ComparedDay } from "../../../edge/partition/rpc.ts";
import { CLICKS_PER_AD, expectOk, type HeldPartition } from "./held-partition.ts";

export interface ReadComparison {
  readonly days: readonly number[];
  /** Calls that it took. */
  readonly reads: number;
  /** Pieces by side. */
  readonly pieces: { before: number; after: number; both: number };
  /** Values that were sent along. */
  readonly values: number;
  readonly before: FoldState;
  readonly after: FoldState;
}

export async function readComparison(
  held: HeldPartition,
  generation: number,
  { groupBy, measures }: ViewSpec = CLICKS_PER_AD,
): Promise<ReadComparison> {
  const shape = shapeOf(groupBy, measures);
  const states = { before: createState(shape), after: createState(shape) };
  const pieces = { before: 0, after: 0, both: 0 };
  const days: number[] = [];
  let reads = 0;
  let values = 0;
  for (let day = 0, part = 0; ;) {
    const read: ComparedDay = expectOk(await held.stub.comparedDay("clicks", generation, day, part));
    if (read.day === null) return { days, reads, pieces, values, ...states };
    reads++;
    if (part === 0) days.push(read.day);
    values += read.values.reduce((sum, sent) => sum + sent.values.length, 0);
    const dictionaries = new SentDictionaries();
    dictionaries.add(read.values);
    for (const side of ["before", "after", "both"] as const) {
      for (const piece of read[side].flatMap((row) => [...cutPieces(row)])) {
        pieces[side]++;
        const into = side === "both" ? ([states.before, states.after] as const) : [states[side]];
        // A piece that becomes a window of one state must not become one of another: it is read anew.
        for (const state of into) expectOk(mergePiece(shape, state, piece, (of) => dictionaries.of(of)));
      }
    }
    [day, part] = read.next === undefined ? [read.day + 1, 0] : [read.day, read.next];
  }
}
