/**
 * Partial answers that are held back while the asker finds out which of their groups it needs (see the engine's
 * early-stop.ts). In memory only, few, bounded in bytes, and not for long: one that is gone is asked for again from the
 * beginning, so that losing it costs time and nothing else.
 */
import type { FrozenPartial } from "#engine";
import { PARTITION_LIMITS } from "./limits.ts";

interface Held {
  readonly partial: FrozenPartial;
  readonly bytes: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class FrozenPartials {
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  /** @returns the id under which it is held; null if there is no room for it */
  hold(partial: FrozenPartial): string | null {
    const { frozenPartialsMax, frozenBytesMax, frozenMs } = PARTITION_LIMITS;
    if (this.#held.size >= frozenPartialsMax) return null;
    const { bytes } = partial;
    if (this.#bytes + bytes > frozenBytesMax) return null;
    const id = crypto.randomUUID();
    this.#held.set(id, { partial, bytes, timer: setTimeout(() => this.release(id), frozenMs) });
    this.#bytes += bytes;
    return id;
  }

  find(id: string): FrozenPartial | undefined {
    return this.#held.get(id)?.partial;
  }

  /** Lets one go. What is still being read of it is read to its end. */
  release(id: string): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    clearTimeout(held.timer);
    this.#held.delete(id);
    this.#bytes -= held.bytes;
  }

  releaseAll(): void {
    for (const id of this.#held.keys()) this.release(id);
  }
}
