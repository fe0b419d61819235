/**
 * Decides what becomes of the requests of one commit: which events are new, what each client is told, and what is to be
 * remembered of its producer. The state is threaded through the requests, so that a retry which waits behind its own original
 * is found to be a duplicate.
 *
 * Writes nothing. The one thing that it changes are the names in the dictionaries, whose ids are given in the order in which
 * events with new names are admitted, so that their bound holds across the requests of a commit.
 */
import { type AppendReply, EVENT_LIMITS, fail, ok, type RejectedEvent, type Result } from "#protocol";
import {
  admit,
  type AppendPiece,
  type Dictionaries,
  type EventColumns,
  eventValueAt,
  isLate,
  type ProducerEntry,
  rowsBeyondNames,
} from "#engine";
import type { AdmissionRecord, ProducerChange } from "./admission-record.ts";
import { addCounters, type Counters, NO_COUNTS } from "./facts.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { PartitionAppend, PartitionAppendFailure, ProducerRef, RejectedRecord } from "./rpc.ts";

export type Verdict = Result<AppendReply, PartitionAppendFailure>;

export interface CommitContext {
  readonly partition: number;
  readonly appendTime: number;
  readonly logEnd: number;
  readonly allowedLatenessMs: number;
  readonly dictionaries: Dictionaries;
  /** Set when nothing more may be stored. */
  readonly full: { readonly bytes: number; readonly max: number } | null;
  producer(slot: number, key: string): ProducerEntry | undefined;
}

export interface Decision {
  /** One for each request. */
  readonly verdicts: readonly Verdict[];
  /** The events to append, in offset order. */
  readonly pieces: readonly AppendPiece[];
  readonly admission: AdmissionRecord;
  /** Greatest event time of what is appended, never beyond the append time. */
  readonly greatestTime: number;
}

export function decide(requests: readonly PartitionAppend[], context: CommitContext): Decision {
  const commit = new CommitDraft(context);
  const verdicts = requests.map((request) => commit.decide(request));
  return { verdicts, ...commit.result() };
}

class CommitDraft {
  readonly #context: CommitContext;
  readonly #pieces: AppendPiece[] = [];
  readonly #producers = new Map<string, ProducerChange>();
  readonly #rejects: RejectedRecord[] = [];
  #counters: Counters = NO_COUNTS;
  #greatestTime = 0;
  #nextOffset: number;

  constructor(context: CommitContext) {
    this.#context = context;
    this.#nextOffset = context.logEnd;
  }

