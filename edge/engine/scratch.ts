/** Working arrays of one batch or table, kept to be used again. Entries are by place among the selected rows. */
export class Scratch {
  /** By row of the batch: 1 if it is selected. */
  mask = new Uint8Array(0);
  /** By row of the batch: what a rule that needs order has judged; see spam.ts. */
  verdicts = new Uint8Array(0);
  /** The rows that are selected, if they are not all. */
  rows = new Uint32Array(0);
  /** The same rows, brought into the order of their windows. */
  sorted = new Uint32Array(0);
  /** Codes of each key column. */
  readonly keys: Uint32Array[];
  /** Groups, of rows or of runs. */
  ids = new Int32Array(0);
  /** Groups of rows, where those of runs are at hand. */
  rowIds = new Int32Array(0);

  constructor(keyCount: number) {
    this.keys = Array.from({ length: keyCount }, () => new Uint32Array(0));
  }

  reserve(rows: number): void {
    if (rows <= this.rows.length) return;
    const length = 2 ** Math.ceil(Math.log2(rows));
    this.mask = new Uint8Array(length);
    this.verdicts = new Uint8Array(length);
    this.rows = new Uint32Array(length);
    this.sorted = new Uint32Array(length);
    this.ids = new Int32Array(length);
    this.rowIds = new Int32Array(length);
    this.keys.forEach((_, k) => (this.keys[k] = new Uint32Array(length)));
  }

  /** Selects the rows of [start, end) that the mask leaves, to `rows[at…]`, and returns where they end. */
  selectMasked(start: number, end: number, at = 0): number {
    const { mask, rows } = this;
    let count = at;
    for (let i = start; i < end; i++) {
      // No branch: the mask is as good as random.
      rows[count] = i;
      count += mask[i] as number;
    }
    return count;
  }
}
