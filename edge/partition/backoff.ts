/** When something that fails may be tried again: later and later, up to a bound. */
import { PARTITION_LIMITS } from "./limits.ts";

export class Backoff {
  #failures = 0;
  /** Not before, in milliseconds since the epoch; 0: at once. */
  until = 0;
  /** When it failed first, of failures in a row. */
  since = 0;

  noteFailure(now: number): void {
    const { firstMs, mostMs } = PARTITION_LIMITS.archive.retry;
    if (this.#failures === 0) this.since = now;
    this.until = now + Math.min(firstMs * 2 ** this.#failures, mostMs);
    this.#failures += 1;
  }

  /** It has worked, or is given up. */
  end(): void {
    this.#failures = this.until = 0;
  }

  note(isOk: boolean, now: number): void {
    if (isOk) this.end();
    else this.noteFailure(now);
  }
}
