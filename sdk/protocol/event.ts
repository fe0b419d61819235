/**
 * One event, parsed from unknown. By hand, not through a schema library: each event gets a verdict of its own (a bad one
 * must not refuse its neighbours), and this runs once for every click, in the page and at the edge.
 *
 * Pure: no clock. An event without a time keeps `time: null`; who knows what time it is decides.
 */
import { EVENT_LIMITS } from "./limits.ts";
import { fail, ok, type Result } from "./result.ts";

/** What an attribute may hold. `null` stands for absent. */
export type AttributeValue = string | number | boolean;

export interface ParsedEvent {
  readonly type: string;
  /** Milliseconds since the epoch, or null: now. */
  readonly time: number | null;
  /**
   * Its attributes in the order they came: each name once, and the value at the same place. A null is kept: it says that the
   * attribute is absent on purpose. Two lists: a Map for each click would make parsing half as slow again.
   */
  readonly names: readonly string[];
  readonly values: readonly (AttributeValue | null)[];
}

/** Why an event was not kept. Stable: they are part of the public contract. */
export type RejectionCode =
  | "too_many_attributes"
  | "string_too_long"
  | "invalid_name"
  | "invalid_type"
  | "invalid_time"
  | "too_old"
  | "in_future";

export interface Rejection {
  readonly code: RejectionCode;
  readonly detail: string;
}

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/;

/** Names with a meaning of their own in events, queries or JavaScript. */
const RESERVED: ReadonlySet<string> = new Set(
  "or not time type offset appendTime producer sequence partition key from to last count __proto__ constructor prototype".split(
    " ",
  ),
);

export const DEFAULT_TYPE = "click";

/** Names that were found to be sound: a page uses a dozen of them, and they come with every click. */
const soundNames = new Set<string>();
const SOUND_NAMES_MAX = 1_024;

/** True for a name that an attribute may have. */
export function isAttributeName(name: string): boolean {
  if (soundNames.has(name)) return true;
  if (!NAME.test(name) || RESERVED.has(name)) return false;
  if (soundNames.size < SOUND_NAMES_MAX) soundNames.add(name);
  return true;
}

/** True for a name that a query may filter and group by: any attribute's, and `type`. */
export const isQueryableName = (name: string): boolean => name === "type" || isAttributeName(name);

/**
 * Parses one event of a batch.
 *
 * @param input the event as JSON gave it
 * @param context attributes that lie under every event of the batch; the event's own win, null included
 */
export function parseEvent(
  input: unknown,
  context: ReadonlyMap<string, AttributeValue | null>,
): Result<ParsedEvent, Rejection> {
  if (!isObject(input)) return fail(rejection("invalid_type", "an event is an object"));
  const names: string[] = [];
  const values: (AttributeValue | null)[] = [];
  if (context.size > 0) {
    names.push(...context.keys());
    values.push(...context.values());
  }
  let type = DEFAULT_TYPE;
  let time: number | null = null;
  for (const name of Object.keys(input)) {
    const value = input[name];
    if (name === "type") {
      if (value === null) continue;
      if (typeof value !== "string") return fail(rejection("invalid_type", "`type` is a string"));
      const checked = checkText(name, value);
      if (typeof checked !== "string") return fail(checked);
      type = checked;
    } else if (name === "time") {
      const parsed = parseTime(value);
      if (parsed === undefined) {
        return fail(rejection("invalid_time", "`time` is milliseconds since the epoch, or ISO 8601"));
      }
      time = parsed;
    } else {
      const checked = checkAttribute(name, value);
      if (isRejection(checked)) return fail(checked);
      if (context.size > 0 && context.has(name)) {
        values[names.indexOf(name)] = checked;
      } else {
        names.push(name);
        values.push(checked);
      }
    }
  }
  if (names.length > EVENT_LIMITS.attributesMax) return fail(tooManyAttributes(names.length));
  return ok({ type, time, names, values });
}

