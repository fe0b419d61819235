/**
 * The value in the middle of some numbers, which are left in another order.
 *
 * Source: C. A. R. Hoare, "Algorithm 65: find", 1961.
 */
export function middleOf(values: Float64Array): number {
  const middle = values.length >>> 1;
  let from = 0;
  let to = values.length - 1;
  while (from < to) {
    const pivot = values[(from + to) >>> 1] as number;
    let i = from;
    let j = to;
    while (i <= j) {
      while ((values[i] as number) < pivot) i++;
      while ((values[j] as number) > pivot) j--;
      if (i > j) break;
      const swapped = values[i] as number;
      values[i++] = values[j] as number;
      values[j--] = swapped;
    }
    if (middle <= j) to = j;
    else if (middle >= i) from = i;
    else break;
  }
  return values[middle] as number;
}
