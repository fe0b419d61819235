/**
 * A question to its answer: choose the source, gather from all partitions, label what came of it. Labels are computed from
 * what the partitions said, never from hope: what is missing is named, and `final` needs every partition's word.
 */
import {
  addInterval,
  answerRows,
  chooseSource,
  needsRule,
  type Intervals,
  type Query,
  sourceFromView,
  type StoredView,
} from "#engine";
import { fail, ok, type Result } from "#protocol";
import type { PartitionQuery } from "../partition/rpc.ts";
import type { QueryContext } from "../stream/rpc.ts";
import type { QueryFailure } from "./failures.ts";
import type { Absent, NotAligned, PartitionPart } from "./ask-partition.ts";
import { gather, type Gathered } from "./gather.ts";
import { RETRY_AFTER } from "./limits.ts";
import type { Question } from "./query-input.ts";
import type { QueryAnswer } from "./schemas/query.ts";
import type { StreamAccess, StreamDirectory } from "./stream-access.ts";

type Source = PartitionQuery["source"];

/** How often a question is asked again because what came of it could not be used: a stream object or a partition moved. */
const ATTEMPTS_MAX = 3;

export async function runQuery(
  env: Env,
  directory: Pick<StreamDirectory, "forQuery">,
  stream: string,
  access: StreamAccess<QueryContext>,
  question: Question,
): Promise<Result<QueryAnswer, QueryFailure>> {
  const startedAt = Date.now();
  const { query } = question;
  let { context } = access;
  let view = question.view;
  let mayStopEarly = true;
  const excluded = new Map<number, Absent>();
  const cut = new Map<string, NotAligned>();
  for (let attempt = 1; attempt <= ATTEMPTS_MAX + cut.size; attempt++) {
    const source = sourceOf(query, view, context, cut);
    if (!source.ok) return source;
    const asked = context.partitionConfigs.map((_, partition) => partition).filter((p) => !excluded.has(p));
    const request = { configVersion: context.version, query, source: source.value };
    const gathered = await gather(env, context, request, asked, mayStopEarly);
    if (gathered.ok) {
      const whole = { ...gathered.value, absent: [...gathered.value.absent, ...excluded.values()] };
      if (view === undefined && whole.absent.some(({ reason }) => reason === "view_failed")) {
        // Nobody asked for this view by name: the log has the same answer.
        view = null;
        continue;
      }
      return answer(query, source.value, context, whole, startedAt);
    }
    const { failure } = gathered;
    // What can go wrong between rounds has done so once: the next attempt is a single one.
    if (failure.reason === "partial_gone" || failure.reason === "broken_off") mayStopEarly = false;
    if (failure.reason === "too_many_groups") return fail(failure);
    if (failure.reason === "range_not_aligned") {
      if (view !== undefined) return fail(describeCut(failure));
      cut.set(failure.view, failure);
    } else if (failure.reason === "view_not_ready") {
      if (view !== undefined) return fail({ reason: "view_not_ready", view: view ?? "" });
      view = null;
    } else if (failure.reason === "outdated") {
      const fresh = await directory.forQuery(env, stream);
      if (fresh === null) return fail({ reason: "unknown_stream", stream });
      ({ context } = fresh);
    } else if (failure.reason === "broken_off" && attempt > 1) {
      // Twice is no accident: answer without them, and say so.
      for (const partition of failure.partitions) excluded.set(partition, { partition, reason: "unavailable" });
    }
  }
  return fail({ reason: "overloaded", retryAfterMs: RETRY_AFTER.unavailableMs });
}

/**
 * Where the answer comes from: the view that was named, the log where that was asked for, else the cheapest that can.
 *
 * @param cut views of which windows were rolled up across what is asked
 */
function sourceOf(
  query: Query,
  view: Question["view"],
  context: QueryContext,
  cut: ReadonlyMap<string, NotAligned>,
): Result<Source, QueryFailure> {
  if (view === null) return fromLog(query);
  if (view === undefined) {
    const ready = context.views.flatMap(({ generation, ...stored }): StoredView[] =>
      generation === null ? [] : [{ ...stored, generation }],
    );
    const whole = ready.filter(({ name }) => !cut.has(name));
    const chosen = sourceOfAny(query, whole);
    if (chosen.kind === "view") return ok(chosen);
    const partly = withoutCut(query, ready, cut);
    return partly === undefined ? fromLog(query) : ok(partly);
  }
  const named = context.views.find(({ name }) => name === view);
  if (named === undefined) return fail({ reason: "unknown_view", view });
  const { name, spec, generation } = named;
  if (generation === null) return fail({ reason: "view_not_ready", view });
  const able = sourceFromView(query, { name, spec, generation });
  return able.ok ? ok({ kind: "view", view: name, generation }) : fail({ ...able.failure, view });
}