/** Parses the attributes that lie under every event. */
export function parseContext(input: unknown): Result<ReadonlyMap<string, AttributeValue | null>, Rejection> {
  const attributes = new Map<string, AttributeValue | null>();
  if (input === undefined || input === null) return ok(attributes);
  if (!isObject(input)) return fail(rejection("invalid_type", "`context` is an object"));
  for (const [name, value] of Object.entries(input)) {
    const checked = checkAttribute(name, value);
    if (isRejection(checked)) return fail(checked);
    attributes.set(name, checked);
  }
  if (attributes.size > EVENT_LIMITS.attributesMax) return fail(tooManyAttributes(attributes.size));
  return ok(attributes);
}

// No Result for a value: this runs for each attribute of each click, and what it gives is never an object unless it is a
// rejection.

function checkAttribute(name: string, value: unknown): AttributeValue | null | Rejection {
  if (!isAttributeName(name)) {
    const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
    return rejection("invalid_name", RESERVED.has(name) ? `${shown} is reserved` : `${shown} is not a name`);
  }
  switch (typeof value) {
    case "string":
      return checkText(name, value);
    case "number":
      // JSON can write 1e999, which arrives as Infinity. Negative zero becomes zero: they are one value to everybody.
      if (!Number.isFinite(value)) return rejection("invalid_type", `\`${name}\` is not finite`);
      return value === 0 ? 0 : value;
    case "boolean":
      return value;
    default:
      if (value === null || value === undefined) return null;
      return rejection("invalid_type", `\`${name}\` is neither string, number, boolean nor null`);
  }
}

function checkText(name: string, text: string): string | Rejection {
  if (utf8LengthExceeds(text, EVENT_LIMITS.stringBytesMax)) {
    return rejection("string_too_long", `\`${name}\` is longer than ${EVENT_LIMITS.stringBytesMax} bytes`);
  }
  // A lone surrogate has no UTF-8: it would not come back from the log as it went in.
  return text.isWellFormed() ? text : text.toWellFormed();
}

const isRejection = (checked: AttributeValue | null | Rejection): checked is Rejection =>
  typeof checked === "object" && checked !== null;

/** Date's own range ends here. */
const TIME_MAX_MS = 8.64e15;
const ISO_8601 = /^((\d{4})-(\d{2})-(\d{2}))(T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * A point in time from outside: milliseconds since the epoch, or ISO 8601 (without a zone: UTC).
 *
 * @returns whole milliseconds; null for null (now); undefined if it is no time
 */
export function parseTime(input: unknown): number | null | undefined {
  if (input === null || input === undefined) return null;
  if (typeof input === "number") {
    return Number.isFinite(input) && input >= 0 && input <= TIME_MAX_MS ? Math.floor(input) : undefined;
  }
  if (typeof input !== "string") return undefined;
  const match = ISO_8601.exec(input);
  if (match === null) return undefined;
  const [, , year, month, day, clock, zone] = match;
  if (Number(day) > daysInMonth(Number(year), Number(month))) return undefined;
  const time = Date.parse(clock === undefined || zone !== undefined ? input : `${input}Z`);
  return Number.isNaN(time) || time < 0 ? undefined : Math.floor(time);
}

/** JavaScript takes the 30th of February for the 2nd of March; nobody who wrote it meant that. */
const daysInMonth = (year: number, month: number): number =>
  (Date.UTC(year, month, 1) - Date.UTC(year, month - 1, 1)) / 86_400_000;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a string's UTF-8 is longer than `max`, without encoding it when its length alone can tell. */
function utf8LengthExceeds(text: string, max: number): boolean {
  if (text.length * 3 <= max) return false;
  if (text.length > max) return true;
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    // A surrogate pair is four bytes: two for each half. A lone half becomes U+FFFD: three; counted as two here, which
    // only ever lets through a string that is a few bytes longer once it is well formed.
    bytes += unit < 0x80 ? 1 : unit < 0x800 ? 2 : unit >= 0xd800 && unit <= 0xdfff ? 2 : 3;
  }
  return bytes > max;
}

const rejection = (code: RejectionCode, detail: string): Rejection => ({ code, detail });

const tooManyAttributes = (count: number): Rejection =>
  rejection("too_many_attributes", `${count} attributes, at most ${EVENT_LIMITS.attributesMax}`);
