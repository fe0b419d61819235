/** Everything there is once a partition has been configured, wired together. */
import type { Task } from "./alarms.ts";
import { ArchiveRetention } from "./archive-retention.ts";
import { Archiving } from "./archiving.ts";
import type { Database } from "./database.ts";
import type { Facts, FactStore } from "./facts.ts";
import { Partition } from "./partition.ts";
import { ProducerStoring } from "./producer-storing.ts";
import { Replay } from "./replay.ts";
import { Retention } from "./retention.ts";
import { Rollup } from "./rollup.ts";
import type { PartitionConfig } from "./rpc.ts";
import { ViewRetention } from "./view-retention.ts";

export interface Room {
  readonly partition: Partition;
  readonly replay: Replay;
  readonly archiving: Archiving;
  readonly retention: Retention;
  /** In the order in which one alarm does them: what is archived may be trimmed at once. */
  readonly tasks: readonly Task[];
}

/** @param archive the bucket of the archive; null: none is bound */
export function openRoom(
  database: Database,
  facts: FactStore,
  config: PartitionConfig,
  archive: R2Bucket | null,
): Room {
  const partition = new Partition(database, facts, config, Date.now(), archive);
  const replay = new Replay(partition);
  const archiving = new Archiving(partition);
  const retention = new Retention(partition);
  const storing = new ProducerStoring(partition);
  const viewRetention = new ViewRetention(partition, facts);
  const archiveRetention = new ArchiveRetention(partition, facts);
  const rollup = new Rollup(partition, facts);
  const tasks = [replay, archiving, retention, archiveRetention, storing, viewRetention, rollup];
  return { partition, replay, archiving, retention, tasks };
}

/** Whose objects may be in the archive's bucket; undefined: nobody's. */
export function archivedUnder({ partition: { bucket, packs, config } }: Room): Facts["deleted"]["archived"] {
  return bucket.isBound || packs.count > 0 ? { streamId: config.streamId, partition: config.partition } : undefined;
}
