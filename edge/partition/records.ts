/**
 * Reads records back, one by one, in offset order: for the administrator's eyes, not for computing.
 */
import { fail, ok } from "#protocol";
import { type ColumnBatch, inOffsetOrder, integerAt, timeAt, valueAt } from "#engine";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Partition } from "./partition.ts";
import { endOf } from "./segment-zones.ts";
import type { LogRecord, PartitionRecords } from "./rpc.ts";

/**
 * @param offset the first record's; one that is neither archived nor in the log is an explicit failure, never a silent jump
 * @param limit at most how many; fewer come when their text is long, or a pack of the archive ends, and `next` says where to go on
 */
export async function readRecords(
  { log, history, packs }: Partition,
  offset: number,
  limit: number,
): Promise<PartitionRecords> {
  const from = Math.max(0, Math.floor(offset));
  const zone = history.packAfter(from);
  const pack = zone === undefined ? ok(null) : await history.fetch(zone);
  if (!pack.ok) return fail({ reason: "archive_unavailable", detail: pack.failure.detail });
  const readableFrom = zone?.baseOffset ?? log.start;
  if (from < readableFrom) return fail({ reason: "offset_trimmed", logStart: log.start, readableFrom });
  const readableTo = zone === undefined ? log.end : endOf(zone);
  const records: LogRecord[] = [];
  const end = Math.min(readableTo, from + Math.max(0, Math.min(limit, PARTITION_LIMITS.recordsReadMax)));
  let next = from;
  let room: number = PARTITION_LIMITS.recordsReadBytesMax;
  while (next < end && room > 0) {
    const batch = inOffsetOrder(pack.value?.next(next) ?? batchAt(log, next));
    const until = Math.min(end, batch.baseOffset + batch.count);
    for (; next < until && room > 0; next++) {
      const record = recordAt(batch, next - batch.baseOffset);
      room -= weightOf(record);
      records.push(record);
    }
  }
  const [logStart, logEnd] = [log.start, log.end];
  return ok({ records, next: Math.min(next, logEnd), logStart, logEnd, archiveStart: packs.start });
}

function batchAt(log: Log, offset: number): ColumnBatch {
  const inTail = log.tail.find((batch) => batch.baseOffset <= offset && offset < batch.baseOffset + batch.count);
  const batch = inTail ?? log.segments.at(offset);
  if (batch === undefined || batch.baseOffset > offset) throw new Error(`the log has no record at ${offset}`);
  return batch;
}

function recordAt(batch: ColumnBatch, index: number): LogRecord {
  const attributes = [...batch.attributes].flatMap(([name, column]) => {
    const value = valueAt(column, index);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    offset: batch.baseOffset + index,
    appendTime: integerAt(batch.appendTimes, index),
    time: timeAt(batch, index),
    ...Object.fromEntries(attributes),
  };
}

/** About how many bytes a record takes in a reply. */
function weightOf(record: LogRecord): number {
  let weight = 64;
  for (const [name, value] of Object.entries(record)) {
    weight += name.length + (typeof value === "string" ? 3 * value.length : 8);
  }
  return weight;
}
