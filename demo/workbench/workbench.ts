/**
 * The replay workbench: views with their generations, a rule to change, the replay that tries it, what it would change, and
 * the switch. The state is the edge's: after a reload, or when somebody else acts, the next look finds out.
 */
import { type Api, ApiProblem, type ReplayRequest } from "../api.ts";
import type { Replay, View } from "../api-schemas.ts";
import { inWords } from "../dialog.ts";
import { byId, setText } from "../dom.ts";
import { hashOf, type Place, TABS } from "../places.ts";
import { askToCancel, askToPromote, askToRollBack } from "./decisions.ts";
import { HistoryPanel } from "./history-panel.ts";
import { JobPanel } from "./job-panel.ts";
import { isOpen, rollBackWords, viewInWords } from "./replay-words.ts";
import { RuleEditor } from "./rule-editor.ts";
import { ViewList } from "./view-list.ts";

/** A replay of a small log takes less than a second: follow it closely enough to see it move. */
const FOLLOW_EVERY_MS = 250;

/** Shown first, if there is one of this name. */
const PREFERRED_VIEW = "clicks_per_ad";

/** One that stands still is looked at with everything else. */
const isMoving = ({ state, paused }: Replay): boolean => state === "running" && paused !== true;

export class Workbench {
  readonly #api: Api;
  readonly #onChange: () => void;
  readonly #list = new ViewList();
  readonly #editor: RuleEditor;
  readonly #jobPanel: JobPanel;
  readonly #history: HistoryPanel;
  readonly #openedAt = Date.now();
  /** Started in this tab; others were started by somebody else. */
  readonly #own = new Set<string>();
  #place: Place = { kind: "numbers" };
  #views: readonly View[] = [];
  /** The newest first. */
  #jobs: readonly Replay[] = [];
  #following: string | null = null;

  /** @param onChange called when another generation may have begun to answer */
  constructor(api: Api, onChange: () => void) {
    this.#api = api;
    this.#onChange = onChange;
    this.#editor = new RuleEditor(byId("tab-rule", HTMLElement), (request) => this.#start(request));
    this.#history = new HistoryPanel(api);
    this.#jobPanel = new JobPanel(api, {
      promote: (job) => this.#after(askToPromote(api, job)),
      cancel: (job) => this.#after(askToCancel(api, job)),
      pause: async (job) => {
        await (job.paused === true ? api.resume(job.id) : api.pause(job.id));
        this.#keep(await api.replay(job.id));
        this.#render();
        void this.#follow(job.id);
      },
      again: (job) => this.#start({ view: job.view, mode: job.mode }),
      pick: () => this.#render(),
    });
    byId("roll-back", HTMLButtonElement).addEventListener("click", () => {
      const view = this.#view;
      if (view !== null) this.#after(askToRollBack(api, view));
    });
  }

  show(place: Place): void {
    this.#place = place;
    this.#render();
  }

  /** Takes over what the stream says of its views and replays, whoever started them. */
  async refresh(views: readonly View[]): Promise<void> {
    const jobs = (await this.#api.replays()).toSorted((a, b) => b.startedAt - a.startedAt);
    this.#views = views;
    this.#jobs = jobs;
    this.#render();
    const running = this.#jobsOfView.find(isMoving);
    if (running !== undefined) void this.#follow(running.id);
  }

  get #view(): View | null {
    const named = this.#place.kind === "views" ? this.#place.view : null;
    const wanted = named ?? PREFERRED_VIEW;
    const found = this.#views.find(({ name }) => name === wanted);
    return found ?? (named === null ? (this.#views[0] ?? null) : null);
  }

  get #jobsOfView(): readonly Replay[] {
    return this.#jobs.filter(({ view }) => view === this.#view?.name);
  }

  async #start(request: ReplayRequest): Promise<void> {
    const job = await this.#api.startReplay(request);
    this.#own.add(job.id);
    this.#keep(job);
    this.#jobPanel.pick(null);
    location.hash = hashOf(job.view, "replay");
    this.#render();
    void this.#follow(job.id);
  }

  #keep(job: Replay): void {
    this.#jobs = [job, ...this.#jobs.filter(({ id }) => id !== job.id)].toSorted((a, b) => b.startedAt - a.startedAt);
  }

  /** Asks after a running job until it stands; through failures too, which the next answer makes good. */
  async #follow(id: string): Promise<void> {
    if (this.#following !== null) return;
    this.#following = id;
    while (this.#jobs.some((job) => job.id === id && isMoving(job))) {
      await new Promise((resolve) => setTimeout(resolve, FOLLOW_EVERY_MS));
      if (document.hidden) continue;
      try {
        this.#keep(await this.#api.replay(id));
        this.#jobPanel.say("");
      } catch (error) {
        this.#jobPanel.say(inWords(error));
        if (error instanceof ApiProblem) break; // the next refresh finds out what became of it
      }
      this.#render();
    }
    this.#following = null;
    this.#onChange();
  }

  /** A decision may have been taken, or refused because somebody else took one: look again either way. */
  #after(decision: Promise<void>): void {
    void decision.then(() => this.#onChange());
  }

  #render(): void {
    const view = this.#view;
    const jobs = this.#jobsOfView;
    const { tab } = this.#place.kind === "views" ? this.#place : { tab: "rule" as const };
    this.#list.show(this.#views, this.#jobs, view?.name ?? null, tab);
    const asked = this.#place.kind === "views" ? this.#place.view : null;
    setText(byId("view-name", HTMLElement), view?.name ?? asked ?? "No view");
    setText(byId("view-state", HTMLElement), viewInWords(view, asked));
    const rollBack = byId("roll-back", HTMLButtonElement);
    rollBack.hidden = view?.previousGeneration == null;
    if (view !== null) setText(rollBack, `${rollBackWords(view)} …`);
    for (const one of TABS) {
      byId(`tab-${one}`, HTMLElement).hidden = one !== tab || view === null;
      const link = document.querySelector(`[data-tab=${one}]`);
      link?.setAttribute("href", hashOf(view?.name ?? "", one));
      if (one === tab) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
    }
    if (view === null) return;
    this.#editor.show(view, jobs.find(isOpen) ?? null);
    this.#jobPanel.show(view, jobs, (job) => !this.#own.has(job.id) && job.startedAt > this.#openedAt);
    if (tab === "history") this.#history.show(view, jobs);
  }
}
