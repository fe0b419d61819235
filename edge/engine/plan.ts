/**
 * A view or a query, compiled once into what `fold` does with each batch: which records, into which window, under which key,
 * into which accumulators. Measures that need the same state share it: an average is a sum and a count of numbers.
 */
import type { Intervals } from "./intervals.ts";
import { MINUTE_MS } from "./column-batch.ts";
import type { Measure, Measures, Query, SessionRule, SpamRule, ViewSpec } from "./spec.ts";
import { type CompiledWhere, compileWhere } from "./where.ts";

export type AccumulatorKind =
  "numbers" | "sum" | "min" | "max" | "distinct" | "invalid" | "sessions" | "sessionMs" | "sessionRecords";

export interface AccumulatorSpec {
  readonly kind: AccumulatorKind;
  /** "" of `invalid` and of sessions: those are not about one attribute. */
  readonly attribute: string;
}

/** A measure, and which accumulators (by index) it is read from. Counting records needs none: every group is counted. */
export type PlannedMeasure =
  | { readonly kind: "count"; readonly name: string }
  | {
      readonly kind: "sum" | "min" | "max" | "distinct" | "invalid" | "sessions";
      readonly name: string;
      readonly from: number;
    }
  | { readonly kind: "avg"; readonly name: string; readonly sum: number; readonly numbers: number }
  | { readonly kind: "perSession"; readonly name: string; readonly total: number; readonly sessions: number };

/** What a group table holds. */
export interface Shape {
  readonly groupBy: readonly string[];
  readonly accumulators: readonly AccumulatorSpec[];
  readonly measures: readonly PlannedMeasure[];
}

export interface FoldPlan extends Shape {
  readonly where: CompiledWhere;
  /** Judges what `where` lets through. Invalid records are folded only into the accumulator that counts them, if there is one. */
  readonly spam: SpamRule | null;
  /** If not null, sessions are counted instead of records. */
  readonly session: SessionRule | null;
  /** Width of a window in minutes; null for a single window that starts at {@link fromMinute}. */
  readonly windowMinutes: number | null;
  /** Event times that are folded, [from, to) in whole minutes since the epoch. */
  readonly fromMinute: number;
  readonly toMinute: number;
  /** If not null, only event times within these intervals are folded. */
  readonly only: Intervals | null;
  /** Event times within these intervals are not folded. */
  readonly except: Intervals;
}

/** Which event times to fold, in milliseconds since the epoch, on whole minutes: for carried and missing windows. */
export interface TimeFilter {
  readonly only?: Intervals | null;
  readonly except?: Intervals;
}

export function compileView(spec: ViewSpec, filter: TimeFilter = {}): FoldPlan {
  return {
    ...shapeOf(spec.groupBy, spec.measures),
    where: compileWhere(spec.where),
    spam: spec.spam ?? null,
    session: spec.session ?? null,
    windowMinutes: spec.windowMs / MINUTE_MS,
    fromMinute: -Infinity,
    toMinute: Infinity,
    only: filter.only ?? null,
    except: filter.except ?? [],
  };
}

export function compileQuery(query: Query, filter: TimeFilter = {}): FoldPlan {
  return {
    ...shapeOf(query.groupBy, query.measures),
    where: compileWhere(query.where),
    spam: null,
    session: null,
    windowMinutes: query.everyMs === null ? null : query.everyMs / MINUTE_MS,
    fromMinute: query.from / MINUTE_MS,
    toMinute: query.to / MINUTE_MS,
    only: filter.only ?? null,
    except: filter.except ?? [],
  };
}

/** Whether only a view that is named can give a measure: the log knows no rule. */
export const needsRule = ({ measures }: Pick<Query, "measures">): boolean =>
  Object.values(measures).some((measure) => "session" in measure) || holdsInvalid({ measures });

/** Whether a view has groups of which nothing but invalid records are known. */
export const holdsInvalid = ({ measures }: Pick<ViewSpec, "measures">): boolean =>
  Object.values(measures).some((measure) => "count" in measure && measure.count === "invalid");

/** Groups and measures as a table holds them. Equal groupBy and measures give equal shapes. */
export function shapeOf(groupBy: readonly string[], measures: Measures): Shape {
  const accumulators: AccumulatorSpec[] = [];
  const need = (kind: AccumulatorKind, attribute: string): number => {
    const known = accumulatorIndex(accumulators, kind, attribute);
    return known >= 0 ? known : accumulators.push({ kind, attribute }) - 1;
  };
  const planned = Object.entries(measures).map(([name, measure]) => planMeasure(name, measure, need));
  return { groupBy, accumulators, measures: planned };
}

/** Where an accumulator stands among others, or -1. */
export const accumulatorIndex = (
  accumulators: readonly AccumulatorSpec[],
  kind: AccumulatorKind,
  attribute: string,
): number => accumulators.findIndex((known) => known.kind === kind && known.attribute === attribute);

type Need = (kind: AccumulatorKind, attribute: string) => number;

function planMeasure(name: string, measure: Measure, need: Need): PlannedMeasure {
  if ("count" in measure) {
    return measure.count === true ? { name, kind: "count" } : { name, kind: "invalid", from: need("invalid", "") };
  }
  if ("session" in measure) return planSession(name, measure.session, need);
  if ("sum" in measure) return { name, kind: "sum", from: need("sum", measure.sum) };
  if ("min" in measure) return { name, kind: "min", from: need("min", measure.min) };
  if ("max" in measure) return { name, kind: "max", from: need("max", measure.max) };
  if ("distinct" in measure) return { name, kind: "distinct", from: need("distinct", measure.distinct) };
  return { name, kind: "avg", sum: need("sum", measure.avg), numbers: need("numbers", measure.avg) };
}

function planSession(name: string, asked: "count" | "duration" | "clicks", need: Need): PlannedMeasure {
  const sessions = need("sessions", "");
  if (asked === "count") return { name, kind: "sessions", from: sessions };
  return { name, kind: "perSession", total: need(asked === "duration" ? "sessionMs" : "sessionRecords", ""), sessions };
}
