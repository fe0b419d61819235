/**
 * Rolls the stored windows of an hour, or of a day, up into one. Exact: counts, exact sums and sets are merged as everywhere, and
 * nothing is rounded, so that no answer tells a window that was rolled up from those that it was made of.
 *
 * They are read and merged a page a step, then encoded, and the last step puts one in the place of all, in one transaction. What
 * was stored in between makes all of that void: the windows are as they were, and not due any more, because they changed.
 */
import {
  addInterval,
  addWide,
  createState,
  DAY_MS,
  type FoldState,
  type GroupTable,
  meets,
  mergeWindow,
  NO_WIDE_WINDOWS,
  type TimeInterval,
} from "#engine";
import { divisionsOf } from "./carrying.ts";
import type { Generation } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { Partition } from "./partition.ts";
import type { EncodedWindow } from "./window-store.ts";

export class WindowRollup {
  readonly #partition: Partition;
  readonly #generation: Generation;
  readonly #window: TimeInterval;
  /** Whether it may still be done, but for what is stored. */
  readonly #isDue: () => boolean;
  /** What was stored when it began. */
  readonly #stored: string;
  readonly #state: FoldState;
  /** Windows that start before it are in the state; null: all are. */
  #at: number | null;
  #encoded: EncodedWindow | null = null;
  #waits = 0;
  #isTooLarge = false;

  constructor(partition: Partition, generation: Generation, window: TimeInterval, isDue: () => boolean) {
    this.#partition = partition;
    this.#generation = generation;
    this.#window = window;
    this.#isDue = isDue;
    this.#stored = this.#changes();
    this.#state = createState(generation.plan);
    this.#at = window.from;
  }

  /** Windows that start before it need not be looked at again: those of what is too large may still become narrower ones. */
  get lookedTo(): number {
    return this.#isTooLarge ? this.#window.from : this.#window.to;
  }

  get #widthMs(): number {
    return this.#window.to - this.#window.from;
  }

  /** @returns whether there is more to do */
  step(): boolean {
    if (this.#at !== null) return this.#mergePage(this.#at);
    if (this.#encoded === null) return this.#encode();
    return this.#replace(this.#encoded);
  }

  #mergePage(at: number): boolean {
    const { windows } = this.#partition;
    const { id, plan } = this.#generation;
    this.#at = windows.pageEnd(id, at, this.#window.to, PARTITION_LIMITS.rollup.page);
    for (const table of windows.read(id, plan, this.#state, at, this.#at ?? this.#window.to)) {
      mergeWindow(plan, this.#state, table, this.#window.from);
    }
    return this.#state.groups <= PARTITION_LIMITS.rollup.groupsMax || this.#giveUp();
  }

  #encode(): boolean {
    const whole: GroupTable | undefined = this.#state.windows.get(this.#window.from);
    // They may have been taken away since it began.
    if (whole === undefined) return false;
    this.#encoded = this.#partition.windows.encodeAnew(this.#generation, whole);
    return this.#encoded.pieces.length <= PARTITION_LIMITS.rollup.rowsMax || this.#giveUp();
  }

  /** Not to be tried again, day after day. */
  #giveUp(): false {
    const { database, views } = this.#partition;
    const { hours, days } = this.#generation.record.tooLarge ?? NO_WIDE_WINDOWS;
    const tooLarge =
      this.#widthMs === DAY_MS
        ? { hours, days: addInterval(days, this.#window) }
        : { hours: addInterval(hours, this.#window), days };
    if (this.#isDue()) database.transaction(() => views.settle(this.#generation, { tooLarge }));
    this.#isTooLarge = true;
    return false;
  }

  #replace(encoded: EncodedWindow): boolean {
    const { database, views, windows } = this.#partition;
    const { id } = this.#generation;
    if (!this.#isDue() || this.#changes() !== this.#stored) return false;
    if (!views.readings.allow(id, this.#window)) return ++this.#waits < PARTITION_LIMITS.rollup.waitsMax;
    const { from, to } = this.#window;
    database.transaction(() => {
      windows.remove(id, from, to);
      windows.write(id, encoded);
      const wide = addWide(this.#generation.wide, { from: this.#joinsFrom(), to }, this.#widthMs);
      views.settle(this.#generation, { wide });
    });
    return false;
  }

  /**
   * Where nothing happened since the window before that was rolled up alike, there is nothing to roll up, and the list need not
   * say so. What comes for that time later is stored in windows as wide as these.
   */
  #joinsFrom(): number {
    const { windows, views } = this.#partition;
    const { id, wide, record } = this.#generation;
    const { from } = this.#window;
    const alike = this.#widthMs === DAY_MS ? wide.days : wide.hours;
    const before = alike.findLast((interval) => interval.to <= from);
    if (before === undefined || meets(record.excluded, before.to, from)) return from;
    const isEmpty =
      windows.changes(id, before.to, from, 1).length === 0 && !this.#generation.hasChangedIn(before.to, from);
    const divides = (time: number) => time > before.to && time < from && time % this.#widthMs !== 0;
    if (!isEmpty || meets(wide.days, before.to, from) || divisionsOf(this.#generation, views.all).some(divides))
      return from;
    return before.to;
  }

  #changes(): string {
    const { from, to } = this.#window;
    return JSON.stringify(
      this.#partition.windows.changes(this.#generation.id, from, to, PARTITION_LIMITS.rollup.windowsMax),
    );
  }
}
