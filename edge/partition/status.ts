/** What a partition tells of itself. */
import type { Archiving } from "./archiving.ts";
import { statusOf as generationStatusOf } from "./generation.ts";
import type { Partition } from "./partition.ts";
import type { PartitionStatus } from "./rpc.ts";

export function statusOf(partition: Partition, { status: archive }: Archiving, now: number): PartitionStatus {
  const { config, log, database } = partition;
  return {
    partition: config.partition,
    logStart: log.start,
    logEnd: log.end,
    records: log.end - log.start,
    bytes: database.bytes,
    segments: log.segments.count,
    oldestAppendTime: log.oldestAppendTime,
    archive,
    watermark: partition.watermark(now),
    ...partition.counters,
    checkpointOffset: partition.checkpointEnd,
    configVersion: config.version,
    rowsWritten: database.rowsWritten,
    generations: partition.views.wanted.map((generation) => generationStatusOf(generation, log.end)),
  };
}
