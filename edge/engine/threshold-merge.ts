/**
 * The merging side of the three rounds (see early-stop.ts): which partition has sent which groups, and what to ask for next.
 * What was sent is merged into the state by the caller, who then says so here.
 */
import { assert } from "#protocol";
import { boundOf, mayReach, mostBelow, orderingMeasure, orderingValues, thresholdOf } from "./early-stop.ts";
import type { FoldState } from "./fold-state.ts";
import type { GroupSelection } from "./frozen-partial.ts";
import type { GroupTable } from "./group-table.ts";
import { ENGINE_LIMITS } from "./limits.ts";
import type { PlannedMeasure } from "./plan.ts";
import { encodeKeys } from "./some-groups.ts";
import type { Query } from "./spec.ts";

/** A partition that has held groups back. */
interface Holder {
  /** How many groups it has. */
  readonly groups: number;
  /** Groups of the merged table that it has sent, as they came. */
  readonly sent: Uint32Array[];
}

/** What to ask of whom, by partition. */
export type Selections = ReadonlyMap<number, GroupSelection>;

export class ThresholdMerge {
  readonly #query: Query;
  readonly #ordering: PlannedMeasure;
  readonly #state: FoldState;
  readonly #holders = new Map<number, Holder>();
  /** What the second round asked for. */
  #threshold = -Infinity;

  /** @param state what is merged so far; of a query without buckets, so that it has one window */
  constructor(query: Query, state: FoldState) {
    const ordering = orderingMeasure(query);
    assert(ordering !== null, "a query in the order of a measure that adds up");
    this.#query = query;
    this.#ordering = ordering;
    this.#state = state;
  }

  /** A partition holds back all but its first groups. To be said before they are merged. */
  hold(partition: number, groups: number): void {
    this.#holders.set(partition, { groups, sent: [] });
  }

  /** A piece of a partition was merged. */
  merged(partition: number, piece: GroupTable): void {
    const holder = this.#holders.get(partition);
    if (holder === undefined) return;
    const sent = new Uint32Array(piece.size);
    for (let i = 0; i < piece.size; i++) sent[i] = this.#table.find(piece.keys, i);
    holder.sent.push(sent);
  }

  /**
   * The second round.
   *
   * @param groups of partitions that have sent all that they have, in all
   */
  secondRound(groups: number): Selections {
    const { size } = this.#holders;
    const total = [...this.#holders.values()].reduce((sum, holder) => sum + holder.groups, groups);
    // Only who has seen all of so many groups can tell whether they are too many for an answer.
    if (total <= ENGINE_LIMITS.groupsMax) {
      this.#threshold = thresholdOf(boundOf(this.#values(), this.#query.limit), size);
    }
    return this.#ofAll({ from: this.#threshold, below: Infinity, keys: null });
  }

  /** The third round. Partitions of which nothing is asked are not in it. */
  thirdRound(): Selections {
    if (this.#threshold <= 0) return new Map();
    const values = this.#values();
    const bound = boundOf(values, this.#query.limit);
    const most = mostBelow(this.#ordering, this.#threshold);
    const holders = new Uint16Array(values.length);
    for (const { sent } of this.#holders.values()) {
      for (const rows of sent) for (const row of rows) holders[row] = (holders[row] as number) + 1;
    }
    const candidates: number[] = [];
    values.forEach((known, group) => {
      const silent = this.#holders.size - (holders[group] as number);
      if (silent > 0 && mayReach(known, silent * most, bound)) candidates.push(group);
    });
    const rest: GroupSelection = { from: -Infinity, below: this.#threshold, keys: null };
    if (candidates.length > ENGINE_LIMITS.candidatesMax) return this.#ofAll(rest);
    const selections = new Map<number, GroupSelection>();
    for (const [partition, { sent }] of this.#holders) {
      const isSent = new Uint8Array(values.length);
      for (const rows of sent) for (const row of rows) isSent[row] = 1;
      const asked = Uint32Array.from(candidates.filter((group) => isSent[group] === 0));
      if (asked.length > 0) selections.set(partition, { ...rest, keys: this.#keysOf(asked) });
    }
    return selections;
  }

  /** Null if they are so long that asking for everything is cheaper. */
  #keysOf(groups: Uint32Array): readonly Uint8Array[] | null {
    const keys = encodeKeys(this.#query.groupBy, this.#table, groups);
    const bytes = keys.reduce((sum, piece) => sum + piece.byteLength, 0);
    return bytes > ENGINE_LIMITS.candidateBytesMax ? null : keys;
  }

  #ofAll(selection: GroupSelection): Selections {
    return new Map([...this.#holders.keys()].map((partition) => [partition, selection]));
  }

  #values(): Float64Array {
    return orderingValues(this.#ordering, this.#table);
  }

  get #table(): GroupTable {
    const [table] = this.#state.windows.values();
    assert(table !== undefined, "who holds groups back has sent some");
    return table;
  }
}
