/**
 * What admission decided in one commit, as it is written beside the records: the state that each producer came to, and what
 * was counted. With it the producer table and the counters are derived from the log: stored now and then, and rebuilt from
 * these records on waking. Later records win, so any run of them can be merged into one.
 */
import { assert, type CommitPoint, type DropTotals } from "#protocol";
import { orNothing, type ProducerEntry, type ProducerKind } from "#engine";
import { addCounters, type Counters, hasCounted, NO_COUNTS } from "./facts.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { RejectedRecord } from "./rpc.ts";

export interface ProducerChange {
  readonly key: string;
  readonly slot: number;
  readonly entry: ProducerEntry;
}

export interface AdmissionRecord {
  /** By key. */
  readonly producers: ReadonlyMap<string, ProducerChange>;
  readonly counters: Counters;
  /** A bounded sample of what was rejected. */
  readonly rejects: readonly RejectedRecord[];
}

const VERSION = 1;

type StoredChange = readonly [
  slot: number,
  key: string,
  kind: ProducerKind,
  last: number,
  lastAt: number,
  points: readonly CommitPoint[],
  dropped?: DropTotals,
];

interface StoredRecord {
  readonly version: number;
  readonly producers?: readonly StoredChange[];
  readonly counters?: Counters;
  readonly rejects?: readonly RejectedRecord[];
}

/** @returns null for a record that says nothing, such as that of events without a producer */
export function encodeAdmission(record: AdmissionRecord): string | null {
  const { counters, rejects } = record;
  const producers = [...record.producers.values()].map(storedChange);
  const counted = hasCounted(counters);
  if (producers.length === 0 && !counted && rejects.length === 0) return null;
  const stored: StoredRecord = {
    version: VERSION,
    ...(producers.length > 0 && { producers }),
    ...(counted && { counters }),
    ...(rejects.length > 0 && { rejects }),
  };
  return JSON.stringify(stored);
}

export function decodeAdmission(text: string | null): AdmissionRecord {
  if (text === null) return { producers: new Map(), counters: NO_COUNTS, rejects: [] };
  const { version, producers = [], counters, rejects = [] } = JSON.parse(text) as StoredRecord;
  assert(version === VERSION, "a known version of an admission record");
  const changes = producers.map(([slot, key, kind, last, lastAt, points, dropped = {}]): ProducerChange => {
    return { key, slot, entry: { kind, last, lastAt, points, dropped } };
  });
  // What was stored before there were totals of drops has none.
  return {
    producers: new Map(changes.map((change) => [change.key, change])),
    counters: { ...NO_COUNTS, ...counters },
    rejects,
  };
}

/** Merges consecutive records, and cuts the result where it would not fit a row. */
export function mergeAdmissions(records: Iterable<AdmissionRecord>): readonly AdmissionRecord[] {
  const producers = new Map<string, ProducerChange>();
  let counters = NO_COUNTS;
  let rejects: readonly RejectedRecord[] = [];
  for (const record of records) {
    for (const [key, change] of record.producers) producers.set(key, change);
    counters = addCounters(counters, record.counters);
    rejects = newestRejects(rejects, record.rejects);
  }
  const merged: AdmissionRecord[] = [];
  let part = new Map<string, ProducerChange>();
  let room: number = PARTITION_LIMITS.admissionCharactersMax;
  for (const [key, change] of producers) {
    part.set(key, change);
    room -= 300 + change.entry.points.reduce((sum, [, id]) => sum + id.length + 24, 0);
    if (room > 0) continue;
    merged.push({ producers: part, counters: NO_COUNTS, rejects: [] });
    part = new Map();
    room = PARTITION_LIMITS.admissionCharactersMax;
  }
  const last = { producers: part, counters, rejects };
  return encodeAdmission(last) === null ? merged : [...merged, last];
}

/** The partition's list of rejects after more were added: bounded, oldest first. */
export const newestRejects = (
  kept: readonly RejectedRecord[],
  added: readonly RejectedRecord[],
): readonly RejectedRecord[] =>
  added.length === 0 ? kept : [...kept, ...added].slice(-PARTITION_LIMITS.rejectsKeptMax);

const storedChange = ({ slot, key, entry }: ProducerChange): StoredChange => [
  slot,
  key,
  entry.kind,
  entry.last,
  entry.lastAt,
  entry.points,
  ...orNothing(entry.dropped),
];
