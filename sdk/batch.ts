/** The append request's body. Events are JSON already, so it is put together rather than serialised again. */
import type { Batch } from "./log/log.ts";

/**
 * @param sentAt the clock at this attempt, in milliseconds since the epoch: the edge measures the page's clock by it, so an
 * attempt an hour later must not carry the old one
 */
export function encodeBatch(batch: Batch, sentAt: number): string {
  const { producerId: id, sequence, lost, commits, dropped } = batch;
  // Hardly anybody ever drops anything: then it takes no room.
  const told = Object.keys(dropped).length > 0 ? { dropped } : {};
  const producer = JSON.stringify({ id, sequence, lost, commits, ...told });
  return `{"producer":${producer},"sentAt":${sentAt},"events":[${batch.events.join(",")}]}`;
}

/** The sequence after the batch's last. */
export const endOfBatch = (batch: Batch): number => batch.sequence + batch.events.length;
