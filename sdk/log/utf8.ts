/** Bytes of a text in UTF-8, without encoding it. Right for well-formed text, which parsed events are. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // Halves of a surrogate pair are two bytes each; everything else from U+0800 on is three.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
