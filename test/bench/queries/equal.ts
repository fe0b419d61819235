/** Whether two engines say the same. Nothing is timed before they do. */
import type { Answer, Summary } from "./contender.ts";
import type { Question } from "./definitions.ts";

/**
 * By how much sums of distinct users may differ, as a share: HyperLogLog with few registers is off by about a tenth for one
 * group, and less for the sum over many.
 */
const DISTINCT_TOLERANCE = 0.1;
/** Sums of floating-point numbers depend on the order in which an engine adds them up. Ours do not. */
const SUM_TOLERANCE = 1e-9;

/** @returns what differs, or null */
export function differenceOf(question: Question, own: Answer, peer: Answer): string | null {
  if (own.kind === "summary" && peer.kind === "summary") return summaryDifference(question, own.summary, peer.summary);
  if (own.kind !== "top" || peer.kind !== "top") return "answers of two kinds";
  if (own.rows.length !== peer.rows.length) return `${own.rows.length} rows, not ${peer.rows.length}`;
  const at = own.rows.findIndex(([ad, clicks], i) => peer.rows[i]?.[0] !== ad || peer.rows[i]?.[1] !== clicks);
  return at < 0 ? null : `row ${at} is ${own.rows[at]?.join(": ")}, not ${peer.rows[at]?.join(": ")}`;
}

function summaryDifference(question: Question, own: Summary, peer: Summary): string | null {
  for (const name of ["groups", "clicks", "clicksMax"] as const) {
    if (own[name] !== peer[name]) return `${name}: ${own[name]}, not ${peer[name]}`;
  }
  if (own.measure === null && peer.measure === null) return null;
  const tolerance = question.measure === "users" ? DISTINCT_TOLERANCE : SUM_TOLERANCE;
  const difference = Math.abs(Number(own.measure) - Number(peer.measure)) / Number(own.measure);
  return difference <= tolerance ? null : `${question.measure}: ${own.measure}, not ${peer.measure}`;
}
