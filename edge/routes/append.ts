/**
 * POST /v1/streams/:stream/events. Authenticate, bound, parse, enrich, and hand the batch to the partition of its producer.
 * What is new, what is a duplicate and what is missing is the partition's to say; nothing here remembers an event.
 */
import * as v from "valibot";
import {
  APPEND_LIMITS,
  type AppendReply,
  AppendReplySchema,
  type AppendRequest,
  fail,
  ok,
  parseAppendRequest,
  type Producer,
  type Result,
} from "#protocol";
import type { PartitionAppend, ProducerRef } from "../partition/rpc.ts";
import { authenticate, type PresentedKey, presentedKey } from "./authenticate.ts";
import { readJson } from "./body.ts";
import { deviceOf } from "./device.ts";
import { type Enrichment, tabulate } from "./event-table.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { keyedHash } from "./keyed-hash.ts";
import { CONTEXT_LIMITS, RETRY_AFTER } from "./limits.ts";
import { callPartition, isOutdated, type Outdated } from "./partition-call.ts";
import { withinRates } from "./rates.ts";
import { AppendBodySchema } from "./schemas/append.ts";
import type { StreamAccess, StreamDirectory } from "./stream-access.ts";

type WriterKind = PartitionAppend["kind"];

/** A batch whose sender is known and whose envelope is sound. */
interface Batch {
  readonly stream: string;
  readonly kind: WriterKind;
  readonly request: AppendRequest;
  /** The Idempotency-Key header, where there is no producer. */
  readonly once: string | null;
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,128}$/;

const KINDS = ["write", "import"] as const;

async function append(c: HttpContext, directory: StreamDirectory): Promise<Result<AppendReply, Failure>> {
  const stream = c.req.param("stream") ?? "";
  const presented = presentedKey(c, ["header", "query"]);
  if (presented === null) return fail({ reason: "unauthorized" });
  const access = c.get("access") ?? (await directory.forAppend(c.env, stream));
  if (access === null) return fail({ reason: "unknown_stream", stream });
  const foreign = c.get("foreignOrigin");
  if (foreign !== undefined) return fail({ reason: "origin_not_allowed", origin: foreign });
  const batch = await receive(c, access, presented, stream);
  if (!batch.ok) return batch;
  const sent = await send(c, access, batch.value);
  if (sent.ok) return sent;
  if (!isOutdated(sent.failure)) return fail(sent.failure);
  return sendAnew(c, directory, presented, batch.value);
}

/**
 * What was remembered of the stream is too old: ask again, and judge the key by the new answer. A few times, because a replay
 * changes the configuration when it begins and when it ends, and a batch may be on its way at both.
 */
async function sendAnew(
  c: HttpContext,
  directory: StreamDirectory,
  presented: PresentedKey,
  batch: Batch,
): Promise<Result<AppendReply, Failure>> {
  for (let attempt = 0; attempt < CONTEXT_LIMITS.attemptsMax; attempt++) {
    const access = await directory.forAppendAnew(c.env, batch.stream);
    if (access === null) return fail({ reason: "unknown_stream", stream: batch.stream });
    const key = await authenticate(c.env, access, presented, [batch.kind]);
    if (!key.ok) return key;
    const sent = await send(c, access, batch);
    if (sent.ok) return sent;
    if (!isOutdated(sent.failure)) return fail(sent.failure);
  }
  // A change is under way just now; nothing was kept.
  return fail({ reason: "overloaded", retryAfterMs: RETRY_AFTER.unavailableMs });
}

