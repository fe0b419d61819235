/**
 * Computes the answers anew from the stored log: starts a replay, follows it, and promotes or drops what it built. The
 * state is the edge's: after a reload the panel finds the last job again and goes on from there.
 */
import { type Api, ApiProblem } from "./api.ts";
import type { Replay, View } from "./api-schemas.ts";
import { byId, create, setText } from "./dom.ts";
import { jobInWords, totalsOf, viewInWords } from "./replay-words.ts";

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
  #following = false;

  /** @param onChange called when another generation may have begun to answer */
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

  /** Takes over what the stream says of its views, and its last replay, whoever started it. */
  async refresh(views: readonly View[]): Promise<void> {
    this.#view = views.find(({ name }) => name === PREFERRED_VIEW) ?? views[0] ?? null;
    const view = this.#view;
    if (view !== null && !this.#busy && !this.#following) {
      const jobs = (await this.#api.replays()).filter((job) => job.view === view.name);
      const [last] = jobs.toSorted((a, b) => b.startedAt - a.startedAt);
      // An action that began meanwhile knows better.
      if (!this.#busy && !this.#following) this.#job = last ?? null;
      if (this.#job?.state === "running") void this.#follow(this.#job.id);
    }
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
    void this.#follow(this.#job.id);
  }

  /** Asks after a running job until it stands; through failures too, which the next answer makes good. */
  async #follow(id: string): Promise<void> {
    if (this.#following) return;
    this.#following = true;
    while (this.#job?.id === id && this.#job.state === "running") {
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS));
      try {
        const job = await this.#api.replay(id);
        if (this.#job?.id === id) this.#job = job;
        this.#say("");
      } catch (error) {
        this.#fail(error);
        if (error instanceof ApiProblem) break; // the next refresh finds out what became of it
      }
      this.#render();
    }
    this.#following = false;
    this.#onChange();
  }

  /** One action at a time; a refusal is shown in words. */
  #act(action: (view: View) => Promise<void>): void {
    const view = this.#view;
    if (this.#busy || view === null) return;
    this.#busy = true;
    this.#say("");
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
    this.#say(error instanceof ApiProblem ? `${error.message} (${error.code})` : String(error));
  }

  #say(text: string): void {
    setText(byId("replay-error", HTMLElement), text);
  }

  #render(): void {
    const view = this.#view;
    const running = this.#job?.state === "running" || this.#job?.state === "caught-up";
    const inForce = view?.generation ?? null;
    setText(byId("replay-view", HTMLElement), viewInWords(view));
    setText(byId("replay-hint", HTMLElement), HINTS[this.#mode]);
    byId("replay-button", HTMLButtonElement).disabled = this.#busy || running || inForce === null;
    const previous = view?.previousGeneration ?? null;
    const rollBack = byId("roll-back", HTMLButtonElement);
    rollBack.hidden = previous === null;
    rollBack.disabled = this.#busy;
    const isNewer = previous !== null && inForce !== null && previous > inForce;
    setText(rollBack, `${isNewer ? "Return" : "Roll back"} to generation ${previous}`);
    this.#renderJob();
  }

  #renderJob(): void {
    const job = this.#job;
    const panel = byId("job", HTMLElement);
    panel.hidden = job === null;
    if (job === null) return;
    const words = jobInWords(job, this.#view);
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

const totalRow = ([measure, before, after, change]: readonly string[]): HTMLTableRowElement =>
  create(
    "tr",
    {},
    create("th", { scope: "row" }, measure ?? ""),
    ...[before, after, change].map((cell) => create("td", { class: "number" }, cell ?? "")),
  );
