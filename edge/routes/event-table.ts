/**
 * The events of one append as columns, with what the edge knows beside what the client said. No clock and no I/O: all that
 * was learned from outside is passed in, because it becomes part of the record and a replay must see the same.
 */
import { compactColumn, type EventColumns, eventTime, type Value } from "#engine";
import { type AppendRequest, EVENT_LIMITS, parseEvent, type ParsedEvent, type RejectedEvent } from "#protocol";

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
  /** By index. */
  readonly rejected: readonly RejectedEvent[];
}

/**
 * Each event gets a verdict of its own: a bad one does not refuse its neighbours.
 *
 * @param enrichment null for an import, which is kept as it was sent
 */
export function tabulate(
  { events, context, sentAt }: AppendRequest,
  enrichment: Enrichment | null,
  now: number,
): EventTable {
  const count = events.length;
  const columns = new Columns(count);
  const times = new Float64Array(count);
  const indexes = new Uint32Array(count);
  const rejected: RejectedEvent[] = [];
  for (let index = 0; index < count; index++) {
    const event = parseEvent(events[index], context);
    if (!event.ok) {
      rejected.push({ index, ...event.failure });
      continue;
    }
    const time = eventTime(enrichment === null ? "import" : "write", event.value.time, sentAt, now);
    if (!time.ok) {
      rejected.push({ index, ...time.failure });
    } else if (columns.add(event.value, enrichment)) {
      times[columns.rows - 1] = time.value;
      indexes[columns.rows - 1] = index;
    } else {
      const detail = `the batch has more than ${EVENT_LIMITS.attributeNamesMax} names of attributes`;
      rejected.push({ index, code: "too_many_attributes", detail });
    }
  }
  const { rows } = columns;
  return {
    events: { count: rows, times: times.subarray(0, rows), attributes: columns.finish() },
    indexes: rows === count ? null : indexes.slice(0, rows),
    rejected,
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
    const { names, values } = event;
    if (this.#byName.size + names.length > EVENT_LIMITS.attributeNamesMax && this.#areTooMany(event)) return false;
    const row = this.rows++;
    let place = 0;
    this.#set(row, "type", event.type, place++);
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      const value = values[i] as Value;
      // Nobody but the edge says what a page's address is.
      if (value !== null && (enrichment === null || name !== "ip")) this.#set(row, name, value, place++);
    }
    if (enrichment === null) return true;
    // Even a null of the client's own stands: it says that it does not want this known.
    const { country, device, ip } = enrichment;
    if (country !== null && !names.includes("country")) this.#set(row, "country", country, place++);
    if (!names.includes("device")) this.#set(row, "device", device, place++);
    if (ip !== null) this.#set(row, "ip", ip, place++);
    return true;
  }

  finish(): EventColumns["attributes"] {
    const isWhole = this.rows === this.#capacity;
    return Array.from(this.#byName.values(), ({ name, values }) =>
      compactColumn(name, isWhole ? values : values.slice(0, this.rows)),
    );
  }

  #areTooMany({ names, values }: ParsedEvent): boolean {
    const added = names.filter((name, i) => values[i] !== null && !this.#byName.has(name));
    return this.#byName.size + added.length > EVENT_LIMITS.attributeNamesMax;
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
