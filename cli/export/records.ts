/** The records of a stream, as its log has them: partition after partition, each in the order of offsets. */
import * as v from "valibot";
import type { StreamApi } from "../api.ts";
import { ApiProblem, CliError } from "../failure.ts";
import { EXPORT_LIMITS } from "../limits.ts";
import { StreamSchema } from "../schemas.ts";

export type RecordValue = string | number | boolean;

export interface ExportedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly time: number;
  readonly appendTime: number;
  readonly attributes: Readonly<Record<string, RecordValue>>;
}

/** The stretch of a partition's log that is read: [from, to), fixed before the first record is. */
export interface Stretch {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

const PageSchema = v.object({
  records: v.array(
    v.objectWithRest(
      { offset: v.number(), appendTime: v.number(), time: v.number() },
      v.union([v.string(), v.number(), v.boolean()]),
    ),
  ),
  next: v.number(),
  logStart: v.number(),
  logEnd: v.number(),
});

/** What there is to read now. A partition that does not answer would be missing, so there is nothing then. */
export async function stretchesOf(api: StreamApi): Promise<readonly Stretch[]> {
  const { partitions } = await api.call(api.admin(), "admin", StreamSchema);
  return partitions.map((status) => {
    if ("logStart" in status) {
      const { partition, archive, logStart, logEnd } = status;
      return { partition, from: Math.min(archive?.start ?? logStart, logStart), to: logEnd };
    }
    throw new CliError(`partition_unavailable: partition ${status.partition} does not answer (${status.error})`);
  });
}

/** One page: the records from an offset on, and where the next page begins. */
export async function readPage(api: StreamApi, { partition, to }: Stretch, offset: number, signal: AbortSignal) {
  const limit = Math.min(EXPORT_LIMITS.pageRecords, to - offset);
  const path = api.admin(`/partitions/${partition}/records?offset=${offset}&limit=${limit}`);
  const page = await api.callPatiently(path, "admin", PageSchema, signal);
  const records = page.records.map(({ offset: at, time, appendTime, ...attributes }): ExportedRecord => {
    return { partition, offset: at, time, appendTime, attributes };
  });
  return { records, next: page.next, logEnd: page.logEnd };
}

/** Every record of a stretch, page by page. */
export async function* readStretch(api: StreamApi, stretch: Stretch, signal: AbortSignal) {
  let offset = stretch.from;
  while (offset < stretch.to) {
    const page = await readPage(api, stretch, offset, signal).catch((error: unknown) => {
      throw error instanceof ApiProblem && error.code === "offset_trimmed" ? trimmed(stretch, offset, error) : error;
    });
    if (page.next <= offset) throw new CliError(`partition ${stretch.partition} gives no record at offset ${offset}`);
    offset = page.next;
    yield page.records;
  }
}

const trimmed = ({ partition }: Stretch, offset: number, { message }: ApiProblem): CliError =>
  new CliError(
    `${message}. Retention took offset ${offset} of partition ${partition} while the log was being read, so the file would ` +
      "not have been whole, and was not written. Start again for what is left, or lengthen the stream's retention first.",
  );
