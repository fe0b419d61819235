/** A replay in sentences. Pure: what the panel shows for each state is decided here, and only shown there. */
import type { Replay, View } from "./api-schemas.ts";
import { formatChange, formatCompact, formatCount, formatDuration, plural } from "./format.ts";

export interface JobInWords {
  readonly state: string;
  readonly numbers: string;
  readonly note: string;
  readonly canPromote: boolean;
  readonly canCancel: boolean;
}

/** @param view what the job was about, as it stands now */
export function jobInWords(job: Replay, view: View | null): JobInWords {
  const isOpen = job.state === "running" || job.state === "caught-up";
  return {
    state: STATES[job.state],
    numbers: numbersOf(job),
    note: noteOf(job, view),
    canPromote: job.state === "caught-up" && job.mode !== "verify",
    canCancel: isOpen,
  };
}

const STATES: Readonly<Record<Replay["state"], string>> = {
  running: "Replaying",
  "caught-up": "Caught up",
  promoted: "Promoted",
  verified: "Verified",
  differs: "Differs",
  cancelled: "Cancelled",
  failed: "Failed",
};

function numbersOf({ state, recordsDone, recordsTotal, recordsPerSecond, etaMs }: Replay): string {
  const done = `${formatCount(recordsDone)} of ${plural(recordsTotal, "record")}`;
  const pace = recordsPerSecond > 0 ? ` · ${formatCompact(recordsPerSecond)} records/s` : "";
  const left = state === "running" && etaMs ? ` · ${formatDuration(etaMs)} left` : "";
  return done + pace + left;
}

function noteOf(job: Replay, view: View | null): string {
  switch (job.state) {
    case "running":
      return "The answers above still come from the generation in force, and new clicks go on being counted.";
    case "caught-up":
      return `${differences(job)} Generation ${job.generation} now follows every click. Promote it to let it answer.`;
    case "promoted":
      return promotion(job, view);
    case "verified":
      return `Replaying the log gives the very answers that are being served. ${comparison(job)}`;
    case "differs":
      return `The replay does not give the answers that are being served. ${comparison(job)}`;
    case "cancelled":
      return `Generation ${job.generation} was dropped. Nothing changed for anyone who asked.`;
    case "failed":
      return job.error ?? "The replay stopped without saying why.";
  }
}

function promotion({ generation }: Replay, view: View | null): string {
  const inForce = view?.generation ?? generation;
  if (inForce !== generation) return `Generation ${generation} was promoted; generation ${inForce} answers now.`;
  if (view?.previousGeneration == null) return `Generation ${generation} answers now.`;
  return `Generation ${generation} answers now. The one before it goes on following, so that rolling back is instant.`;
}

function differences({ diff }: Replay): string {
  if (!diff) return "";
  const { rowsCompared, rowsChanged } = diff;
  const compared = plural(rowsCompared, "row");
  if (rowsChanged === 0) return `All ${compared} came out the same.`;
  return `${formatCount(rowsChanged)} of ${compared} changed.`;
}

function comparison({ verification, diff }: Replay): string {
  if (!verification)
    return diff ? `${plural(diff.rowsCompared, "row")} compared, ${formatCount(diff.rowsChanged)} differ.` : "";
  const { compared, differing, skipped } = verification;
  const lost = skipped === 0 ? "" : `; ${formatCount(skipped)} skipped, because the log no longer holds them`;
  return `${plural(compared, "window")} compared, ${formatCount(differing)} differ${lost}.`;
}

export function viewInWords(view: View | null): string {
  if (view === null) return "This stream has no view to replay.";
  const { name, state, generation, outdated, error } = view;
  if (state === "failed") return `${name} has failed: ${error ?? "it does not say why"}`;
  if (generation === null) return `${name} is being built for the first time.`;
  const age = outdated ? " It was built by another version of the engine: replay it." : "";
  return `${name} is answered by generation ${generation}.${age}`;
}

/** The totals of each measure: its name, what is served, what the replay found, and the change. */
export function totalsOf({ diff }: Replay): readonly (readonly [string, string, string, string])[] {
  return Object.entries(diff?.totals ?? {}).map(([measure, { before, after }]) => [
    measure,
    before === null ? "–" : formatCount(before),
    after === null ? "–" : formatCount(after),
    before === null || after === null ? "–" : formatChange(before, after),
  ]);
}
