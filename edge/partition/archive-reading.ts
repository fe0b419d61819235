/**
 * The archive as one replay reads it: forwards, a pack at a time. While a pack is read, the next one is on its way. An archive that
 * does not answer is asked again, at longer and longer intervals, and given up after a grace.
 */
import { assert, type Result } from "#protocol";
import type { ColumnBatch } from "#engine";
import { Backoff } from "./backoff.ts";
import type { ArchiveFailure } from "./bucket.ts";
import type { FetchedPack, History } from "./history.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import { endOf, type Zone } from "./segment-zones.ts";

/** `nothing`: none is needed, or it is not yet time to ask again. */
type Fetched = { readonly kind: "fetched" | "nothing" } | { readonly kind: "failed"; readonly detail: string };

export class ArchiveReading {
  readonly #history: History;
  #pack: FetchedPack | null = null;
  #ahead: { readonly zone: Zone; readonly fetched: Promise<Result<FetchedPack, ArchiveFailure>> } | null = null;
  readonly #backoff = new Backoff();

  constructor(history: History) {
    this.#history = history;
  }

  /** When the archive may be asked again, in milliseconds since the epoch. */
  get retryAt(): number {
    return this.#backoff.until;
  }

  /** Whether a pack has to be fetched before it can be read. */
  mustFetch({ baseOffset }: Zone): boolean {
    return baseOffset !== this.#pack?.zone.baseOffset;
  }

  /** The segment of the fetched pack that ends after `offset` and begins first. Throws if it is damaged. */
  next(offset: number): ColumnBatch {
    const segment = this.#pack?.next(offset);
    assert(segment != null, "a pack that was fetched, and has it");
    return segment;
  }

  /** Fetches the pack that a reading at `offset` needs, and begins to fetch the one behind it. */
  async fetch(offset: number, now: number): Promise<Fetched> {
    const zone = this.#history.packAfter(offset);
    if (zone === undefined) {
      // Whoever reads has come to the log.
      this.#pack = this.#ahead = null;
      return { kind: "nothing" };
    }
    if (!this.mustFetch(zone) || now < this.retryAt) return { kind: "nothing" };
    this.#pack = null;
    const ahead = this.#ahead?.zone.baseOffset === zone.baseOffset ? this.#ahead.fetched : this.#history.fetch(zone);
    this.#ahead = null;
    const fetched = await ahead;
    if (!fetched.ok) return this.#failed(fetched.failure, now);
    this.#backoff.end();
    this.#pack = fetched.value;
    const behind = this.#history.packAfter(endOf(zone));
    if (behind !== undefined) this.#ahead = { zone: behind, fetched: this.#history.fetch(behind) };
    return { kind: "fetched" };
  }

  #failed({ detail, lasting }: ArchiveFailure, now: number): Fetched {
    this.#backoff.noteFailure(now);
    if (!lasting && now - this.#backoff.since < PARTITION_LIMITS.archive.graceMs) return { kind: "nothing" };
    this.#backoff.end();
    return { kind: "failed", detail: `archive_unavailable: ${detail}` };
  }
}
