/**
 * Totals of dropped events by reason: what a producer tells of what it could not deliver. Totals only grow, so telling them
 * again, or late, or after a retry, changes nothing: the greatest that was heard of each holds.
 */

export type DropTotals = { readonly [reason: string]: number };

/** Reasons that a total is kept under; whatever else a producer says counts as `other`, so that totals stay bounded. */
const REASONS: ReadonlySet<string> = new Set([
  "log_full",
  "expired",
  "too_large",
  "rolled_back",
  "cleared",
  "spill_full",
]);

/** @param count negative for what was found again */
export function addDropped(totals: DropTotals, reason: string, count: number): DropTotals {
  const { [reason]: before = 0, ...others } = totals;
  // Whoever lies shall not make the sum inexact.
  const after = Math.min(Math.max(before + count, 0), Number.MAX_SAFE_INTEGER);
  return after === 0 ? others : { ...totals, [reason]: after };
}

export const addTotals = (a: DropTotals, b: DropTotals): DropTotals =>
  Object.entries(b).reduce((sum, [reason, count]) => addDropped(sum, reason, count), a);

/** By how much the totals have grown, reason by reason. Empty if they have not. */
export function growth(before: DropTotals, after: DropTotals): DropTotals {
  const grown = Object.entries(after).map(([reason, total]) => [reason, total - (before[reason] ?? 0)] as const);
  return Object.fromEntries(grown.filter(([, count]) => count > 0));
}

/** What the edge keeps of a producer's totals. */
export const knownReasons = (totals: DropTotals): DropTotals =>
  Object.entries(totals).reduce<DropTotals>(
    (sum, [reason, count]) => addDropped(sum, REASONS.has(reason) ? reason : "other", count),
    {},
  );