  result(): Omit<Decision, "verdicts"> {
    const admission = { producers: this.#producers, counters: this.#counters, rejects: this.#rejects };
    return { pieces: this.#pieces, admission, greatestTime: this.#greatestTime };
  }

  decide(request: PartitionAppend): Verdict {
    const { producer, count } = request;
    const state = producer ? this.#state(producer) : undefined;
    const admitted = producer ? admit(state, { dropped: {}, ...producer, count }) : null;
    if (admitted !== null && !admitted.ok) return admitted;
    const duplicates = admitted?.value.duplicates ?? 0;
    const lastSequence = admitted === null || producer?.once ? null : admitted.value.next.last;
    if (duplicates === count) {
      // Nothing is new, so nothing is written; the count of duplicates goes with the next commit.
      this.#count({ duplicates });
      return this.#reply({ offset: null, accepted: 0, duplicates, rejected: [], lastSequence });
    }
    if (this.#context.full !== null) return fail({ reason: "storage_full", ...this.#context.full });

    const { rows, rejected } = this.#sift(request, duplicates);
    const accepted = rows === null ? request.events.count : rows.length;
    if (producer && admitted) {
      const kind = producer.once ? "once" : request.kind;
      const entry = { ...admitted.value.next, kind, lastAt: this.#context.appendTime } as const;
      this.#producers.set(producer.key, { key: producer.key, slot: producer.slot, entry });
    }
    const fromPage = request.kind === "write";
    const late = this.#take(request.events, rows, fromPage);
    const { lost = 0, dropped = {} } = admitted?.value ?? {};
    this.#count({ duplicates, late, rejected: rejected.length, lost, dropped });
    this.#keepRejects(rejected);
    const offset = accepted > 0 ? this.#nextOffset : null;
    if (accepted > 0) this.#pieces.push({ events: request.events, rows, fromPage });
    this.#nextOffset += accepted;
    return this.#reply({ offset, accepted, duplicates, rejected, lastSequence });
  }

  #state({ key, slot }: ProducerRef): ProducerEntry | undefined {
    return this.#producers.get(key)?.entry ?? this.#context.producer(slot, key);
  }

  /** The rows of the request's events that are new and can be kept, and the events that are rejected. */
  #sift(request: PartitionAppend, duplicates: number): { rows: Uint32Array | null; rejected: RejectedEvent[] } {
    const { events, indexes } = request;
    const { dictionaries } = this.#context;
    // A duplicate was judged before: what its first judge said stands.
    const rejected = request.rejected.filter(({ index }) => index >= duplicates);
    const beyond = rowsBeyondNames(dictionaries, events, EVENT_LIMITS.attributeNamesMax, OWN_NAMES);
    if (duplicates === 0 && beyond.size === 0) {
      giveNames(dictionaries, events, null);
      return { rows: null, rejected };
    }
    const kept: number[] = [];
    for (let row = 0; row < events.count; row++) {
      const index = indexes === null ? row : (indexes[row] as number);
      if (index < duplicates) continue;
      if (beyond.has(row)) rejected.push({ index, code: "too_many_attributes", detail: TOO_MANY_NAMES });
      else kept.push(row);
    }
    const rows = Uint32Array.from(kept);
    giveNames(dictionaries, events, rows);
    return { rows, rejected: rejected.sort((a, b) => a.index - b.index) };
  }

  /** Notes the times of what will be appended. @returns how many of them are late */
  #take(events: EventColumns, rows: Uint32Array | null, fromPage: boolean): number {
    const { appendTime, allowedLatenessMs } = this.#context;
    const count = rows === null ? events.count : rows.length;
    let late = 0;
    let greatestTime = this.#greatestTime;
    for (let i = 0; i < count; i++) {
      const time = Math.min(events.times[rows === null ? i : (rows[i] as number)] as number, appendTime);
      if (time > greatestTime) greatestTime = time;
      if (fromPage && isLate(time, appendTime, allowedLatenessMs)) late += 1;
    }
    this.#greatestTime = greatestTime;
    return late;
  }

  #keepRejects(rejected: readonly RejectedEvent[]): void {
    const { partition, appendTime } = this.#context;
    for (const { index, code, detail } of rejected) {
      if (this.#rejects.length >= PARTITION_LIMITS.rejectsPerCommitMax) return;
      const shown = detail.slice(0, PARTITION_LIMITS.rejectDetailMax);
      this.#rejects.push({ index, code, detail: shown, partition, at: appendTime });
    }
  }

  #count(counted: Partial<Counters>): void {
    this.#counters = addCounters(this.#counters, { ...NO_COUNTS, ...counted });
  }

  #reply(reply: Omit<AppendReply, "partition">): Verdict {
    return ok({ partition: this.#context.partition, ...reply });
  }
}

/** What the edge adds to events by itself: a stream that is full of other names must not refuse events for these. */
const OWN_NAMES: ReadonlySet<string> = new Set(["type", "country", "device", "ip"]);

const TOO_MANY_NAMES = `the stream knows ${EVENT_LIMITS.attributeNamesMax} attribute names already`;

/** Gives ids to the attribute names that the rows (null: all) are the first to use. */
function giveNames(dictionaries: Dictionaries, events: EventColumns, rows: Uint32Array | null): void {
  const count = rows === null ? events.count : rows.length;
  for (const column of events.attributes) {
    if (dictionaries.hasAttribute(column.name)) continue;
    for (let i = 0; i < count; i++) {
      if (eventValueAt(column, rows === null ? i : (rows[i] as number)) === null) continue;
      dictionaries.attributeId(column.name);
      break;
    }
  }
}
