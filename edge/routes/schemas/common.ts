/**
 * The schemas that all others are made of. Inputs are closed: a field that is not known is refused with its path, because a
 * typo that is ignored silently answers another question than the one that was asked.
 */
import * as v from "valibot";
import { isQueryableName, parseTime } from "#protocol";
import { parseDuration } from "../duration.ts";

/** JSON objects only: to valibot an array is an object too. */
const isJsonObject = (input: unknown): boolean => typeof input === "object" && input !== null && !Array.isArray(input);

/** Names that JSON can carry and that would not come through an object's own properties unharmed. */
const PROTOTYPE_NAMES = ["__proto__", "constructor", "prototype"];
const hasPrototypeName = (input: unknown): boolean =>
  PROTOTYPE_NAMES.some((name) => Object.hasOwn(input as object, name));

/** What every object goes through first. valibot's open objects and records would drop such names silently. */
export const jsonObject = v.pipe(
  v.unknown(),
  v.check(isJsonObject, "expected an object"),
  v.check((input) => !isJsonObject(input) || !hasPrototypeName(input), `${PROTOTYPE_NAMES.join(", ")} are not names`),
);

/** An object with these fields and no others. */
export const closedObject = <const Entries extends v.ObjectEntries>(entries: Entries) =>
  v.pipe(jsonObject, v.strictObject(entries));

/** What streams and views may be called. */
export const NameSchema = v.pipe(
  v.string(),
  v.regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, "1 to 63 of a-z, 0-9, _ and -, beginning with a letter or digit"),
);

/** The name of an attribute, as queries and views may use it: `type` is one. */
export const AttributeNameSchema = v.pipe(v.string(), v.check(isQueryableName, "not the name of an attribute"));

const TextSchema = v.pipe(
  v.string(),
  // As events are kept: a lone surrogate has no UTF-8.
  v.transform((text) => text.toWellFormed()),
);
export const NumberSchema = v.pipe(
  v.number(),
  v.finite("not a finite number"),
  // Negative zero is zero, as in events.
  v.transform((number) => (number === 0 ? 0 : number)),
);

/** What an attribute can be compared with, in an order. */
export const OrderedValueSchema = v.union([TextSchema, NumberSchema]);
/** What an attribute can be. */
export const ValueSchema = v.union([TextSchema, NumberSchema, v.boolean()]);

/** A point in time: milliseconds since the epoch, or ISO 8601 (without a zone: UTC). */
export const TimeSchema = v.pipe(
  v.union([v.number(), v.string()]),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const time = parseTime(dataset.value);
    if (typeof time === "number") return time;
    addIssue({ message: "not a time: milliseconds since the epoch, or ISO 8601" });
    return NEVER;
  }),
  v.description("Milliseconds since the epoch, or ISO 8601 (without a zone: UTC)"),
);

/** A duration within bounds, in milliseconds. */
export const durationSchema = (minMs: number, maxMs: number) =>
  v.pipe(
    v.union([v.number(), v.string()]),
    v.rawTransform(({ dataset, addIssue, NEVER }) => {
      const durationMs = parseDuration(dataset.value);
      if (durationMs !== undefined && durationMs >= minMs && durationMs <= maxMs) return durationMs;
      const message =
        durationMs === undefined
          ? "not a duration: 90s, 15m, 24h, 7d, or whole milliseconds"
          : `between ${minMs} and ${maxMs} ms`;
      addIssue({ message });
      return NEVER;
    }),
    v.description("90s, 15m, 24h, 7d, or milliseconds"),
  );

/** A whole number within bounds. */
export const integerSchema = (min: number, max: number) =>
  v.pipe(
    v.number(),
    v.safeInteger("a whole number"),
    v.minValue(min, `at least ${min}`),
    v.maxValue(max, `at most ${max}`),
  );

/** A parameter's text as a whole number within bounds. */
export const integerParameter = (min: number, max: number) =>
  v.pipe(v.string(), v.regex(/^\d{1,16}$/, "a whole number"), v.transform(Number), integerSchema(min, max));