/** Everything that is judged before a partition is asked. */
async function receive(
  c: HttpContext,
  access: StreamAccess,
  presented: PresentedKey,
  stream: string,
): Promise<Result<Batch, Failure>> {
  const key = await authenticate(c.env, access, presented, KINDS);
  if (!key.ok) return key;
  const kind = key.value.kind as WriterKind;
  if (!(await withinRates(c.env, key.value, clientAddress(c)))) {
    return fail({ reason: "rate_limited", retryAfterMs: RETRY_AFTER.rateLimitedMs });
  }
  const body = await readJson(c.req.raw, APPEND_LIMITS[kind]);
  if (!body.ok) return body;
  const request = parseAppendRequest(body.value, APPEND_LIMITS[kind].eventsMax);
  if (!request.ok) return request;
  const once = request.value.producer === null ? (c.req.header("Idempotency-Key") ?? null) : null;
  if (once !== null && !IDEMPOTENCY_KEY.test(once)) {
    return fail({ reason: "invalid_batch", detail: "Idempotency-Key: 1 to 128 printable ASCII characters" });
  }
  return ok({ stream, kind, request: request.value, once });
}

async function send(
  c: HttpContext,
  access: StreamAccess,
  batch: Batch,
): Promise<Result<AppendReply, Failure | Outdated>> {
  const { kind, request } = batch;
  const producer = await producerRef(access, batch);
  const enrichment = kind === "write" ? await enrichmentOf(c, access) : null;
  const partitionAppend: PartitionAppend = {
    configVersion: access.context.version,
    kind,
    producer,
    count: request.events.length,
    ...tabulate(request, enrichment, Date.now()),
  };
  const { slots } = access.context;
  const slot = producer?.slot ?? Math.floor(Math.random() * slots.length);
  return callPartition(
    c.env,
    access.context,
    slots[slot] ?? 0,
    (partition) => partition.append(partitionAppend),
    // Without a producer the partition cannot know a repetition: only the client may decide to send again.
    producer !== null,
  );
}

/** Who counts, as the partition may know it: by kind of key, so that a page cannot take an importer's place. */
async function producerRef({ secret }: StreamAccess, { kind, request, once }: Batch): Promise<ProducerRef | null> {
  const { producer } = request;
  if (producer !== null) {
    const { sequence, lost, commits, dropped }: Producer = producer;
    const told = { sequence, lost, commits, dropped, once: false };
    return { ...(await keyedHash(secret, `producer/${kind}`, producer.id)), ...told };
  }
  if (once === null) return null;
  return { ...(await keyedHash(secret, `once/${kind}`, once)), sequence: 0, lost: 0, commits: [], once: true };
}

/** Set by Cloudflare on every request; what a client sends under this name does not arrive. */
const clientAddress = (c: HttpContext): string | null => c.req.header("CF-Connecting-IP") ?? null;

async function enrichmentOf(c: HttpContext, { context, secret }: StreamAccess): Promise<Enrichment> {
  const country = c.req.raw.cf?.country;
  const address = context.ip === "drop" ? null : clientAddress(c);
  return {
    // XX is Cloudflare's way of saying that it does not know.
    country: typeof country === "string" && country !== "XX" ? country : null,
    device: deviceOf(c.req.header("User-Agent")),
    ip: address !== null && context.ip === "hash" ? (await keyedHash(secret, "ip", address)).key : address,
  };
}

export const appendEndpoints: readonly Endpoint[] = [
  {
    method: "POST",
    path: "/v1/streams/:stream/events",
    summary: "Append events. Safe to repeat with a producer or an Idempotency-Key",
    access: "append",
    headers: {
      "Idempotency-Key": v.exactOptional(
        v.pipe(
          v.string(),
          v.regex(IDEMPOTENCY_KEY),
          v.description("In place of a producer: the same key again within 24 h is the same batch"),
        ),
      ),
      "Content-Encoding": v.exactOptional(v.picklist(["gzip"])),
    },
    body: AppendBodySchema,
    answers: { 200: { description: "Taken: what is new, known, and refused", schema: AppendReplySchema } },
    failures: [
      "unknown_stream",
      "origin_not_allowed",
      "invalid_batch",
      "sequence_gap",
      "producer_forked",
      "rate_limited",
      "storage_full",
    ],
    handle: async (c, directory) => {
      const reply = await append(c, directory);
      // Not Hono's `c.json`, which hands the platform a list of headers to parse: a twentieth of a single click's time.
      return reply.ok ? ok(Response.json(reply.value)) : reply;
    },
  },
];
