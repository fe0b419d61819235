/**
 * Doubles as big integers, and back with one correct rounding. For the rare sums that leave the range in which
 * floating-point tricks work; slow and obvious, so that it needs no trust.
 *
 * The unit is the least positive double, 2^-1074: every finite double is a whole number of units.
 */

const LEAST_EXPONENT = -1074;
const SIGNIFICANT_BITS = 53;

const number = new Float64Array(1);
const bits = new BigUint64Array(number.buffer);

/** A finite double as units of 2^-1074. */
export function toUnits(value: number): bigint {
  number[0] = value;
  const pattern = bits[0] as bigint;
  const exponent = (pattern >> 52n) & 0x7ffn;
  const fraction = pattern & 0xf_ffff_ffff_ffffn;
  const magnitude = exponent === 0n ? fraction : (fraction | 0x10_0000_0000_0000n) << (exponent - 1n);
  return value < 0 ? -magnitude : magnitude;
}

/** `units / divisor` units as a double, rounded half to even; null beyond the range of a double. */
export function unitsQuotient(units: bigint, divisor: bigint): number | null {
  if (units < 0n) {
    const positive = unitsQuotient(-units, divisor);
    return positive === null ? null : 0 - positive;
  }
  // Cut down to the 53 bits of a double, or to whole units where there are fewer; half of what is cut off decides.
  const shift = Math.max(0, bitLength(units / divisor) - SIGNIFICANT_BITS);
  const step = divisor << BigInt(shift);
  let quotient = units / step;
  const twiceRemainder = 2n * (units % step);
  if (twiceRemainder > step || (twiceRemainder === step && (quotient & 1n) === 1n)) quotient += 1n;
  const rounded = Number(quotient) * 2 ** (shift + LEAST_EXPONENT);
  return Number.isFinite(rounded) ? rounded : null;
}

const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length);
