/**
 * Cuts the admitted events of one commit into log rows. One commit is one row, unless it would not fit: an import of 10,000
 * events with long strings takes several, which are written together or not at all.
 *
 * How long a row will be is only known once it is built, and by then its strings are in the dictionaries. So it is estimated
 * from above, and only where the estimate is too great is it worth looking strings up that the dictionaries have already.
 */
import {
  type AppendPiece,
  type Dictionaries,
  ENGINE_LIMITS,
  type EventColumn,
  type EventColumns,
  eventValueAt,
} from "#engine";
import { PARTITION_LIMITS } from "./limits.ts";

/** A hash, a length, and a code or number: what a value takes beside its text. */
const VALUE_BYTES = 20;

/** At most how many bytes the events take in the log, were all their strings new. Also what they take while they wait. */
export function weightOf(events: EventColumns): number {
  let weight = 16 * events.count;
  for (const column of events.attributes) weight += VALUE_BYTES * events.count + 3 * textLength(column, events.count);
  return weight;
}

/** UTF-16 units of all texts of a column, each as often as it occurs. */
function textLength({ values, codes, numbers }: EventColumn, count: number): number {
  let length = 0;
  if (numbers !== undefined) return 0;
  if (codes === undefined) {
    for (let row = 0; row < count; row++) length += lengthOf(values[row]);
    return length;
  }
  const lengths = Uint16Array.from(values, lengthOf);
  for (let row = 0; row < count; row++) length += lengths[codes[row] as number] as number;
  return length;
}

const lengthOf = (value: unknown): number => (typeof value === "string" ? value.length : 0);

/** @returns the pieces of each row, in order */
export function splitIntoRows(pieces: readonly AppendPiece[], dictionaries: Dictionaries): readonly AppendPiece[][] {
  const rows: AppendPiece[][] = [];
  let weight = Infinity;
  let records = 0;
  const take = (piece: AppendPiece, pieceWeight: number, count: number) => {
    weight += pieceWeight;
    records += count;
    if (weight > PARTITION_LIMITS.rowBytesMax || records > ENGINE_LIMITS.segmentRecordsMax) {
      rows.push([]);
      weight = pieceWeight;
      records = count;
    }
    rows.at(-1)?.push(piece);
  };
  for (const piece of pieces) {
    const count = piece.rows === null ? piece.events.count : piece.rows.length;
    const pieceWeight = weightOf(piece.events);
    if (pieceWeight <= PARTITION_LIMITS.rowBytesMax && count <= ENGINE_LIMITS.segmentRecordsMax) {
      take(piece, pieceWeight, count);
    } else {
      for (const part of splitPiece(piece, count, dictionaries)) take(part.piece, part.weight, part.piece.rows.length);
    }
  }
  return rows;
}

type Part = { readonly piece: AppendPiece & { readonly rows: Uint32Array }; readonly weight: number };

function splitPiece(piece: AppendPiece, count: number, dictionaries: Dictionaries): readonly Part[] {
  const { events, fromPage } = piece;
  const rows = piece.rows ?? Uint32Array.from({ length: count }, (_, i) => i);
  const weights = new Float64Array(count).fill(16);
  for (const column of events.attributes) {
    const { name } = column;
    const dictionary = dictionaries.hasAttribute(name)
      ? dictionaries.dictionary(dictionaries.attributeId(name))
      : undefined;
    rows.forEach((row, i) => {
      const value = eventValueAt(column, row);
      const isNewText = typeof value === "string" && dictionary?.codeOf(value) === undefined;
      weights[i] = (weights[i] as number) + VALUE_BYTES + (isNewText ? 3 * value.length : 0);
    });
  }
  const parts: Part[] = [];
  let from = 0;
  let weight = 0;
  const close = (to: number) => {
    parts.push({ piece: { events, rows: rows.slice(from, to), fromPage }, weight });
    from = to;
    weight = 0;
  };
  weights.forEach((added, i) => {
    const isFull = weight + added > PARTITION_LIMITS.rowBytesMax || i - from >= ENGINE_LIMITS.segmentRecordsMax;
    if (isFull && i > from) close(i);
    weight += added;
  });
  close(count);
  return parts;
}
