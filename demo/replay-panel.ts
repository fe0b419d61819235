/**
 * Computes the answers anew from the stored log: starts a replay, follows it, and promotes or drops what it built. The
 * state is the edge's: after a reload the panel finds the last job again and goes on from there.
 */
import { type Api, ApiProblem } from "./api.ts";
import type { Replay, View } from "./api-schemas.ts";
import { byId, create, setText } from "./dom.ts";
import { jobInWords, totalsOf } from "./replay-words.ts";

/** A replay of a small log takes less than a second: follow it closely enough to see it move. */
const FOLLOW_EVERY_MS = 250;

/** The view that the dashboard asks, if there is one of this name; else the first. */
const PREFERRED_VIEW = "clicks_per_ad";

const HINTS = {
  build:
    "Folds the whole log again into a new generation, beside the one that answers. Nothing changes until you promote it.",
  verify: "Folds the whole log again and compares the outcome with what is being served, window by window.",
};

type Mode = keyof typeof HINTS;

export class ReplayPanel {
  readonly #api: Api;
  readonly #onChange: () => void;
  readonly #form = byId("replay-form", HTMLFormElement);
  #view: View | null = null;
  #job: Replay | null = null;
  #busy = false;

  /** @param onChange called when another generation has begun to answer */
  constructor(api: Api, onChange: () => void) {
    this.#api = api;
    this.#onChange = onChange;
    this.#form.addEventListener("change", () => this.#render());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#act((view) => this.#start(view.name, this.#mode));
    });
    this.#on("job-promote", (_view, job) => api.promote(job.id));
    this.#on("job-cancel", (_view, job) => api.cancel(job.id));
    byId("roll-back", HTMLButtonElement).addEventListener("click", () => this.#act((view) => api.rollBack(view.name)));
    this.#render();
  }

  /** Finds the last job, as after a reload. */
  async resume(): Promise<void> {
    const jobs = await this.#api.replays();
    this.#job = jobs.toSorted((a, b) => (b.startedAt ?? 0) - (a.startedAt ?? 0))[0] ?? null;
    this.#render();
    if (this.#job?.state === "running") await this.#follow(this.#job.id);
  }

  /** Takes over what the stream says of its views. */
  show(views: readonly View[]): void {
    this.#view = views.find(({ name }) => name === PREFERRED_VIEW) ?? views[0] ?? null;
    this.#render();
  }

  get #mode(): Mode {
    return new FormData(this.#form).get("mode") === "verify" ? "verify" : "build";
  }

  #on(id: string, action: (view: View, job: Replay) => Promise<void>): void {
    byId(id, HTMLButtonElement).addEventListener("click", () =>
      this.#act(async (view) => {
        if (this.#job === null) return;
        await action(view, this.#job);
        this.#job = await this.#api.replay(this.#job.id);
      }),
    );
  }

  async #start(view: string, mode: Mode): Promise<void> {
    this.#job = await this.#api.startReplay(view, mode);
    void this.#follow(this.#job.id).catch((error: unknown) => this.#fail(error));
  }

  async #follow(id: string): Promise<void> {
    while (this.#job?.id === id && this.#job.state === "running") {
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS));
      const job = await this.#api.replay(id);
      if (this.#job?.id === id) this.#job = job;
      this.#render();
    }
  }

  /** One action at a time; a refusal is shown in words. */
  #act(action: (view: View) => Promise<void>): void {
    const view = this.#view;
    if (this.#busy || view === null) return;
    this.#busy = true;
    setText(byId("replay-error", HTMLElement), "");
    this.#render();
    action(view)
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#busy = false;
        this.#render();
        this.#onChange();
      });
  }

  #fail(error: unknown): void {
    const said = error instanceof ApiProblem ? `${error.message} (${error.code})` : String(error);
    setText(byId("replay-error", HTMLElement), said);
  }

  #render(): void {
    const view = this.#view;
    const running = this.#job?.state === "running" || this.#job?.state === "caught-up";
    const inForce = view?.generation ?? null;
    setText(
      byId("replay-view", HTMLElement),
      view === null ? "This stream has no view." : sentenceOf(view.name, inForce),
    );
    setText(byId("replay-hint", HTMLElement), HINTS[this.#mode]);
    byId("replay-button", HTMLButtonElement).disabled = this.#busy || running || inForce === null;
    const previous = view?.previousGeneration ?? null;
    const rollBack = byId("roll-back", HTMLButtonElement);
    rollBack.hidden = previous === null;
    rollBack.disabled = this.#busy;
    setText(rollBack, `Roll back to generation ${previous}`);
    this.#renderJob();
  }

  #renderJob(): void {
    const job = this.#job;
    const panel = byId("job", HTMLElement);
    panel.hidden = job === null;
    if (job === null) return;
    const words = jobInWords(job);
    panel.dataset["state"] = job.state;
    setText(byId("job-state", HTMLElement), words.state);
    setText(byId("job-name", HTMLElement), `${job.view}, generation ${job.generation}`);
    setText(byId("job-numbers", HTMLElement), words.numbers);
    setText(byId("job-note", HTMLElement), words.note);
    const progress = byId("job-progress", HTMLProgressElement);
    progress.value = job.progress;
    this.#button("job-promote", words.canPromote);
    this.#button("job-cancel", words.canCancel);
    const totals = totalsOf(job);
    byId("job-diff", HTMLTableElement).hidden = totals.length === 0;
    byId("job-totals", HTMLTableSectionElement).replaceChildren(...totals.map(totalRow));
  }

  #button(id: string, offered: boolean): void {
    const button = byId(id, HTMLButtonElement);
    button.hidden = !offered;
    button.disabled = this.#busy;
  }
}

const sentenceOf = (view: string, generation: number | null): string =>
  generation === null
    ? `${view} is being built for the first time.`
    : `${view} is answered by generation ${generation}.`;

const totalRow = ([measure, before, after, change]: readonly string[]): HTMLTableRowElement =>
  create(
    "tr",
    {},
    create("th", { scope: "row" }, measure ?? ""),
    ...[before, after, change].map((cell) => create("td", { class: "number" }, cell ?? "")),
  );
