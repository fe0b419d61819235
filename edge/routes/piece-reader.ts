/** Reads group tables, as a partition sends them one after the other, from a stream of bytes. Holds one of them at a time. */
import { pieceLength } from "#engine";
import { assert } from "#protocol";

/** Cuts a byte stream into the pieces that were written to it: each says its own length. */
export class PieceReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  /** What has arrived of the next piece, as it came: joined once, when the piece is whole. */
  #chunks: Uint8Array[] = [];
  #length = 0;

  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader();
  }

  /** The next piece, or null at the end. */
  async next(): Promise<Uint8Array | null> {
    for (;;) {
      const piece = this.#take();
      if (piece !== null) return piece;
      const { done, value } = await this.#reader.read();
      if (done) {
        assert(this.#length === 0, "a partial ends with a whole piece");
        return null;
      }
      this.#chunks.push(value);
      this.#length += value.byteLength;
    }
  }

  /** Wants no more. What is on its way is dropped. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  #take(): Uint8Array | null {
    const first = this.#chunks[0];
    if (first === undefined) return null;
    let length = pieceLength(first);
    // A header that was cut in two; so short that joining costs nothing.
    if (length === null && this.#chunks.length > 1) length = pieceLength(this.#join());
    if (length === null || this.#length < length) return null;
    const bytes = this.#join();
    this.#length -= length;
    this.#chunks = this.#length === 0 ? [] : [bytes.subarray(length)];
    return bytes.subarray(0, length);
  }

  #join(): Uint8Array {
    if (this.#chunks.length > 1) {
      const bytes = new Uint8Array(this.#length);
      let at = 0;
      for (const chunk of this.#chunks) {
        bytes.set(chunk, at);
        at += chunk.byteLength;
      }
      this.#chunks = [bytes];
    }
    return this.#chunks[0] as Uint8Array;
  }
}
