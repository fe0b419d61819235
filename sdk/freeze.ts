/** An event as it is when it is tracked, whatever the page does to its objects afterwards: checked, and turned into JSON. */
import { type AttributeValue, parseEvent } from "#protocol";
import { LOG_LIMITS } from "./log/limits.ts";
import { utf8Length } from "./log/utf8.ts";
import { type Attributes, TrackerError } from "./types.ts";

/**
 * Runs on the main thread for every event.
 *
 * @throws {TrackerError} `invalid_event`; and whatever a getter of the page throws
 */
export function freezeEvent(
  type: string,
  attributes: Attributes,
  context: ReadonlyMap<string, AttributeValue | null>,
  now: number,
): string {
  const given: { [name: string]: unknown } = withoutUndefined(attributes);
  given["type"] = type;
  const parsed = parseEvent(given, context);
  if (!parsed.ok) throw new TrackerError("invalid_event", `${parsed.failure.code}: ${parsed.failure.detail}`);
  const { time, names, values } = parsed.value;
  const event: Record<string, AttributeValue | null | undefined> = { type: parsed.value.type, time: time ?? now };
  // Names are checked: none of them means anything to JavaScript.
  names.forEach((name, i) => (event[name] = values[i]));
  const json = JSON.stringify(event);
  // No character is more than three bytes for each of its units: hardly any event has to be looked through.
  if (3 * json.length > LOG_LIMITS.eventBytesMax && utf8Length(json) > LOG_LIMITS.eventBytesMax) {
    throw new TrackerError("invalid_event", `an event is at most ${LOG_LIMITS.eventBytesMax} bytes of JSON`);
  }
  return json;
}

/** What is undefined is not said, where null says that it is absent. Tolerates what is no object at all. */
export function withoutUndefined(attributes: Attributes): { [name: string]: Attributes[string] } {
  const copy: { [name: string]: Attributes[string] } = { ...attributes };
  for (const name of Object.keys(copy)) if (copy[name] === undefined) delete copy[name];
  return copy;
}
