/**
 * The stream's configuration: how it is made and changed, and the forms in which others are told of it. Whatever differs
 * in what partitions or Workers must know raises the version, by one rule in one place (`withVersion`).
 *
 * Pure: randomness comes in as an argument.
 */
import { assert, fail, ok, type Result } from "#protocol";
import type { HashSeed } from "#engine";
import type { PartitionConfig } from "../partition/rpc.ts";
import { specOf, wantedGenerations } from "./generations.ts";
import { keysInForce, type KeyMade } from "./keys.ts";
import { STREAM_LIMITS } from "./limits.ts";
import type {
  AdminFailure,
  AppendContext,
  QueryContext,
  StreamChange,
  StreamConfig,
  StreamDescription,
} from "./rpc.ts";
import type { StreamSettings, StreamState } from "./state.ts";
import { describeView, putViews, viewsByName } from "./views.ts";

export interface Birth {
  readonly name: string;
  readonly streamId: string;
  readonly seed: HashSeed;
  readonly secret: string;
  readonly keys: readonly KeyMade[];
}

/** A new stream: `defaults`, with what `change` says laid over them. Its views are built like any others. */
export function createStream(
  birth: Birth,
  change: StreamChange,
  defaults: StreamConfig,
  now: number,
): Result<StreamState, AdminFailure> {
  const { views: defaultViews, ...defaultSettings } = defaults;
  const { views = defaultViews, ...settings } = change;
  const state: StreamState = {
    name: birth.name,
    streamId: birth.streamId,
    createdAt: now,
    version: 1,
    pushedVersion: 0,
    deleting: false,
    settings: { ...defaultSettings, ...defined(settings) },
    seed: birth.seed,
    secret: birth.secret,
    generationFloor: 0,
    views: new Map(),
    keys: new Map(birth.keys.map(({ stored }) => [stored.id, stored])),
    replays: new Map(),
    ledger: [],
  };
  const { partitions } = state.settings;
  assert(Number.isInteger(partitions) && partitions >= 1, "the wall has checked the number of partitions");
  assert(partitions <= STREAM_LIMITS.partitionsMax, "the wall has checked the number of partitions");
  return putViews(state, views, now);
}

/** Lays a change over the configuration; all of it or nothing. */
export function changeStream(state: StreamState, change: StreamChange, now: number): Result<StreamState, AdminFailure> {
  const { views, ...rest } = change;
  const settings = { ...state.settings, ...defined(rest) };
  // Producers are bound to the partitions they wrote to, and a log cannot move to another jurisdiction.
  for (const field of ["partitions", "jurisdiction"] as const) {
    if (settings[field] !== state.settings[field]) return fail({ reason: "fixed_at_creation", field });
  }
  const same = JSON.stringify(settings) === JSON.stringify(state.settings);
  const next = same ? state : { ...state, settings };
  return views === undefined ? ok(next) : putViews(next, views, now);
}

/** A field that is present and undefined is absent: it must not erase what is there. */
const defined = (change: Partial<StreamSettings>): Partial<StreamSettings> =>
  Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));

/**
 * Raises the version if anything changed that others act upon. Progress of a replay is nobody's business; everything
 * else is, keys and origins included: a Worker that still has the old ones is told so at its next append.
 */
export function withVersion(before: StreamState, after: StreamState): StreamState {
  const changed = after.settings !== before.settings || after.views !== before.views || after.keys !== before.keys;
  return changed ? { ...after, version: before.version + 1 } : after;
}

export function streamConfig(state: StreamState): StreamConfig {
  return { ...state.settings, views: viewsByName(state).map(({ config }) => config) };
}

/**
 * What each partition has to know. The lists in it are the same objects for all partitions: structured clone then writes
 * them once, and 256 partitions with many views still fit into one reply.
 */
export function partitionConfigs(state: StreamState): readonly PartitionConfig[] {
  const { retentionMs, retentionBytes, archive = false, archiveRetentionMs = null } = state.settings;
  const { allowedLatenessMs, identifiers, partitions } = state.settings;
  const common = {
    version: state.version,
    streamId: state.streamId,
    seed: state.seed,
    retentionMs,
    retentionBytes,
    archive,
    archiveRetentionMs,
    allowedLatenessMs,
    identifiers,
    generations: viewsByName(state).flatMap(wantedGenerations),
  };
  return Array.from({ length: partitions }, (_, partition) => ({ ...common, partition }));
}

/** Slots are dealt to partitions in turn. A table, though it could be computed: growing will change single entries. */
const slotTable = (partitions: number): readonly number[] =>
  Array.from({ length: STREAM_LIMITS.slots }, (_, slot) => slot % partitions);

export function appendContext(state: StreamState, now: number): AppendContext {
  const { jurisdiction, allowedOrigins, ip, partitions } = state.settings;
  return {
    streamId: state.streamId,
    version: state.version,
    jurisdiction,
    allowedOrigins,
    ip,
    secret: state.secret,
    slots: slotTable(partitions),
    keys: keysInForce(state.keys, now),
    partitionConfigs: partitionConfigs(state),
  };
}

export function queryContext(state: StreamState, now: number): QueryContext {
  return {
    ...appendContext(state, now),
    allowedLatenessMs: state.settings.allowedLatenessMs,
    views: viewsByName(state).map(({ config, inForce }) => ({
      name: config.name,
      spec: inForce?.spec ?? specOf(config),
      generation: inForce?.generation ?? null,
    })),
  };
}

export function describeStream(
  state: StreamState,
  partitions: StreamDescription["partitions"],
  now: number,
): StreamDescription {
  return {
    name: state.name,
    createdAt: state.createdAt,
    config: streamConfig(state),
    views: viewsByName(state).map((view) => describeView(view, partitions)),
    keys: keysInForce(state.keys, now).map(({ id, kind, createdAt, expiresAt }) => ({
      id,
      kind,
      createdAt,
      expiresAt,
    })),
    partitions,
  };
}
