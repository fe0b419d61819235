/**
 * Which segments hold which event times: what lets a scan go straight to those that it needs. A row of the database is as long
 * as its segment, so that looking through them there would cost a page of the disk for each; here it is a few numbers. Packs of
 * archived segments have zones too.
 */
import { MINUTE_MS, type TimeInterval } from "#engine";

export interface Zone {
  readonly baseOffset: number;
  readonly count: number;
  readonly minuteMin: number;
  readonly minuteMax: number;
}

export class SegmentZones {
  /** By base offset. */
  #zones: Zone[];

  constructor(zones: readonly Zone[]) {
    this.#zones = [...zones];
  }

  /** How many segments there are. */
  get length(): number {
    return this.#zones.length;
  }

  /** A segment behind all others. */
  add(zone: Zone): void {
    this.#zones.push(zoneOf(zone));
  }

  /** The first segment becomes another one, or goes. */
  replaceFirst(zone: Zone | null): void {
    this.#zones = zone === null ? this.#zones.slice(1) : [zoneOf(zone), ...this.#zones.slice(1)];
  }

  /** The zone that lies first. */
  get first(): Zone | undefined {
    return this.#zones[0];
  }

  get last(): Zone | undefined {
    return this.#zones.at(-1);
  }

  /** The first segment that ends after `offset`, begins before `end` and has event times in [minuteFrom, minuteTo). */
  next(offset: number, end: number, minuteFrom: number, minuteTo: number): Zone | undefined {
    for (let i = this.#firstAfter(offset); i < this.#zones.length; i++) {
      const zone = this.#zones[i] as Zone;
      if (zone.baseOffset >= end) return undefined;
      if (zone.minuteMax >= minuteFrom && zone.minuteMin < minuteTo) return zone;
    }
    return undefined;
  }

  /** The place of the first segment that ends after `offset`. */
  #firstAfter(offset: number): number {
    let low = 0;
    let high = this.#zones.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { baseOffset, count } = this.#zones[middle] as Zone;
      if (baseOffset + count > offset) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The offset behind its last record. */
export const endOf = ({ baseOffset, count }: Pick<Zone, "baseOffset" | "count">): number => baseOffset + count;

/** From its first minute to its last, in milliseconds since the epoch. */
export const zoneMinutes = ({ minuteMin, minuteMax }: Pick<Zone, "minuteMin" | "minuteMax">): TimeInterval => ({
  from: minuteMin * MINUTE_MS,
  to: (minuteMax + 1) * MINUTE_MS,
});

/** No more than a zone of what may be a whole segment. */
const zoneOf = ({ baseOffset, count, minuteMin, minuteMax }: Zone): Zone => ({
  baseOffset,
  count,
  minuteMin,
  minuteMax,
});
