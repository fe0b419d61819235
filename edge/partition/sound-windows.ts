/**
 * Which rows of stored windows were read and found sound since the object woke, or since they were last written: as with columns of
 * segments (sound-columns.ts), they are not held against their checksum again. Lacks the rows.
 */
import { PARTITION_LIMITS } from "./limits.ts";

/** Rows of one window that its number has a bit for. Those beyond are checked each time. */
const PARTS_MAX = 31;

export class SoundWindows {
  /** By generation and by start, a bit for each part. */
  readonly #masks = new Map<number, Map<number, number>>();
  #windows = 0;

  isSound(generation: number, start: number, part: number): boolean {
    return part < PARTS_MAX && ((this.#masks.get(generation)?.get(start) ?? 0) & (1 << part)) !== 0;
  }

  foundSound(generation: number, start: number, part: number): void {
    if (part >= PARTS_MAX) return;
    // Whoever reads through years of windows is not soon back at the first one.
    if (this.#windows >= PARTITION_LIMITS.soundWindowsMax) this.#clear();
    let masks = this.#masks.get(generation);
    if (masks === undefined) this.#masks.set(generation, (masks = new Map<number, number>()));
    const mask = masks.get(start);
    if (mask === undefined) this.#windows += 1;
    masks.set(start, (mask ?? 0) | (1 << part));
  }

  /** The window is written anew. */
  forget(generation: number, start: number): void {
    if (this.#masks.get(generation)?.delete(start) === true) this.#windows -= 1;
  }

  #clear(): void {
    this.#masks.clear();
    this.#windows = 0;
  }
}
