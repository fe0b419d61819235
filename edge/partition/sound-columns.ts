/**
 * Which columns of segments were read and found sound since the object woke. Segments never change, and what the disk has given
 * back once as it was written is not held against its checksum again: that would be a third of the time of a short question.
 */
import type { ColumnChecks } from "#engine";

/** Columns that a segment's number has a bit for. Those beyond are checked each time. */
const COLUMNS_MAX = 31;

export class SoundColumns {
  /** By the segment's base offset, a bit for each column. */
  readonly #masks = new Map<number, number>();

  of(baseOffset: number): ColumnChecks {
    const masks = this.#masks;
    return {
      isSound: (column) => column < COLUMNS_MAX && ((masks.get(baseOffset) ?? 0) & (1 << column)) !== 0,
      foundSound: (column) => {
        if (column < COLUMNS_MAX) masks.set(baseOffset, (masks.get(baseOffset) ?? 0) | (1 << column));
      },
    };
  }

  /** The segment is gone. */
  forget(baseOffset: number): void {
    this.#masks.delete(baseOffset);
  }
}
