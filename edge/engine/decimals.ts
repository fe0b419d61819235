/**
 * Numbers as integers of a decimal scale, where that is exact: 0.12 is 12 at two decimals. Prices, counts and durations take
 * one or two bytes so, instead of eight; a column with any number of which it is not true stays as it is.
 *
 * `n / 10^d` is rounded once, and so is the number that somebody wrote with d decimals: both are the double nearest to the same
 * quotient, so that the way back is exact as long as 10^d and n are. It is checked for every number all the same.
 *
 *   A. Afroozeh, L. Kuffo, P. Boncz, "ALP: Adaptive Lossless floating-Point Compression", 2023, is the idea at full size.
 */
const DECIMALS_MAX = 6;
/** The greatest integer of each width says "absent". */
const WIDTHS = [
  { bytes: 1, absent: 0xff },
  { bytes: 2, absent: 0xffff },
  { bytes: 4, absent: 0xffffffff },
] as const;

export interface DecimalColumn {
  /** A number is `(base + integers[i]) / 10^decimals`; the greatest integer of the width is NaN. */
  readonly integers: Uint8Array | Uint16Array | Uint32Array;
  readonly base: number;
  readonly decimals: number;
}

/** The column in its narrow form, or null if some number has none. */
export function toDecimals(numbers: Float64Array): DecimalColumn | null {
  for (let decimals = 0; decimals <= DECIMALS_MAX; decimals++) {
    const column = atScale(numbers, decimals);
    if (column !== "finer") return column;
  }
  return null;
}

/** The column with so many decimals; null if that takes too many bytes, "finer" if it takes more decimals. */
function atScale(numbers: Float64Array, decimals: number): DecimalColumn | null | "finer" {
  const scale = 10 ** decimals;
  let least = Infinity;
  let greatest = -Infinity;
  for (const number of numbers) {
    if (number !== number) continue;
    const integer = Math.round(number * scale);
    if (integer / scale !== number) return "finer";
    if (integer < least) least = integer;
    if (integer > greatest) greatest = integer;
  }
  if (!Number.isSafeInteger(least) || !Number.isSafeInteger(greatest)) return null;
  const width = WIDTHS.find(({ absent }) => greatest - least < absent);
  if (width === undefined) return null;
  const integers = arrayOf(width.bytes, numbers.length);
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i] as number;
    integers[i] = number === number ? Math.round(number * scale) - least : width.absent;
  }
  return { integers, base: least, decimals };
}

export function fromDecimals({ integers, base, decimals }: DecimalColumn): Float64Array {
  const scale = 10 ** decimals;
  const absent = 2 ** (8 * integers.BYTES_PER_ELEMENT) - 1;
  const numbers = new Float64Array(integers.length);
  for (let i = 0; i < numbers.length; i++) {
    const integer = integers[i] as number;
    numbers[i] = integer === absent ? NaN : (base + integer) / scale;
  }
  return numbers;
}

const arrayOf = (bytes: 1 | 2 | 4, length: number) =>
  bytes === 1 ? new Uint8Array(length) : bytes === 2 ? new Uint16Array(length) : new Uint32Array(length);
