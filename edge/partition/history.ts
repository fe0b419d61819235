/**
 * All that can be read of the log: its archived packs, and then the log itself. Packs are fetched, which takes time; the reading
 * of a fetched one does not, so that scans and replays fetch between their slices.
 *
 *   start ── packs in the bucket ──┐
 *                          log.start ── segments ── tail ── log.end
 *
 * The last packs may hold what the log still has. What both have is read from the log.
 */
import { inflateRawSync } from "node:zlib";
import { ok, type Result } from "#protocol";
import { type ColumnBatch, type ColumnChecks, decodePack, type HashSeed, type Pack } from "#engine";
import { type ArchiveFailure, type Bucket, sha256Of, unavailable } from "./bucket.ts";
import { messageOf } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Packs } from "./packs.ts";
import type { Zone } from "./segment-zones.ts";

/** A pack that was fetched. */
export class FetchedPack {
  readonly zone: Zone;
  readonly #pack: Pack;

  constructor(zone: Zone, pack: Pack) {
    this.zone = zone;
    this.#pack = pack;
  }

  /** The first segment that ends after `offset` and has event times in [minuteFrom, minuteTo). Throws if it is damaged. */
  next(offset: number, minuteFrom = -Infinity, minuteTo = Infinity): ColumnBatch | null {
    const segment = this.#pack.next(offset, minuteFrom, minuteTo);
    if (!segment.ok) throw new Error(`the archive is damaged: ${segment.failure.detail}`);
    return segment.value;
  }
}

export class History {
  readonly #log: Log;
  readonly #packs: Packs;
  readonly #bucket: Bucket;
  readonly #seed: HashSeed;
  /** The one that was fetched last: readings come in pages, and questions are asked again. */
  #last: FetchedPack | null = null;

  constructor(log: Log, packs: Packs, bucket: Bucket, seed: HashSeed) {
    this.#log = log;
    this.#packs = packs;
    this.#bucket = bucket;
    this.#seed = seed;
  }

  /** The first offset that can be read. */
  get start(): number {
    return Math.min(this.#packs.start ?? Infinity, this.#log.start);
  }

  /** The pack that a reading needs which has come to `offset`; undefined: from there on it needs none. */
  packAfter(offset: number, minuteFrom?: number, minuteTo?: number): Zone | undefined {
    const { start } = this.#log;
    return offset < start ? this.#packs.next(offset, start, minuteFrom, minuteTo) : undefined;
  }

  async fetch(zone: Zone): Promise<Result<FetchedPack, ArchiveFailure>> {
    if (this.#last?.zone.baseOffset === zone.baseOffset) return ok(this.#last);
    // Asked now: its row may be gone by the time that its bytes are here.
    const sha256 = this.#packs.sha256Of(zone);
    const bytes = await this.#bucket.read(zone.baseOffset);
    if (!bytes.ok) return bytes;
    const key = this.#bucket.keyOf(zone.baseOffset);
    if ((await sha256Of(bytes.value)) !== sha256) {
      return unavailable(`${key} is not what was archived`, true);
    }
    const pack = readPack(bytes.value, this.#seed, ALL_SOUND);
    if (!pack.ok) return unavailable(`${key} is damaged: ${pack.failure}`, true);
    this.#last = new FetchedPack(zone, pack.value);
    return ok(this.#last);
  }
}

/** The checksum over the whole has said so. */
const ALL_SOUND: ColumnChecks = { isSound: () => true, foundSound: () => {} };

/** A pack from its bytes, or what is wrong with it. */
export function readPack(bytes: Uint8Array, seed: HashSeed, checks: ColumnChecks | null = null): Result<Pack, string> {
  try {
    const pack = decodePack(bytes, seed, inflate, checks);
    return pack.ok ? pack : { ok: false, failure: pack.failure.detail };
  } catch (error) {
    return { ok: false, failure: messageOf(error) };
  }
}

const inflate = (cold: Uint8Array): Uint8Array =>
  inflateRawSync(cold, { maxOutputLength: PARTITION_LIMITS.coldBytesMax });
