/** Cuts long work into turns, by what was done: the clock stands still in a turn. */
import { STREAM_LIMITS } from "./limits.ts";

export class Turns {
  #groups = 0;

  async worked(groups: number): Promise<void> {
    this.#groups += groups;
    if (this.#groups < STREAM_LIMITS.comparedGroupsPerTurn) return;
    this.#groups = 0;
    await scheduler.wait(0);
  }
}
