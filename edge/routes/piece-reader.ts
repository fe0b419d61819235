/**
 * Reads group tables, as a partition sends them one after the other, from a stream of bytes. Holds one of them at a time.
 *
 * Each is read into a buffer of its own length, which it says at its head. Reading into one's own buffer is four times as
 * fast as taking what comes, which the platform hands over in chunks of 4 KiB.
 */
import { pieceLength } from "#engine";
import { assert } from "#protocol";

/** What is read to learn how long a piece is. Every piece is longer. */
const HEAD_BYTES = 16;

export class PieceReader {
  readonly #reader: ReadableStreamBYOBReader;

  /** @param stream of type "bytes" */
  constructor(stream: ReadableStream<Uint8Array>) {
    this.#reader = stream.getReader({ mode: "byob" });
  }

  /** The next piece, or null at the end. */
  async next(): Promise<Uint8Array | null> {
    const head = await this.#read(new Uint8Array(HEAD_BYTES), 0);
    if (head === null) return null;
    const length = pieceLength(head);
    assert(length !== null && length > HEAD_BYTES, "a piece begins with its head");
    const piece = new Uint8Array(length);
    piece.set(head);
    return this.#read(piece, HEAD_BYTES);
  }

  /** Wants no more. What is on its way is dropped. */
  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }

  /** Fills a buffer from `from` on, which is lost thereby. @returns the bytes in a new one; null if the stream has ended */
  async #read(buffer: Uint8Array, from: number): Promise<Uint8Array | null> {
    let bytes = buffer;
    for (let at = from; at < bytes.byteLength;) {
      const { done, value } = await this.#reader.read(bytes.subarray(at));
      if (done) {
        assert(at === 0, "a partial ends with a whole piece");
        return null;
      }
      at += value.byteLength;
      bytes = new Uint8Array(value.buffer);
    }
    return bytes;
  }
}