const fromLog = (query: Query): Result<Source, QueryFailure> =>
  needsRule(query)
    ? fail({
        reason: "invalid_query",
        path: "measures",
        detail: "only a view that is named knows what its `spam` or `session` rule says",
      })
    : ok({ kind: "log" });

function sourceOfAny(query: Query, ready: readonly StoredView[]): Source {
  const chosen = chooseSource(query, ready);
  if (chosen.kind === "log") return chosen;
  return { kind: "view", view: chosen.view.name, generation: chosen.view.generation };
}

/** A view that leaves out what it cannot tell, and says so, where that is less than what the log has lost. */
function withoutCut(
  query: Query,
  ready: readonly StoredView[],
  cut: ReadonlyMap<string, NotAligned>,
): Source | undefined {
  const better = [...cut.values()].filter(({ missingMs }) => missingMs.view < missingMs.log);
  const least = Math.min(...better.map(({ missingMs }) => missingMs.view));
  const best = better.find(({ missingMs }) => missingMs.view === least)?.view;
  const source = sourceOfAny(
    query,
    ready.filter(({ name }) => name === best),
  );
  return source.kind === "view" ? { ...source, leaveOutCut: true } : undefined;
}

function describeCut({ reason, view, windowMs, rolledUpTo }: NotAligned): QueryFailure {
  const minutes = windowMs / 60_000;
  const before = new Date(rolledUpTo).toISOString();
  const detail = `what lies before ${before} was rolled up to windows of ${minutes} minutes, which the range or \`every\` cuts: begin and end on a multiple of that, as \`every\` must be one`;
  return { reason, view, windowMs, rolledUpTo, detail };
}

function answer(
  query: Query,
  source: Source,
  context: QueryContext,
  { state, hasMore, parts, absent }: Gathered,
  startedAt: number,
): Result<QueryAnswer, QueryFailure> {
  // An answer of nothing is no answer: the client should come back, not draw an empty chart.
  if (parts.length === 0) return fail({ reason: "overloaded", retryAfterMs: RETRY_AFTER.unavailableMs });
  const { rows, truncated } = answerRows(query, state);
  const missing = parts.flatMap((part) => part.missing);
  const lost = (["trimmed", "rolled_up", "archive_unavailable"] as const).flatMap((reason) =>
    unionOf(missing.filter((interval) => interval.reason === reason)).map((interval) => ({ ...interval, reason })),
  );
  const watermark = Math.min(...parts.map((part) => part.watermark));
  return ok({
    source: source.kind === "log" ? "log" : `view:${source.view}@${source.generation}`,
    rows: rows.map((row) => ({ ...row })),
    truncated: truncated || hasMore,
    from: query.from,
    to: query.to,
    watermark,
    final: absent.length === 0 && watermark >= query.to + context.allowedLatenessMs,
    complete: absent.length === 0 && lost.length === 0,
    missing: [...absent, ...lost],
    carried: carriedOver(parts),
    asOf: parts.map(({ partition, logEnd }) => ({ partition, offset: logEnd })),
    stats: {
      recordsScanned: parts.reduce((sum, part) => sum + part.recordsScanned, 0),
      elapsedMs: Date.now() - startedAt,
    },
  });
}

const unionOf = (intervals: Intervals): Intervals =>
  intervals.reduce<Intervals>((union, { from, to }) => addInterval(union, { from, to }), []);

/** Windows that were taken over in any partition, by the generation that they were taken from. */
function carriedOver(parts: readonly PartitionPart[]): QueryAnswer["carried"] {
  const all = parts.flatMap((part) => part.carried);
  const generations = [...new Set(all.map(({ generation }) => generation))].sort((a, b) => a - b);
  return generations.flatMap((generation) =>
    unionOf(all.filter((interval) => interval.generation === generation)).map((interval) => ({
      ...interval,
      generation,
    })),
  );
}
