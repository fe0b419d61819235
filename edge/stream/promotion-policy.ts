/** Whether a replay may be promoted by itself: what its administrator allowed it to change. */
import type { PromotionPolicy, ReplayDiff } from "./rpc.ts";

/**
 * Why a caught-up replay has to wait for somebody's decision; null: it may be promoted.
 *
 * @param diff null: it was compared with nothing, though something was published before
 */
export function whyHeld(policy: PromotionPolicy, diff: ReplayDiff | null): string | null {
  if (diff === null) return "there is no diff to hold against `promoteIf`";
  const { totalChangeMax, rowsChangedMax } = policy;
  if (rowsChangedMax !== undefined) {
    const share = diff.rowsCompared === 0 ? 0 : diff.rowsChanged / diff.rowsCompared;
    if (share > rowsChangedMax) {
      return `${diff.rowsChanged} of ${diff.rowsCompared} rows changed, more than the share of ${rowsChangedMax}`;
    }
  }
  if (totalChangeMax !== undefined) {
    for (const [measure, { before, after }] of Object.entries(diff.totals)) {
      const change = relativeChange(before ?? 0, after ?? 0);
      if (change > totalChangeMax) {
        return `the total of \`${measure}\` went from ${before} to ${after}, more than the share of ${totalChangeMax}`;
      }
    }
  }
  return null;
}

/** As a share of what was before; of nothing, any change is too much. */
const relativeChange = (before: number, after: number): number =>
  before === after ? 0 : before === 0 ? Infinity : Math.abs(after - before) / Math.abs(before);
