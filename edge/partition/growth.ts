/**
 * Tells the stream's object that the log has grown, at most once a second, and only while somebody listens to the live feed. Never
 * waited for: an append is not slower for it.
 *
 * That somebody listens is a fact on the disk, so that it outlives the object; the stream's object says in its answer when
 * nobody does any more. So nothing has to be renewed by either side while nothing happens.
 */
import type { FactStore } from "./facts.ts";
import { PARTITION_LIMITS } from "./limits.ts";

export class Growth {
  readonly #facts: FactStore;
  readonly #tell: () => Promise<boolean>;
  #isListenedTo: boolean;
  #toldAt = 0;
  #isTelling = false;
  /** Growths that were noted, and those of which it has been told. */
  #grown = 0;
  #told = 0;

  /** @param tell tells the stream's object; false: nobody listens any more */
  constructor(facts: FactStore, tell: () => Promise<boolean>) {
    this.#facts = facts;
    this.#tell = tell;
    this.#isListenedTo = facts.get("listened") === true;
  }

  /** Somebody listens from now on. */
  listen(): void {
    if (!this.#isListenedTo) this.#set(true);
  }

  noteGrowth(): void {
    this.#grown++;
    if (this.#isListenedTo && !this.#isTelling) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isTelling = true;
    try {
      for (let failures = 0; this.#isListenedTo && this.#told < this.#grown;) {
        const wait = this.#toldAt + PARTITION_LIMITS.growthToldEveryMs - Date.now();
        if (wait > 0) await scheduler.wait(wait);
        const grown = this.#grown;
        this.#toldAt = Date.now();
        try {
          if (!(await this.#tell())) this.#set(false);
          this.#told = grown;
        } catch (error) {
          // It has to be told: what it showed last would stand until the log grows again.
          if (++failures < PARTITION_LIMITS.growthAttemptsMax) continue;
          console.error("partition: the live feed cannot be told that the log has grown", error);
          return;
        }
      }
    } finally {
      this.#isTelling = false;
    }
  }

  #set(isListenedTo: boolean): void {
    this.#isListenedTo = isListenedTo;
    this.#facts.put("listened", isListenedTo);
  }
}
