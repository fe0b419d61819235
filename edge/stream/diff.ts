/**
 * What a replay's `diff` says: the comparison of a caught-up generation with the one it was built against, over all partitions.
 *
 * Each partition has frozen both sides at one offset of its log, by UTC day; they are walked in order (merged-days.ts). The walk can
 * stop after any round of calls and go on from there. It lives in memory only: after a crash it starts again, over the same
 * frozen days.
 */
import { Comparison } from "#engine";
import { commonGround } from "./common-ground.ts";
import { type ComparedGenerations, MergedDays, type RoundTrouble } from "./merged-days.ts";
import type { Partitions } from "./partitions.ts";
import type { ReplayDiff } from "./rpc.ts";
import { Turns } from "./turns.ts";

/** How far a walk has come: `more` to do, `done`, could not go on for now, or never will. */
export type WalkOutcome =
  { readonly kind: "more" } | { readonly kind: "done"; readonly diff: ReplayDiff } | RoundTrouble;

export class DiffWalk {
  readonly #days: MergedDays;
  readonly #comparison: Comparison;
  readonly #comparesDays: boolean;
  readonly #turns = new Turns();

  constructor(compared: ComparedGenerations, partitions: number) {
    const common = commonGround(compared.before, compared.after);
    this.#days = new MergedDays(compared, common, partitions);
    this.#comparison = new Comparison(this.#days.shape);
    this.#comparesDays = common.everyMs !== null;
  }

  /** Walks on, round by round, as long as `mayGoOn` says so. */
  async continue(partitions: Partitions, mayGoOn: () => boolean): Promise<WalkOutcome> {
    do {
      if (this.#days.next === Infinity) {
        await this.#compare();
        return { kind: "done", diff: this.#comparison.diff() };
      }
      const trouble = await this.#days.round(partitions);
      if (trouble !== null) return trouble;
      if (this.#comparesDays) await this.#compare();
    } while (mayGoOn());
    return { kind: "more" };
  }

  async #compare(): Promise<void> {
    const { before, after, both } = await this.#days.take();
    for (const table of both.windows.values()) {
      this.#comparison.addSame(table);
      await this.#turns.worked(table.size);
    }
    for (const start of new Set([...before.windows.keys(), ...after.windows.keys()])) {
      const sides = [before.windows.get(start) ?? null, after.windows.get(start) ?? null] as const;
      this.#comparison.addWindow(start, ...sides);
      await this.#turns.worked(sides.reduce((sum, table) => sum + (table?.size ?? 0), 0));
    }
  }
}
