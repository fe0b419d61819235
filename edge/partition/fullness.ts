/**
 * Whether a partition may store nothing more. Asking the database how large it is takes longer than a commit's own row does:
 * a busy partition asks at every few commits, between which it cannot grow by what is kept free above the bound.
 */
import type { Database } from "./database.ts";
import { PARTITION_LIMITS } from "./limits.ts";

export class Fullness {
  readonly #database: Database;
  /** When it was last asked, and how many commits have come since. */
  #bytes = 0;
  #commitsSince = Infinity;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @param isShared whether the commit is of several requests. @returns null while there is room */
  of(isShared: boolean): { readonly bytes: number; readonly max: number } | null {
    const max = PARTITION_LIMITS.databaseBytesMax;
    if (isShared && this.#commitsSince < PARTITION_LIMITS.commitsUnmeasuredMax) {
      this.#commitsSince += 1;
    } else {
      this.#commitsSince = 0;
      this.#bytes = this.#database.bytes;
    }
    return this.#bytes > max ? { bytes: this.#bytes, max } : null;
  }
}
