/**
 * The append contract in one process, for tests of the SDK: the real parser and the real admission, a list instead of a log,
 * and a ledger of what was counted how often. Lacks faults: fault-proxy.ts has those, for this edge and for a real one.
 */
import { admit, type ProducerState } from "../../edge/engine/admission.ts";
import { APPEND_LIMITS, parseAppendRequest, parseEvent, type RejectedEvent } from "#protocol";
import type { Forward, Reply } from "./fault-proxy.ts";

export class EdgeStub {
  readonly stream = "clicks";
  readonly writeKey = "wk_test";
  /** Every accepted event, in the order in which it was. */
  readonly events: Record<string, unknown>[] = [];
  /** When each of them happened, as its page said. */
  readonly times: number[] = [];
  /** Sequences that producers declared lost. */
  lost = 0;
  /** Events that arrived and were known already. */
  duplicates = 0;
  readonly #producers = new Map<string, ProducerState>();

  /** How often each event was counted, by its attribute `id`. */
  async counted(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for (const { id } of this.events) counts.set(String(id), (counts.get(String(id)) ?? 0) + 1);
    return counts;
  }

  get producers(): number {
    return this.#producers.size;
  }

  /** A stream that starts anew. */
  clear(): void {
    this.events.length = 0;
    this.times.length = 0;
    this.lost = 0;
    this.duplicates = 0;
    this.#producers.clear();
  }

  readonly forward: Forward = async ({ method, url, body }) => {
    const path = `/v1/streams/${this.stream}/events`;
    if (method === "OPTIONS") return { status: 204, headers: CORS, body: "" };
    if (method !== "POST" || url.pathname !== path) return problem(404, "unknown_stream");
    if (url.searchParams.get("key") !== this.writeKey) return problem(401, "unauthorized");
    const parsed = parseAppendRequest(JSON.parse(body), APPEND_LIMITS.write.eventsMax);
    if (!parsed.ok) return problem(parsed.failure.reason === "too_large" ? 413 : 400, parsed.failure.reason);
    const { producer, context, events } = parsed.value;
    const count = events.length;
    if (producer === null) return problem(400, "invalid_batch");
    const verdict = admit(this.#producers.get(producer.id), { ...producer, count, once: false });
    if (!verdict.ok) {
      const { reason, ...numbers } = verdict.failure;
      return problem(409, reason, numbers);
    }
    const { duplicates, lost, next } = verdict.value;
    this.#producers.set(producer.id, next);
    const offset = this.events.length;
    const rejected: RejectedEvent[] = [];
    for (let index = duplicates; index < count; index++) {
      const event = parseEvent(events[index], context);
      if (!event.ok) {
        rejected.push({ index, ...event.failure });
        continue;
      }
      const { type, time, names, values } = event.value;
      this.times.push(time ?? Date.now());
      this.events.push({ type, ...Object.fromEntries(names.map((name, i) => [name, values[i]])) });
    }
    const accepted = this.events.length - offset;
    this.duplicates += duplicates;
    this.lost += lost;
    return {
      status: 200,
      headers: { ...CORS, "Content-Type": "application/json" },
      body: JSON.stringify({
        partition: 0,
        offset: accepted > 0 ? offset : null,
        accepted,
        duplicates,
        rejected,
        lastSequence: next.last,
      }),
    };
  };
}

const CORS = { "Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Retry-After" };

const problem = (status: number, code: string, numbers: object = {}): Reply => ({
  status,
  headers: { ...CORS, "Content-Type": "application/problem+json" },
  body: JSON.stringify({ type: "about:blank", title: code, status, code, detail: code, ...numbers }),
});
