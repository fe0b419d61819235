/** What partitions say when they are asked for their status, and what that says of a job. Pure. */
import type { GenerationStatus, PartitionStatus } from "../partition/rpc.ts";
import type { ReplayRecord } from "./state.ts";

/** What a partition says of itself, or why it says nothing. */
export type Report = PartitionStatus | { readonly partition: number; readonly error: string };

export interface JobReports {
  /** By partition: what it says of the generation that the job builds. It may know none yet, and says nothing of it then. */
  readonly known: ReadonlyMap<number, GenerationStatus>;
  /** By partition: why it did not answer. */
  readonly silent: ReadonlyMap<number, string>;
}

export function reportsOf({ view, generation }: ReplayRecord, reports: readonly Report[]): JobReports {
  const known = new Map<number, GenerationStatus>();
  const silent = new Map<number, string>();
  for (const report of reports) {
    if ("error" in report) {
      silent.set(report.partition, report.error);
      continue;
    }
    const status = report.generations.find((one) => one.view === view && one.generation === generation);
    if (status !== undefined) known.set(report.partition, status);
  }
  return { known, silent };
}

/** The first partition that did not answer, or does not know the job's generation. */
export function firstAbsent(
  job: ReplayRecord,
  reports: readonly Report[],
): { readonly partition: number; readonly detail: string } | null {
  const { known, silent } = reportsOf(job, reports);
  for (const { partition } of reports) {
    const why = silent.get(partition);
    if (why !== undefined) return { partition, detail: why };
    if (!known.has(partition)) return { partition, detail: `does not hold generation ${job.generation}` };
  }
  return null;
}
