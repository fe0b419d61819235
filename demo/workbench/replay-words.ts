/** A replay in sentences. Pure: what the panel shows for each state is decided here, and only shown there. */
import type { BeforeAfter, Diff, Replay, View } from "../api-schemas.ts";
import {
  formatChange,
  formatCompact,
  formatCount,
  formatDay,
  formatDuration,
  formatNumber,
  formatShare,
  plural,
} from "../format.ts";

export interface JobInWords {
  readonly state: string;
  readonly numbers: string;
  readonly note: string;
  readonly canPromote: boolean;
  readonly canCancel: boolean;
  /** Or resume, if it is paused. */
  readonly canPause: boolean;
  readonly canRepeat: boolean;
}

/** Under way, or waiting for a decision: the view takes no other replay meanwhile. */
export const isOpen = ({ state }: Replay): boolean => state === "running" || state === "caught-up";

export const jobName = ({ mode, generation }: Replay): string =>
  mode === "verify" ? "Verification" : `Generation ${generation}`;

/** @param view what the job was about, as it stands now */
export function jobInWords(job: Replay, view: View | null): JobInWords {
  return {
    state: job.paused === true ? "Paused" : STATES[job.state],
    numbers: numbersOf(job),
    note: noteOf(job, view),
    canPromote: job.state === "caught-up" && job.mode !== "verify",
    canCancel: isOpen(job),
    canPause: job.state === "running" && job.progress < 1,
    canRepeat: job.state === "failed" || job.state === "cancelled",
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
      if (job.partitions.some(({ silent }) => silent !== undefined)) return silenceOf(job);
      if (job.paused === true) return "It stands still, and keeps what it has built. The log is kept for it.";
      if (job.progress >= 1) return "Every record is folded. The two generations are being compared.";
      return "The answers still come from the generation in force, and new clicks go on being counted.";
    case "caught-up":
      if (!job.diff && job.mode === "build")
        return `${withoutDiff(job)} Generation ${job.generation} now follows every click.`;
      if (job.held !== undefined)
        return `${differences(job)} It was to be promoted by itself, but: ${job.held}. You decide.`;
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

/** Nothing is decided without it. */
function silenceOf({ partitions }: Replay): string {
  const silent = partitions.filter((one) => one.silent !== undefined);
  const reason = silent[0]?.silent?.reason ?? "";
  const names = silent.map(({ partition }) => partition).join(", ");
  return `Waiting for partition ${names}, which does not answer (${reason}). The answers still come from the generation in force.`;
}

function promotion({ generation }: Replay, view: View | null): string {
  const inForce = view?.generation ?? generation;
  if (inForce !== generation) return `Generation ${generation} was promoted; generation ${inForce} answers now.`;
  if (view?.previousGeneration == null) return `Generation ${generation} answers now.`;
  return `Generation ${generation} answers now. The one before it goes on following, so that rolling back is instant.`;
}

const withoutDiff = ({ error }: Replay): string =>
  `There is no comparison: ${error ?? "the edge does not say why"}. It can be promoted, but what changes is not known.`;

/** How many rows come out otherwise; empty without a comparison. */
export const differences = ({ diff }: Replay): string => (diff ? differencesIn(diff) : "");

export function differencesIn({ rowsCompared, rowsChanged }: Diff): string {
  const compared = plural(rowsCompared, "row");
  if (rowsCompared === 0) return "There was nothing to compare.";
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

/** @param asked the name in the address, which may be of no view */
export function viewInWords(view: View | null, asked: string | null): string {
  if (view === null) return asked === null ? "This stream has no view." : "There is no view of this name (any more).";
  const { state, generation, outdated, error } = view;
  if (state === "failed") return `Has failed: ${error ?? "it does not say why"}`;
  if (generation === null) return "Is being built for the first time.";
  const age = outdated ? " It was built by another version of the engine: replay it." : "";
  const forgotten =
    view.forgottenTo === undefined ? "" : ` Its rule has forgotten clicks before ${formatDay(view.forgottenTo)}.`;
  return `Answered by generation ${generation}.${age}${forgotten}`;
}

export interface ViewInShort {
  readonly text: string;
  readonly bad: boolean;
}

/** @param jobs of all views */
export function viewInShort(view: View, jobs: readonly Replay[]): ViewInShort {
  const job = jobs.find((one) => one.view === view.name && isOpen(one));
  if (view.state === "failed") return { text: "failed", bad: true };
  const answers = view.generation === null ? "first build" : `generation ${view.generation}`;
  const more =
    job === undefined
      ? ""
      : job.state === "running"
        ? job.paused === true
          ? ", paused"
          : ", replaying"
        : ", to decide";
  return { text: answers + more + (view.outdated ? ", outdated" : ""), bad: false };
}

/** What a rollback does, in a button's words: after one, the other generation is the newer. */
export function rollBackWords({ generation, previousGeneration }: View): string {
  const isNewer = generation !== null && previousGeneration !== null && previousGeneration > generation;
  return `${isNewer ? "Return" : "Roll back"} to generation ${previousGeneration}`;
}

export interface TotalInWords {
  readonly measure: string;
  readonly before: string;
  readonly after: string;
  readonly change: string;
}

/** The totals of each measure: what is served, what the replay found, and the change. */
export const totalsOf = ({ diff }: Replay): readonly TotalInWords[] =>
  Object.entries(diff?.totals ?? {}).map(([measure, { before, after }]) => ({
    measure,
    before: before === null ? "–" : formatNumber(before),
    after: after === null ? "–" : formatNumber(after),
    change: changeInWords({ before, after }),
  }));

/** "+12 (+3.4%)"; where one side has no value, that is the change. */
export function changeInWords({ before, after }: BeforeAfter): string {
  if (before === null || after === null) return before === after ? "no change" : before === null ? "new" : "gone";
  const change = formatChange(before, after);
  if (before === after || before === 0) return change;
  const sign = after > before ? "+" : "−";
  return `${change} (${sign}${formatShare(Math.abs(after - before), Math.abs(before))})`;
}
