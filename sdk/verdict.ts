/**
 * What an answer means for the batch that it answers. Pure: no clock, no memory of earlier answers.
 *
 *   200, well formed                                    taken
 *   409 producer_forked                                 forked: another history wrote under our producer id
 *   409 sequence_gap                                    gap: the edge has not seen what came before
 *   413                                                 split
 *   408, 425, 429, 5xx, no answer                       retry
 *   any other 2xx or 3xx                                retry: a captive portal or a proxy answered, not the edge
 *   410                                                 gone
 *   any other 4xx                                       refused: the same again would be refused again
 */
import { type AppendReply, type CommitPoint, parseAppendReply, parseProblem, type Problem } from "#protocol";
import { endOfBatch } from "./batch.ts";
import { SEND_LIMITS } from "./limits.ts";
import type { Batch } from "./log/log.ts";
import type { Answer } from "./transport.ts";
import type { TrackerProblem } from "./types.ts";

export type Verdict =
  | { readonly kind: "taken"; readonly reply: AppendReply }
  /** `afterMs`: what the edge asked for, at least; null if it did not say. */
  | { readonly kind: "retry"; readonly afterMs: number | null; readonly problem: TrackerProblem }
  | { readonly kind: "split"; readonly problem: TrackerProblem }
  | { readonly kind: "gap"; readonly expected: number; readonly problem: TrackerProblem }
  | { readonly kind: "forked"; readonly points: readonly CommitPoint[]; readonly problem: TrackerProblem }
  | { readonly kind: "refused"; readonly problem: TrackerProblem }
  | { readonly kind: "gone"; readonly problem: TrackerProblem };

/** @param now for a Retry-After that is a date, in milliseconds since the epoch */
export function judge(answer: Answer, batch: Batch, now: number): Verdict {
  const { status } = answer;
  if (status === 200) {
    const reply = parseReply(answer.body, batch);
    if (reply !== null) return { kind: "taken", reply };
  }
  const body = parseProblem(parseJson(answer.body));
  const problem = describe(answer, body);
  if (status === 409 && body?.code === "producer_forked") {
    return { kind: "forked", points: body.commits ?? [], problem };
  }
  if (status === 409 && body?.code === "sequence_gap" && body.expected !== undefined) {
    return { kind: "gap", expected: body.expected, problem };
  }
  if (status === 413) return { kind: "split", problem };
  if (status === 410) return { kind: "gone", problem };
  const passes = status < 400 || status >= 500 || status === 408 || status === 425 || status === 429;
  return passes ? { kind: "retry", afterMs: retryAfterMs(answer, body, now), problem } : { kind: "refused", problem };
}

/** Null unless the edge itself has answered, and for this batch. */
function parseReply(text: string, batch: Batch): AppendReply | null {
  const reply = parseAppendReply(parseJson(text));
  if (reply === null) return null;
  const accounted = reply.accepted + reply.duplicates + reply.rejected.length === batch.events.length;
  const reached = reply.lastSequence !== null && reply.lastSequence >= endOfBatch(batch) - 1;
  return accounted && reached ? reply : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe({ status, body }: Answer, problem: Problem | null): TrackerProblem {
  if (status === 0) return { code: "unreachable", detail: body };
  if (problem === null) return { code: "unexpected_answer", detail: `HTTP ${status} that is not the edge's`, status };
  return { code: problem.code, detail: problem.detail ?? "", status };
}

/** The body says it in milliseconds; the header, in seconds or as a date, is not readable everywhere across origins. */
function retryAfterMs(answer: Answer, problem: Problem | null, now: number): number | null {
  const header = answer.retryAfter;
  const seconds = header === null ? NaN : /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  const asked = problem?.retryAfterMs ?? seconds;
  return asked >= 0 ? Math.min(asked, SEND_LIMITS.retryAfterMaxMs) : null;
}
