/**
 * The events of one append as columns, with what the edge knows beside what the client said. No clock and no I/O: all that
 * was learned from outside is passed in, because it becomes part of the record and a replay must see the same.
 */
import { compactColumn, type EventColumns, eventTime, type Value } from "#engine";
import { type AppendRequest, EVENT_LIMITS, type ParsedEvent, type RejectedEvent } from "#protocol";

/** What the edge adds to events that a write key sends. Null: not known, or not to be kept. */
export interface Enrichment {
  readonly country: string | null;
  readonly device: string;
  /** In the form in which the stream keeps it: the address, its keyed hash, or null. */
  readonly ip: string | null;
}

export interface EventTable {
  readonly events: EventColumns;
  /** Place in the batch of each event; null when none was rejected. */
  readonly indexes: Uint32Array | null;
  /** Those that came rejected, and those that were rejected here, by index. */
  readonly rejected: readonly RejectedEvent[];
}

/** @param enrichment null for an import, which is kept as it was sent */
export function tabulate(
  { events, rejected, sentAt, count }: AppendRequest,
  enrichment: Enrichment | null,
  now: number,
): EventTable {
  const columns = new Columns(events.length);
  const times = new Float64Array(events.length);
  const indexes = new Uint32Array(events.length);
  const refused: RejectedEvent[] = [];
  for (const { index, event } of events) {
    const time = eventTime(enrichment === null ? "import" : "write", event.time, sentAt, now);
    if (!time.ok) {
      refused.push({ index, ...time.failure });
    } else if (columns.add(event, enrichment)) {
      times[columns.rows - 1] = time.value;
      indexes[columns.rows - 1] = index;
    } else {
      const detail = `the batch has more than ${EVENT_LIMITS.attributeNamesMax} names of attributes`;
      refused.push({ index, code: "too_many_attributes", detail });
    }
  }
  const { rows } = columns;
  return {
    events: { count: rows, times: times.subarray(0, rows), attributes: columns.finish() },
    indexes: rows === count ? null : indexes.slice(0, rows),
    rejected: refused.length === 0 ? rejected : [...rejected, ...refused].toSorted((a, b) => a.index - b.index),
  };
}

interface Column {
  readonly name: string;
  readonly values: Value[];
}

/** One column a name. A name that a later event brings is null for those before it. */
class Columns {
  rows = 0;
  readonly #capacity: number;
  readonly #byName = new Map<string, Column>();
  /** The columns in the order in which the event before named them: the next one mostly does the same. */
  readonly #order: Column[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** False, and nothing is changed, if the event would bring more names than a stream may have. */
  add(event: ParsedEvent, enrichment: Enrichment | null): boolean {
    const { attributes } = event;
    if (this.#byName.size + attributes.size > EVENT_LIMITS.attributeNamesMax && this.#areTooMany(attributes))
      return false;
    const row = this.rows++;
    let place = 0;
    this.#set(row, "type", event.type, place++);
    for (const [name, value] of attributes) {
      // Nobody but the edge says what a page's address is.
      if (value !== null && (enrichment === null || name !== "ip")) this.#set(row, name, value, place++);
    }
    if (enrichment === null) return true;
    // Even a null of the client's own stands: it says that it does not want this known.
    const { country, device, ip } = enrichment;
    if (country !== null && !attributes.has("country")) this.#set(row, "country", country, place++);
    if (!attributes.has("device")) this.#set(row, "device", device, place++);
    if (ip !== null) this.#set(row, "ip", ip, place++);
    return true;
  }

  finish(): EventColumns["attributes"] {
    const isWhole = this.rows === this.#capacity;
    return Array.from(this.#byName.values(), ({ name, values }) =>
      compactColumn(name, isWhole ? values : values.slice(0, this.rows)),
    );
  }

  #areTooMany(attributes: ParsedEvent["attributes"]): boolean {
    let names = this.#byName.size;
    for (const [name, value] of attributes) if (value !== null && !this.#byName.has(name)) names++;
    return names > EVENT_LIMITS.attributeNamesMax;
  }

  #set(row: number, name: string, value: Value, place: number): void {
    let column = this.#order[place];
    if (column?.name !== name) this.#order[place] = column = this.#column(name);
    column.values[row] = value;
  }

  #column(name: string): Column {
    let column = this.#byName.get(name);
    if (column === undefined) {
      column = { name, values: new Array<Value>(this.#capacity).fill(null) };
      this.#byName.set(name, column);
    }
    return column;
  }
}
