/** A partition's part of an answer on its way out: all of its groups, or the first ones while the others are held back. */
import {
  type EarlyStop,
  encodeState,
  ENGINE_LIMITS,
  type FoldState,
  FrozenPartial,
  isWorthFreezing,
  type Query,
  type Shape,
} from "#engine";
import type { FrozenPartials } from "./frozen-partials.ts";
import type { PartitionAnswer } from "./rpc.ts";

/**
 * @param state that was folded for the query
 * @param early how its asker can do with less than all of it
 */
export function partialOf(
  query: Query,
  shape: Shape,
  state: FoldState,
  early: EarlyStop | undefined,
  frozen: FrozenPartials,
): Pick<PartitionAnswer, "partial" | "held"> {
  const all = () => ({ partial: streamPieces(encodeState(shape, state, ENGINE_LIMITS.sentBytesMax)) });
  const [table] = state.windows.values();
  if (early === undefined || table === undefined) return all();
  const { size: groups } = table;
  if (early === "first" ? groups <= query.limit : !isWorthFreezing(groups, query.limit)) return all();
  const partial = new FrozenPartial(query, shape, table);
  if (early === "first") return { partial: streamPieces(partial.first()), held: { groups, id: null } };
  const id = partial.isAdditive ? frozen.hold(partial) : null;
  return id === null ? all() : { partial: streamPieces(partial.first()), held: { groups, id } };
}

/** Pieces one after the other, encoded as they are asked for. */
export function streamPieces(pieces: Iterator<Uint8Array, void>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const piece = pieces.next();
      if (piece.done === true) {
        controller.close();
        controller.byobRequest?.respond(0);
      } else {
        controller.enqueue(piece.value);
      }
    },
  });
}
