/**
 * Which rows of stored windows were read and found sound since the object woke, or since they were last written: as with columns of
 * segments (sound-columns.ts), they are not held against their checksum again. Lacks the rows.
 */
import { PARTITION_LIMITS } from "./limits.ts";

export class SoundWindows {
  /** Keys of rows; see row-keys.ts. */
  readonly #keys = new Set<number>();

  isSound(key: number): boolean {
    return this.#keys.has(key);
  }

  foundSound(key: number): void {
    // Whoever reads through years of windows is not soon back at the first one.
    if (this.#keys.size >= PARTITION_LIMITS.soundWindowsMax) this.#keys.clear();
    this.#keys.add(key);
  }

  /** The row is written anew. */
  forget(key: number): void {
    this.#keys.delete(key);
  }

  /** Rows are taken away, and others may get their keys. */
  forgetAll(): void {
    this.#keys.clear();
  }
}
