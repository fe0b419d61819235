/**
 * From what a client asked to what the engine is asked: defaults filled in, the range resolved to whole minutes. No clock:
 * `now` is passed in.
 */
import { ENGINE_LIMITS, type Measures, MINUTE_MS, type Query } from "#engine";
import { fail, ok, type Result } from "#protocol";
import type { InvalidInput, QueryFailure } from "./failures.ts";
import { parseInput } from "./parse-input.ts";
import { DEFAULT_MEASURES, namesCollide } from "./schemas/measures.ts";
import { type QueryInput, QuerySchema } from "./schemas/query.ts";

export interface Question {
  readonly query: Query;
  /** A view by name; null: the log; undefined: whatever can answer. */
  readonly view: string | null | undefined;
}

/** A question from a request's JSON. */
export function parseQuestion(input: unknown, now: number): Result<Question, QueryFailure> {
  const parsed = parseInput(QuerySchema, input, "invalid_query");
  return parsed.ok ? resolveQuestion(parsed.value, now) : parsed;
}

export function resolveQuestion(input: QueryInput, now: number): Result<Question, QueryFailure> {
  const range = resolveRange(input, now);
  if (!range.ok) return range;
  const { from, to } = range.value;
  const { where = {}, groupBy = [], measures = DEFAULT_MEASURES, limit = ENGINE_LIMITS.rowsDefault, view } = input;
  const everyMs = input.every ?? null;
  if (everyMs !== null) {
    const buckets = Math.ceil(to / everyMs) - Math.floor(from / everyMs);
    if (buckets > ENGINE_LIMITS.bucketsMax) {
      return fail({ reason: "too_many_buckets", buckets, max: ENGINE_LIMITS.bucketsMax });
    }
  }
  if (namesCollide(groupBy, measures))
    return invalid("measures", "a measure has the name of an attribute in `groupBy`");
  const orderBy = resolveOrder(input.orderBy, [...(everyMs === null ? [] : ["time"]), ...groupBy], measures);
  if (!orderBy.ok) return orderBy;
  return ok({ query: { from, to, where, groupBy, everyMs, measures, orderBy: orderBy.value, limit }, view });
}

/** [from, to) in whole minutes, widened to them: the minute in which something happened is all that a window knows. */
function resolveRange(
  { from, to, last }: QueryInput,
  now: number,
): Result<{ readonly from: number; readonly to: number }, QueryFailure> {
  if (last !== undefined) {
    if (from !== undefined || to !== undefined)
      return invalid("last", "stands for `from` and `to`: give one or the other");
    return ok({ from: floorToMinute(Math.max(0, now - last)), to: ceilToMinute(now) });
  }
  if (from === undefined || to === undefined) return fail({ reason: "range_required" });
  if (from >= to) return invalid("to", "must be after `from`");
  return ok({ from: floorToMinute(from), to: ceilToMinute(to) });
}

const floorToMinute = (time: number): number => Math.floor(time / MINUTE_MS) * MINUTE_MS;
const ceilToMinute = (time: number): number => Math.ceil(time / MINUTE_MS) * MINUTE_MS;

function resolveOrder(
  text: string | undefined,
  columns: readonly string[],
  measures: Measures,
): Result<Query["orderBy"], QueryFailure> {
  if (text === undefined) return ok(null);
  const descending = text.startsWith("-");
  const name = descending ? text.slice(1) : text;
  if (columns.includes(name) || Object.hasOwn(measures, name)) return ok({ name, descending });
  return invalid("orderBy", "neither a measure nor an attribute in `groupBy`");
}

const invalid = (path: string, detail: string) =>
  fail<InvalidInput<"invalid_query">>({ reason: "invalid_query", path, detail });
