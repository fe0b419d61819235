/** Places runs of bytes one after the other, each at a multiple of 8, so that any typed array can be a view of them. */
export class ByteLayout {
  #size: number;

  constructor(reservedBytes: number) {
    this.#size = reservedBytes;
  }

  /** @returns where the run starts */
  reserve(bytes: number): number {
    const start = Math.ceil(this.#size / 8) * 8;
    this.#size = start + bytes;
    return start;
  }

  get size(): number {
    return this.#size;
  }
}
