/**
 * The edge's answers, parsed from unknown where they arrive: on the page. By hand, because the schema library would be a
 * quarter of the SDK's worker; the schemas that say the same stand in append.ts, and a test holds the two together.
 */
import type { AppendReply, CommitPoint, Problem } from "./append.ts";

/** The answer to an append that was taken; null if this is something else: a captive portal's page, say. */
export function parseAppendReply(input: unknown): AppendReply | null {
  if (!isObject(input)) return null;
  const { partition, offset, accepted, duplicates, rejected, lastSequence } = input;
  if (!isNumber(partition) || !isNumber(accepted) || !isNumber(duplicates)) return null;
  if (!isNullOrNumber(offset) || !isNullOrNumber(lastSequence)) return null;
  if (!Array.isArray(rejected) || !rejected.every(isRejectedEvent)) return null;
  return { partition, offset, accepted, duplicates, rejected, lastSequence };
}

/** The fields of an error answer that a producer acts upon; null if this is something else. */
export function parseProblem(input: unknown): Problem | null {
  if (!isObject(input)) return null;
  const { code, detail, retryAfterMs, expected, received, max, commits } = input;
  if (typeof code !== "string" || !(detail === undefined || typeof detail === "string")) return null;
  if (![retryAfterMs, expected, received, max].every((value) => value === undefined || isNumber(value))) return null;
  if (!(commits === undefined || (Array.isArray(commits) && commits.every(isCommitPoint)))) return null;
  return input as Problem;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value: unknown): value is number => typeof value === "number" && !Number.isNaN(value);
const isNullOrNumber = (value: unknown): value is number | null => value === null || isNumber(value);

const isRejectedEvent = (value: unknown): value is AppendReply["rejected"][number] =>
  isObject(value) &&
  isNumber(value["index"]) &&
  typeof value["code"] === "string" &&
  typeof value["detail"] === "string";

const isCommitPoint = (value: unknown): value is CommitPoint =>
  Array.isArray(value) && value.length === 2 && isNumber(value[0]) && typeof value[1] === "string";
