/** Measures: what is counted, under which name. */
import * as v from "valibot";
import { ENGINE_LIMITS, type Measure, type Measures } from "#engine";
import { AttributeNameSchema, closedObject, jsonObject } from "./common.ts";

/** Beside attributes' names a measure may have reserved ones, such as `count`; a row's `time` is its bucket. */
const isMeasureName = (name: string): boolean => /^[A-Za-z][A-Za-z0-9_]{0,63}$/.test(name) && name !== "time";

const MeasureSchema = v.pipe(
  closedObject({
    count: v.exactOptional(
      v.pipe(
        v.union([v.literal(true), v.picklist(["valid", "invalid"])], '`true`; of a view with `spam`, `"invalid"` too'),
        // What a rule lets through is all that the other measures know of.
        v.transform((counted) => (counted === "invalid" ? counted : true)),
      ),
    ),
    session: v.exactOptional(v.picklist(["count", "duration", "clicks"], "`count`, `duration` or `clicks`")),
    sum: v.exactOptional(AttributeNameSchema),
    min: v.exactOptional(AttributeNameSchema),
    max: v.exactOptional(AttributeNameSchema),
    avg: v.exactOptional(AttributeNameSchema),
    distinct: v.exactOptional(AttributeNameSchema),
  }),
  v.minEntries(1, "one of count, sum, min, max, avg, distinct and session"),
  v.maxEntries(1, "only one of count, sum, min, max, avg, distinct and session"),
  // Exactly one entry, as has just been checked: one member of the union.
  v.transform((measure) => measure as Measure),
);

export const MeasuresSchema: v.GenericSchema<unknown, Measures> = v.pipe(
  jsonObject,
  v.record(v.pipe(v.string(), v.check(isMeasureName, "not the name of a measure")), MeasureSchema),
  v.minEntries(1, "at least one measure"),
  v.maxEntries(ENGINE_LIMITS.measuresMax, `at most ${ENGINE_LIMITS.measuresMax} measures`),
);

export const GroupBySchema = v.pipe(
  v.array(AttributeNameSchema),
  v.maxLength(ENGINE_LIMITS.groupByMax, `at most ${ENGINE_LIMITS.groupByMax} attributes`),
  v.check((names) => new Set(names).size === names.length, "an attribute is named twice"),
);

/** A row has one column for each name: a measure cannot be called like an attribute that is grouped by. */
export const namesCollide = (groupBy: readonly string[], measures: Measures): boolean =>
  groupBy.some((name) => Object.hasOwn(measures, name));

export const DEFAULT_MEASURES: Measures = { clicks: { count: true } };

export const DEFAULT_SESSION_MEASURES: Measures = {
  sessions: { session: "count" },
  duration: { session: "duration" },
  clicks: { session: "clicks" },
};
