/** The logs themselves: reading records, trimming, and what was refused. */
import * as v from "valibot";
import { fail, ok, type Result } from "#protocol";
import type { ConfigFailure, PartitionRpc, RejectedRecord } from "../partition/rpc.ts";
import type { QueryContext } from "../stream/rpc.ts";
import { parseBody, parseParameters } from "./admin-request.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { RECORDS_LIMITS, RETRY_AFTER } from "./limits.ts";
import { isUnavailable, partitionOf } from "./objects.ts";
import { callPartition, isOutdated } from "./partition-call.ts";
import { closedObject, integerParameter } from "./schemas/common.ts";
import { RecordsAnswerSchema, RejectsAnswerSchema, TrimAnswerSchema, TrimRequestSchema } from "./schemas/records.ts";
import type { StreamDirectory } from "./stream-access.ts";

const RECORDS_PARAMETERS = {
  offset: v.exactOptional(integerParameter(0, Number.MAX_SAFE_INTEGER)),
  limit: v.exactOptional(integerParameter(1, RECORDS_LIMITS.pageMax)),
};

async function readRecords(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const named = await namedPartition(c, directory);
  if (!named.ok) return named;
  const parameters = parseParameters(c, closedObject(RECORDS_PARAMETERS));
  if (!parameters.ok) return parameters;
  const { offset, limit = RECORDS_LIMITS.pageDefault } = parameters.value;
  const read = (from: number) => named.value.call((partition) => partition.records(from, limit));
  let page = await read(offset ?? 0);
  // Whoever names no offset means the beginning of what there is.
  if (!page.ok && page.failure.reason === "offset_trimmed" && offset === undefined) {
    page = await read(page.failure.readableFrom);
  }
  return page.ok ? ok(c.json(page.value)) : page;
}

async function trim(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const named = await namedPartition(c, directory);
  if (!named.ok) return named;
  const request = await parseBody(c, TrimRequestSchema, "invalid_request");
  if (!request.ok) return request;
  const trimmed = await named.value.call((partition) => partition.trim(request.value.before));
  return trimmed.ok ? ok(c.json(trimmed.value)) : trimmed;
}

async function listRejects(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const context = await contextOf(c, directory);
  if (!context.ok) return context;
  const rejects: RejectedRecord[] = [];
  const missing: { readonly partition: number; readonly reason: string }[] = [];
  await Promise.all(
    context.value.partitionConfigs.map(async (_, partition) => {
      try {
        rejects.push(...(await partitionOf(c.env, context.value, partition).rejects()));
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        missing.push({ partition, reason: "unavailable" });
      }
    }),
  );
  rejects.sort((a, b) => b.at - a.at || a.partition - b.partition || a.index - b.index);
  return ok(c.json({ rejects, missing }));
}

interface NamedPartition {
  /** Calls it. The context was fetched a moment ago: if it is old already, a change is under way just now. */
  readonly call: <T, F extends { readonly reason: string }>(
    call: (partition: PartitionRpc) => Promise<Result<T, F | ConfigFailure>>,
  ) => Promise<Result<T, F | UnderChange>>;
}

type UnderChange = Extract<Failure, { reason: "unknown_stream" | "overloaded" }>;

/** The partition that the path names. */
async function namedPartition(c: HttpContext, directory: StreamDirectory): Promise<Result<NamedPartition, Failure>> {
  const context = await contextOf(c, directory);
  if (!context.ok) return context;
  const text = c.req.param("partition") ?? "";
  const partitions = context.value.partitionConfigs.length;
  const partition = /^(0|[1-9]\d{0,5})$/.test(text) ? Number(text) : partitions;
  if (partition >= partitions) return fail({ reason: "unknown_partition", partition: text, partitions });
  return ok({
    call: async (call) => {
      const answer = await callPartition(c.env, context.value, partition, call);
      if (answer.ok) return answer;
      if (!isOutdated(answer.failure)) return fail(answer.failure);
      return answer.failure.reason === "deleted"
        ? fail({ reason: "unknown_stream", stream: c.req.param("stream") ?? "" })
        : fail({ reason: "overloaded", retryAfterMs: RETRY_AFTER.unavailableMs });
    },
  });
}

async function contextOf(c: HttpContext, directory: StreamDirectory): Promise<Result<QueryContext, Failure>> {
  const stream = c.req.param("stream") ?? "";
  const access = await directory.forQuery(c.env, stream);
  return access === null ? fail({ reason: "unknown_stream", stream }) : ok(access.context);
}

export const partitionEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/admin/streams/:stream/partitions/:partition/records",
    summary: "Read a partition's records in the order of their offsets",
    access: "admin",
    parameters: RECORDS_PARAMETERS,
    answers: { 200: { description: "A page of records", schema: RecordsAnswerSchema } },
    failures: ["unknown_stream", "unknown_partition", "invalid_request", "offset_trimmed", "archive_unavailable"],
    handle: readRecords,
  },
  {
    method: "POST",
    path: "/admin/streams/:stream/partitions/:partition/trim",
    summary: "Trim the records below an offset, once they are archived if they are to be",
    access: "admin",
    body: TrimRequestSchema,
    answers: { 200: { description: "Where the log starts now", schema: TrimAnswerSchema } },
    failures: ["unknown_stream", "unknown_partition", "invalid_request", "archive_unavailable"],
    handle: trim,
  },
  {
    method: "GET",
    path: "/admin/streams/:stream/rejects",
    summary: "List the events that were refused last, the newest first",
    access: "admin",
    answers: { 200: { description: "Bounded lists of all partitions, as one", schema: RejectsAnswerSchema } },
    failures: ["unknown_stream"],
    handle: listRejects,
  },
];
