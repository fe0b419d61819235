/** A stream's configuration, its keys and its description. */
import * as v from "valibot";
import { isAttributeName } from "#protocol";
import type { StreamChange, StreamConfig, StreamDescription } from "../../stream/rpc.ts";
import { CONFIG_LIMITS, STREAM_DEFAULTS } from "../limits.ts";
import { closedObject, durationSchema, integerSchema } from "./common.ts";
import { DEFAULT_MEASURES } from "./measures.ts";
import { ViewAnswerSchema, ViewSchema, viewDescriptionToJson, viewToJson } from "./view.ts";

/** As a browser sends it: no path, no trailing slash, lower case; or `*`. */
const isOrigin = (text: string): boolean => text === "*" || (URL.canParse(text) && new URL(text).origin === text);

export const StreamChangeSchema: v.GenericSchema<unknown, StreamChange> = closedObject({
  partitions: v.exactOptional(integerSchema(1, CONFIG_LIMITS.partitionsMax)),
  jurisdiction: v.exactOptional(v.nullable(v.picklist(["eu", "fedramp"], "`eu`, `fedramp` or null"))),
  retentionMs: v.exactOptional(durationSchema(1, CONFIG_LIMITS.retentionMaxMs)),
  retentionBytes: v.exactOptional(integerSchema(1, CONFIG_LIMITS.retentionBytesMax)),
  archive: v.exactOptional(v.boolean()),
  archiveRetentionMs: v.exactOptional(v.nullable(durationSchema(1, CONFIG_LIMITS.retentionMaxMs))),
  allowedLatenessMs: v.exactOptional(durationSchema(0, CONFIG_LIMITS.allowedLatenessMaxMs)),
  allowedOrigins: v.exactOptional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.maxLength(CONFIG_LIMITS.originLengthMax),
          v.check(isOrigin, "an origin as browsers send it, such as https://example.com, or *"),
        ),
      ),
      v.maxLength(CONFIG_LIMITS.originsMax, `at most ${CONFIG_LIMITS.originsMax} origins`),
    ),
  ),
  ip: v.exactOptional(v.picklist(["drop", "hash", "store"], "`drop`, `hash` or `store`")),
  identifiers: v.exactOptional(
    v.pipe(
      v.array(v.pipe(v.string(), v.check(isAttributeName, "not the name of an attribute"))),
      v.maxLength(CONFIG_LIMITS.identifiersMax, `at most ${CONFIG_LIMITS.identifiersMax} identifiers`),
    ),
  ),
  views: v.exactOptional(
    v.pipe(
      v.array(ViewSchema),
      v.maxLength(CONFIG_LIMITS.viewsMax, `at most ${CONFIG_LIMITS.viewsMax} views`),
      v.check((views) => new Set(views.map(({ name }) => name)).size === views.length, "two views have one name"),
    ),
  ),
});

/** What a new stream is where nothing is said. */
export const streamDefaults = (env: Env): StreamConfig => ({
  partitions: STREAM_DEFAULTS.partitions,
  jurisdiction: null,
  retentionMs: STREAM_DEFAULTS.retentionMs,
  retentionBytes: STREAM_DEFAULTS.retentionBytes,
  allowedLatenessMs: STREAM_DEFAULTS.allowedLatenessMs,
  // Closed by default; a page that is served from a developer's own machine has no origin worth naming.
  allowedOrigins: env.HEADWATER_DEV ? ["*"] : [],
  ip: "hash",
  identifiers: ["userId", "eventId"],
  views: [
    {
      name: "clicks_per_ad",
      where: {},
      groupBy: ["adId"],
      windowMs: 60_000,
      measures: DEFAULT_MEASURES,
      retentionMs: STREAM_DEFAULTS.viewRetentionMs,
    },
  ],
});

export const KeyRequestSchema = v.pipe(
  closedObject({
    kind: v.picklist(["write", "import", "read"], "`write`, `import` or `read`"),
    graceMs: v.exactOptional(durationSchema(0, CONFIG_LIMITS.keyGraceMaxMs)),
    revoke: v.exactOptional(v.literal("now", "`now`")),
  }),
  v.check(({ graceMs, revoke }) => graceMs === undefined || revoke === undefined, "either `graceMs` or `revoke`"),
  v.transform(({ kind, graceMs, revoke }) => ({
    kind,
    graceMs: revoke === "now" ? 0 : (graceMs ?? STREAM_DEFAULTS.keyGraceMs),
  })),
);

// --- Answers ---------------------------------------------------------------------------------------------------------

const ConfigAnswerSchema = v.object({
  partitions: v.number(),
  jurisdiction: v.nullable(v.string()),
  retentionMs: v.number(),
  retentionBytes: v.number(),
  archive: v.boolean(),
  archiveRetentionMs: v.nullable(v.number()),
  allowedLatenessMs: v.number(),
  allowedOrigins: v.array(v.string()),
  ip: v.picklist(["drop", "hash", "store"]),
  identifiers: v.array(v.string()),
  views: v.array(v.omit(ViewAnswerSchema, ["state", "generation", "previousGeneration", "outdated", "error"])),
});

export const StreamAnswerSchema = v.object({
  name: v.string(),
  config: ConfigAnswerSchema,
  keys: v.exactOptional(
    v.pipe(
      v.object({ write: v.string(), read: v.string(), import: v.string() }),
      v.description("Only when the stream was created: they are shown once"),
    ),
  ),
});

export const StreamListSchema = v.object({ streams: v.array(v.object({ name: v.string() })) });

export const KeyAnswerSchema = v.object({
  id: v.string(),
  kind: v.picklist(["write", "import", "read"]),
  key: v.string(),
});

const PartitionStatusSchema = v.object({
  partition: v.number(),
  logStart: v.number(),
  logEnd: v.number(),
  records: v.number(),
  bytes: v.number(),
  segments: v.number(),
  oldestAppendTime: v.nullable(v.number()),
  archive: v.pipe(
    v.exactOptional(
      v.nullable(
        v.object({
          start: v.nullable(v.number()),
          end: v.number(),
          packs: v.number(),
          bytes: v.number(),
          error: v.exactOptional(v.string()),
        }),
      ),
    ),
    v.description(
      "Offsets in the archive; `error`: why nothing could be archived. Null: nothing is, and nothing is to be",
    ),
  ),
  watermark: v.number(),
  duplicates: v.number(),
  late: v.number(),
  rejected: v.number(),
  lost: v.number(),
  dropped: v.record(v.string(), v.number()),
  checkpointOffset: v.number(),
});

export const StreamDescriptionSchema = v.object({
  name: v.string(),
  createdAt: v.number(),
  config: ConfigAnswerSchema,
  views: v.array(ViewAnswerSchema),
  keys: v.array(
    v.object({
      id: v.string(),
      kind: v.picklist(["write", "import", "read"]),
      createdAt: v.number(),
      ageMs: v.number(),
      expiresAt: v.nullable(v.number()),
    }),
  ),
  partitions: v.array(v.union([PartitionStatusSchema, v.object({ partition: v.number(), error: v.string() })])),
});

export const configToJson = (config: StreamConfig) => ({
  ...config,
  archive: config.archive ?? false,
  archiveRetentionMs: config.archiveRetentionMs ?? null,
  views: config.views.map(viewToJson),
});

export const descriptionToJson = (description: StreamDescription, now: number) => ({
  ...description,
  config: configToJson(description.config),
  views: description.views.map(viewDescriptionToJson),
  keys: description.keys.map((key) => ({ ...key, ageMs: Math.max(0, now - key.createdAt) })),
});
