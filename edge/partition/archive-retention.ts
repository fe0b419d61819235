/**
 * Retention of the archive, for streams that have set one: the first packs go when the last record in them is older than that. What
 * goes counts as trimmed from the transaction in which its row goes; its object is removed after it, by this alarm or by
 * a later one. A replay that still needs a pack is waited for, as in the log.
 */
import type { Intervals } from "#engine";
import { ok, type Result } from "#protocol";
import { Backoff } from "./backoff.ts";
import type { ArchiveFailure } from "./bucket.ts";
import type { FactStore } from "./facts.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { minutesOf } from "./minutes-of.ts";
import type { PackInfo } from "./packs.ts";
import type { Partition } from "./partition.ts";
import { endOf, zoneMinutes } from "./segment-zones.ts";

export class ArchiveRetention {
  readonly #partition: Partition;
  readonly #facts: FactStore;
  /** Base offset of the pack whose row is gone, and whose object may be there. */
  #leftover: number | null;
  readonly #backoff = new Backoff();

  constructor(partition: Partition, facts: FactStore) {
    this.#partition = partition;
    this.#facts = facts;
    this.#leftover = facts.get("expiredPack") ?? null;
  }

  due(now: number): number | null {
    const expiry = this.#leftover === null ? this.#expiry() : now;
    return expiry === null ? null : Math.max(expiry, this.#backoff.until);
  }

  /** When the first pack goes, in milliseconds since the epoch; null: never, as things are. */
  #expiry(): number | null {
    const { packs, log, config, views } = this.#partition;
    if (config.archiveRetentionMs == null || packs.start === null) return null;
    const first = packs.oldest();
    const end = endOf(first);
    // The log has some of it still.
    if (end > log.start) return null;
    return Math.max(first.appendMax + config.archiveRetentionMs + 1, views.waitedForUntil(end));
  }

  async run(): Promise<void> {
    const until = Date.now() + PARTITION_LIMITS.retentionAlarmMs;
    for (let now = Date.now(); now < until && !this.#partition.isClosed; now = Date.now()) {
      const due = this.due(now);
      if (due === null || due > now) return;
      const done = this.#leftover === null ? await this.#expireFirst() : await this.#remove(this.#leftover);
      this.#backoff.note(done.ok, Date.now());
      if (!done.ok) console.error(`archive retention: ${done.failure.detail}`);
    }
  }

  async #expireFirst(): Promise<Result<null, ArchiveFailure>> {
    const { database, packs, trimmed, views } = this.#partition;
    const first = packs.oldest();
    const gone = await this.#minutesIn(first);
    if (!gone.ok) return gone;
    if (this.#partition.isClosed || packs.start !== first.baseOffset) return ok(null);
    views.failBuildsBefore(endOf(first), "the archive's retention overtook the replay");
    database.transaction(() => {
      trimmed.add(gone.value);
      packs.removeFirst();
      this.#facts.put("expiredPack", first.baseOffset);
    });
    this.#leftover = first.baseOffset;
    return ok(null);
  }

  /** The minutes in which a pack has records: all from its first to its last, if it cannot be read any more. */
  async #minutesIn(pack: PackInfo): Promise<Result<Intervals, ArchiveFailure>> {
    const fetched = await this.#partition.history.fetch(pack);
    if (!fetched.ok) return fetched.failure.lasting ? ok([zoneMinutes(pack)]) : fetched;
    const minutes: Intervals[] = [];
    for (let offset = pack.baseOffset; ;) {
      const segment = fetched.value.next(offset);
      if (segment === null) return ok(minutes.flat());
      minutes.push(minutesOf(segment));
      offset = endOf(segment);
    }
  }

  async #remove(leftover: number): Promise<Result<null, ArchiveFailure>> {
    const removed = await this.#partition.bucket.remove(leftover);
    if (!removed.ok || this.#partition.isClosed) return removed;
    this.#facts.put("expiredPack", null);
    this.#leftover = null;
    return removed;
  }
}
