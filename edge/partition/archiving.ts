/**
 * Archives sealed segments before retention takes them: a pack of them is created in the bucket, and only when it is known to be
 * there is it entered in the list of packs, from which on retention may trim what it holds. A crash in between leaves an object
 * that nobody knows of, under the very key that is tried next: it is then read, compared and entered.
 *
 * When the oldest segment has to go, all that is sealed behind it is packed along, as far as it fits: a quiet stream has a pack
 * each time that its retention passes, and not one for each of its small segments.
 */
import { deflateRawSync } from "node:zlib";
import { assert, ok, type Result } from "#protocol";
import { PackBuilder, type PackedSegment } from "#engine";
import { Backoff } from "./backoff.ts";
import { type ArchiveFailure, type Bucket, sha256Of, unavailable } from "./bucket.ts";
import { messageOf } from "./generation.ts";
import { readPack } from "./history.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import { expiryOf } from "./retention.ts";
import type { ArchiveStatus } from "./rpc.ts";
import { endOf } from "./segment-zones.ts";
import type { SegmentInfo } from "./segments.ts";
import { runSlices } from "./slices.ts";

/** Better than that of segments: what is archived is written once, and paid for as long as it is kept. */
const COLD_COMPRESSION = { level: 6 } as const;

/** A pack that is built and not yet known to be in the bucket. */
interface BuiltPack {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly segments: readonly PackedSegment[];
}

export class Archiving {
  readonly #partition: Partition;
  /** One at a time: an alarm and an administrator may both want it. */
  #working: Promise<Result<null, ArchiveFailure>> | null = null;
  readonly #backoff = new Backoff();
  #error: string | null = null;

  constructor(partition: Partition) {
    this.#partition = partition;
  }

