/**
 * States of the world that outlast the action which brings them, so that whatever comes next happens in them: a tab that
 * crashes while the edge is away, a browser that is killed while it is offline. One of a kind at a time.
 */
import { setTimeout as delay } from "node:timers/promises";

export interface Spell {
  readonly begin: () => void | Promise<void>;
  readonly end: () => void | Promise<void>;
}

export class Spells {
  readonly #running = new Map<string, { readonly cut: AbortController; readonly over: Promise<void> }>();
  #failure: unknown;

  async cast(kind: string, forMs: number, { begin, end }: Spell): Promise<void> {
    await this.#lift(kind);
    const cut = new AbortController();
    await begin();
    const over = delay(forMs, undefined, { signal: cut.signal })
      .catch(() => {})
      .then(end)
      .catch((error: unknown) => void (this.#failure ??= error));
    this.#running.set(kind, { cut, over });
  }

  /** Ends all of them now. Throws what went wrong with any that ended: the world is not as it should be then. */
  async liftAll(): Promise<void> {
    for (const kind of this.#running.keys()) await this.#lift(kind);
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #lift(kind: string): Promise<void> {
    const spell = this.#running.get(kind);
    spell?.cut.abort();
    await spell?.over;
    this.#running.delete(kind);
  }
}
