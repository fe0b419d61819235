/** One replay: how far it is, what it would change, and what can be done about it. */
import { byId, create, setText } from "../dom.ts";
import type { Replay, View } from "../api-schemas.ts";
import { inWords } from "../dialog.ts";
import { formatMoment } from "../format.ts";
import type { Api } from "../api.ts";
import { DiffRows } from "./diff-rows.ts";
import { DiffTables } from "./diff-tables.ts";
import { PartitionProgress } from "./partition-progress.ts";
import { jobInWords, jobName } from "./replay-words.ts";

export interface JobActions {
  readonly promote: (job: Replay) => void;
  readonly cancel: (job: Replay) => void;
  /** Stand still, or go on. */
  readonly pause: (job: Replay) => Promise<void>;
  readonly again: (job: Replay) => Promise<void>;
  /** Another job is to be shown. */
  readonly pick: () => void;
}

export class JobPanel {
  readonly #diff = new DiffTables(byId("job-diff", HTMLElement));
  readonly #rows: DiffRows;
  readonly #partitions = new PartitionProgress(byId("job-partitions", HTMLElement));
  readonly #pick = byId("job-pick", HTMLSelectElement);
  #picked: string | null = null;
  #job: Replay | null = null;

  constructor(api: Api, actions: JobActions) {
    this.#rows = new DiffRows(api);
    byId("job-diff", HTMLElement).after(this.#rows.element);
    const on = (id: string, act: (job: Replay) => void) =>
      byId(id, HTMLButtonElement).addEventListener("click", () => {
        if (this.#job !== null) act(this.#job);
      });
    on("job-promote", actions.promote);
    on("job-cancel", actions.cancel);
    on("job-pause", (job) => {
      this.say("");
      actions.pause(job).catch((error: unknown) => this.say(inWords(error)));
    });
    on("job-again", (job) => {
      this.say("");
      actions.again(job).catch((error: unknown) => this.say(inWords(error)));
    });
    this.#pick.addEventListener("change", () => {
      this.#picked = this.#pick.value;
      actions.pick();
    });
  }

  /** null: the newest. */
  pick(id: string | null): void {
    this.#picked = id;
  }

  say(text: string): void {
    setText(byId("job-error", HTMLElement), text);
  }

  /** @param jobs of this view, the newest first */
  show(view: View, jobs: readonly Replay[], isForeign: (job: Replay) => boolean): void {
    const job = jobs.find(({ id }) => id === this.#picked) ?? jobs[0] ?? null;
    this.#job = job;
    byId("job", HTMLElement).hidden = job === null;
    const none = byId("job-none", HTMLElement);
    none.hidden = job !== null;
    setText(none, "This view was not replayed yet. Change its rule, or verify it, under Rule.");
    this.#diff.show(job);
    this.#rows.show(job);
    this.#partitions.show(job);
    if (job === null) return;
    this.#showChoice(jobs, job);
    this.#showJob(job, view, isForeign(job));
  }

  #showJob(job: Replay, view: View, foreign: boolean): void {
    const words = jobInWords(job, view);
    byId("job", HTMLElement).dataset["state"] = job.state;
    setText(byId("job-state", HTMLElement), words.state);
    const by = job.by === undefined || job.by === "admin" ? (foreign ? "by somebody else, " : "") : `by ${job.by}, `;
    const begun = `started ${by}${formatMoment(job.startedAt, Date.now())}`;
    setText(byId("job-reason", HTMLElement), job.reason ?? "");
    setText(byId("job-name", HTMLElement), `${jobName(job)}, ${begun}`);
    setText(byId("job-numbers", HTMLElement), words.numbers);
    setText(byId("job-note", HTMLElement), words.note);
    byId("job-progress", HTMLProgressElement).value = job.progress;
    byId("job-promote", HTMLButtonElement).hidden = !words.canPromote;
    byId("job-cancel", HTMLButtonElement).hidden = !words.canCancel;
    const pause = byId("job-pause", HTMLButtonElement);
    pause.hidden = !words.canPause;
    setText(pause, job.paused === true ? "Resume" : "Pause");
    byId("job-again", HTMLButtonElement).hidden = !words.canRepeat;
  }

  #showChoice(jobs: readonly Replay[], shown: Replay): void {
    const options = jobs.map(
      (job) => [job.id, `${jobName(job)}: ${jobInWords(job, null).state.toLowerCase()}`] as const,
    );
    const key = JSON.stringify(options);
    // An open list must not change under the reader's hand.
    if (this.#pick.dataset["key"] !== key && document.activeElement !== this.#pick) {
      this.#pick.dataset["key"] = key;
      this.#pick.replaceChildren(...options.map(([value, text]) => create("option", { value }, text)));
    }
    this.#pick.value = shown.id;
  }
}