  get #bucket(): Bucket {
    return this.#partition.bucket;
  }

  /** Null: nothing is archived, and nothing is to be. */
  get status(): ArchiveStatus | null {
    const { packs, config } = this.#partition;
    if (config.archive !== true && packs.count === 0) return null;
    return {
      start: packs.start,
      end: packs.end,
      packs: packs.count,
      bytes: packs.bytes,
      ...(this.#error !== null && { error: this.#error }),
    };
  }

  due(now: number): number | null {
    const { log, config } = this.#partition;
    if (config.archive !== true) return null;
    const [first] = log.segments.from(this.#end, 1);
    if (first === undefined) return null;
    return Math.max(expiryOf(this.#partition, first, now), this.#backoff.until);
  }

  async run(): Promise<void> {
    const until = Date.now() + PARTITION_LIMITS.retentionAlarmMs;
    for (let now = Date.now(); now < until; now = Date.now()) {
      const due = this.due(now);
      if (due === null || due > now) return;
      if (!(await this.#archiveNext()).ok) return;
    }
  }

  /** Archives all that is sealed below `offset`. */
  async upTo(offset: number): Promise<Result<null, ArchiveFailure>> {
    const { log } = this.#partition;
    while (this.#end < Math.min(offset, log.sealedEnd) && !this.#partition.isClosed) {
      const archived = await this.#archiveNext();
      if (!archived.ok) return archived;
    }
    return ok(null);
  }

  /** Resolves when nothing is on its way to the bucket any more. */
  async settled(): Promise<void> {
    await this.#working;
  }

  /** From where on the log is not archived. */
  get #end(): number {
    return Math.max(this.#partition.packs.end, this.#partition.log.start);
  }

  async #archiveNext(): Promise<Result<null, ArchiveFailure>> {
    this.#working ??= this.#archive().finally(() => (this.#working = null));
    const archived = await this.#working;
    this.#error = archived.ok ? null : archived.failure.detail;
    this.#backoff.note(archived.ok, Date.now());
    return archived;
  }

  async #archive(): Promise<Result<null, ArchiveFailure>> {
    if (!this.#bucket.isBound) return unavailable("no bucket is bound as ARCHIVE");
    let pack: BuiltPack | null;
    try {
      pack = await this.#build();
    } catch (error) {
      // A segment that cannot be read is archived no more than trimmed; the partition goes on.
      return unavailable(messageOf(error), true);
    }
    if (pack === null) return ok(null);
    const [first] = pack.segments;
    assert(first !== undefined, "a pack has segments");
    const created = await this.#bucket.create(first.baseOffset, pack.bytes, pack.sha256);
    if (!created.ok) return created;
    if (created.value) return this.#enter(pack);
    const found = await this.#found(first.baseOffset);
    return found.ok ? this.#enter(found.value) : found;
  }

  /** Packs the next segments; null: there are none. */
  async #build(): Promise<BuiltPack | null> {
    const { log, config } = this.#partition;
    const { packBytesMax, packSegmentsMax } = PARTITION_LIMITS.archive;
    const segments = log.segments.from(this.#end, packSegmentsMax);
    const builder = new PackBuilder(config.seed, (cold) => deflateRawSync(cold, COLD_COMPRESSION));
    let built = 0;
    await runSlices({
      step: () => {
        const next = segments[built];
        if (next === undefined || next.dictionary !== segments[0]?.dictionary) return false;
        if (built > 0 && builder.bytes + next.bytes > packBytesMax) return false;
        const segment = log.segments.at(next.baseOffset);
        // It was trimmed meanwhile, which can only be if nothing is to be archived any more.
        if (segment?.baseOffset !== next.baseOffset) return false;
        builder.add(segment);
        built += 1;
        return true;
      },
      size: () => PARTITION_LIMITS.sliceOfOneStep,
      duty: () => PARTITION_LIMITS.archive.duty,
      forMs: Infinity,
      isStopped: () => this.#partition.isClosed,
    });
    if (built === 0 || this.#partition.isClosed) return null;
    const bytes = builder.finish();
    return { bytes, sha256: await sha256Of(bytes), segments: builder.segments };
  }

  /** What stands in the bucket where a pack was to be created: one that was made before a crash, of the same segments. */
  async #found(baseOffset: number): Promise<Result<BuiltPack, ArchiveFailure>> {
    const bytes = await this.#bucket.read(baseOffset);
    if (!bytes.ok) return bytes;
    const pack = readPack(bytes.value, this.#partition.config.seed);
    const key = this.#bucket.keyOf(baseOffset);
    if (!pack.ok) return unavailable(`${key} is damaged: ${pack.failure}`, true);
    const { segments } = pack.value;
    const own = this.#partition.log.segments.from(baseOffset, segments.length);
    const isSame = segments.every((segment, i) => isSameSegment(segment, own[i]));
    if (!isSame) return unavailable(`${key} holds other records than the log`, true);
    return ok({ bytes: bytes.value, sha256: await sha256Of(bytes.value), segments });
  }

  async #enter({ bytes, sha256, segments }: BuiltPack): Promise<Result<null, ArchiveFailure>> {
    const { database, log, packs, isClosed } = this.#partition;
    const [first, last] = [segments[0], segments.at(-1)];
    assert(first !== undefined && last !== undefined, "a pack has segments");
    if (isClosed || log.start > first.baseOffset) {
      // The stream was deleted, or nothing is to be archived any more and records went without it.
      const removed = await this.#bucket.remove(first.baseOffset);
      return removed.ok ? ok(null) : removed;
    }
    database.transaction(() =>
      packs.add({
        baseOffset: first.baseOffset,
        count: endOf(last) - first.baseOffset,
        appendMin: first.appendMin,
        appendMax: last.appendMax,
        minuteMin: Math.min(...segments.map(({ minuteMin }) => minuteMin)),
        minuteMax: Math.max(...segments.map(({ minuteMax }) => minuteMax)),
        bytes: bytes.length,
        sha256,
      }),
    );
    return ok(null);
  }
}

const isSameSegment = (packed: PackedSegment, own: SegmentInfo | undefined): boolean =>
  own !== undefined &&
  packed.baseOffset === own.baseOffset &&
  packed.count === own.count &&
  packed.appendMin === own.appendMin &&
  packed.appendMax === own.appendMax;
