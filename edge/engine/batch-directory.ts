/** The directory of a stored batch: where each of its columns lies; see batch-format.ts. */
import { DIRECTORY_ENTRY_BYTES, HEADER_BYTES, KIND, PART, SYSTEM, VERSION } from "./batch-format.ts";

export interface DirectoryEntry {
  /** Its place in the directory. */
  readonly column: number;
  readonly id: number;
  readonly kind: number;
  /** Bytes an element; 0: every element is the base. */
  readonly width: number;
  readonly part: number;
  readonly decimals: number;
  readonly start: number;
  readonly bytes: number;
  /** Number of elements. */
  readonly count: number;
  /** Null: checked with the part that the column lies in. */
  readonly crc: number | null;
  readonly base: number;
}

/**
 * Batches of the first version are still read. Their directory has entries of 24 bytes without checksums, one of the hot part
 * from byte 8 on in the header and one of the cold part at 60; only minutes, codes, numbers and hashes are hot.
 */
export const VERSION_1 = 1;
const VERSION_1_ENTRY_BYTES = 24;

/** Bytes of header, directory and additions: what the checksum in the header covers. */
export const preludeBytes = (view: DataView): number => additionsStart(view) + view.getUint32(12, true);

/** Where the dictionary additions begin. */
export const additionsStart = (view: DataView): number =>
  HEADER_BYTES + view.getUint16(10, true) * (isVersion1(view) ? VERSION_1_ENTRY_BYTES : DIRECTORY_ENTRY_BYTES);

export const isVersion1 = (view: DataView): boolean => view.getUint16(8, true) === VERSION_1;

export const isKnownVersion = (version: number): boolean => version === VERSION || version === VERSION_1;

export function readDirectory(view: DataView): readonly DirectoryEntry[] {
  const read = isVersion1(view) ? readVersion1Entry : readEntry;
  const entries: DirectoryEntry[] = [];
  for (let i = 0; i < view.getUint16(10, true); i++) entries.push(read(view, i));
  return entries;
}

function readEntry(view: DataView, i: number): DirectoryEntry {
  const at = HEADER_BYTES + i * DIRECTORY_ENTRY_BYTES;
  return {
    column: i,
    id: view.getUint16(at, true),
    kind: view.getUint8(at + 2),
    width: view.getUint8(at + 3),
    part: view.getUint8(at + 4),
    decimals: view.getUint8(at + 5),
    start: view.getUint32(at + 8, true),
    bytes: view.getUint32(at + 12, true),
    count: view.getUint32(at + 16, true),
    crc: view.getUint32(at + 20, true),
    base: view.getFloat64(at + 24, true),
  };
}

function readVersion1Entry(view: DataView, i: number): DirectoryEntry {
  const at = HEADER_BYTES + i * VERSION_1_ENTRY_BYTES;
  const id = view.getUint16(at, true);
  const kind = view.getUint8(at + 2);
  const isCold = kind === KIND.texts || (id > SYSTEM.minutes && id <= SYSTEM.fromPages);
  return {
    column: i,
    id,
    kind,
    width: view.getUint8(at + 3),
    part: isCold ? PART.cold : PART.hot,
    decimals: 0,
    start: view.getUint32(at + 4, true),
    bytes: view.getUint32(at + 8, true),
    count: view.getUint32(24, true),
    crc: null,
    base: view.getFloat64(at + 16, true),
  };
}
