/**
 * Texts as UTF-8 without garbage: one buffer that a text is put into to be hashed or compared, and short texts read back.
 * Strings are well-formed (`sdk/protocol/event.ts` sees to it), so a text and its bytes stand for each other.
 */
const encoder = new TextEncoder();
/** `ignoreBOM` keeps a leading U+FEFF: it belongs to the value. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-16 units up to which a loop over them beats a call of the platform's encoder. */
const SHORT_UNITS = 64;
/** The same for reading one back. */
const SHORT_BYTES = 16;

/** Room for a text, overwritten by the next one. Its bytes can be read by words of four, too. */
export class TextBuffer {
  bytes: Uint8Array = new Uint8Array(0);
  words: Uint32Array = new Uint32Array(0);

  constructor(capacity: number) {
    this.reserve(capacity);
  }

  reserve(capacity: number): void {
    if (this.bytes.length >= capacity) return;
    this.words = new Uint32Array(Math.ceil(capacity / 4));
    this.bytes = new Uint8Array(this.words.buffer);
  }

  /** Writes a text's UTF-8, with at least eight bytes of room behind it. @returns how many bytes it is */
  put(text: string): number {
    this.reserve(3 * text.length + 8);
    if (text.length <= SHORT_UNITS) {
      const { bytes } = this;
      let i = 0;
      for (; i < text.length; i++) {
        const unit = text.charCodeAt(i);
        if (unit > 0x7f) break;
        bytes[i] = unit;
      }
      if (i === text.length) return i;
    }
    return encoder.encodeInto(text, this.bytes).written;
  }

  /** Writes `source[from..to)` at `start`, with as much room behind it. @returns where it ends */
  copy(source: Uint8Array, from: number, to: number, start = 0): number {
    const end = start + to - from;
    this.reserve(end + 8);
    const { bytes } = this;
    if (to - from <= SHORT_UNITS) for (let i = start; i < end; i++) bytes[i] = source[from + i - start] as number;
    else bytes.set(source.subarray(from, to), start);
    return end;
  }
}

/** The text whose UTF-8 is `bytes[from..to)`. */
export function textOf(bytes: Uint8Array, from: number, to: number): string {
  if (to - from > SHORT_BYTES) return decoder.decode(bytes.subarray(from, to));
  const units: number[] = [];
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte > 0x7f) return decoder.decode(bytes.subarray(from, to));
    units.push(byte);
  }
  return String.fromCharCode(...units);
}
