/**
 * Edits the rule of one view, as a form or as JSON, says what is different from the rule in force, and starts a replay with
 * it. An edit that was begun is kept while other views are looked at, and goes with the page.
 */
import type { ReplayRequest } from "../api.ts";
import type { Replay, View } from "../api-schemas.ts";
import { inWords } from "../dialog.ts";
import { create, setText } from "../dom.ts";
import { plural } from "../format.ts";
import { hashOf } from "../places.ts";
import { jobName } from "./replay-words.ts";
import { changesBetween, isRecord, ruleInWords, type Specification, specificationOf } from "./rule.ts";
import { DraftProblem, draftOf, specificationOfDraft } from "./rule-draft.ts";
import { RuleForm } from "./rule-form.ts";
import { StartOptions } from "./start-options.ts";

interface Draft {
  /** The rule in force when the edit began, as JSON. */
  readonly base: string;
  /** The edited rule, as JSON; may be broken while somebody types. */
  text: string;
  as: "form" | "json";
}

const write = (specification: Specification): string => JSON.stringify(specification, null, 2);

export class RuleEditor {
  readonly #start: (request: ReplayRequest) => Promise<void>;
  readonly #drafts = new Map<string, Draft>();
  readonly #form = new RuleForm(() => this.#edited());
  readonly #json = create("textarea", { rows: "20", spellcheck: "false", "aria-label": "The rule as JSON" });
  readonly #options = new StartOptions();
  readonly #inForce = create("dl", { class: "words" });
  readonly #stale = create("p", { class: "stale", role: "status" });
  readonly #changes = create("ul", { class: "changes", "aria-live": "polite" });
  readonly #error = create("p", { class: "error", role: "alert" });
  readonly #busyNote = create("p", { class: "hint" });
  readonly #startButton = create("button", { type: "submit", class: "primary" }, "Replay");
  readonly #verifyButton = create("button", { type: "button" }, "Verify the rule in force");
  readonly #resetButton = create("button", { type: "button" }, "Start over");
  readonly #radios = (["form", "json"] as const).map((value) => create("input", { type: "radio", name: "as", value }));
  #view: View | null = null;
  #blocked = false;
  #starting = false;

  /** @param start its rejection is shown here */
  constructor(host: HTMLElement, start: (request: ReplayRequest) => Promise<void>) {
    this.#start = start;
    const names = ["Form", "JSON"];
    const form = create(
      "form",
      { class: "rule-editor", "aria-label": "Try another rule", novalidate: true },
      create("h3", {}, "Try another rule"),
      this.#stale,
      create(
        "fieldset",
        { class: "segments" },
        create("legend", { class: "visually-hidden" }, "Edit as"),
        ...this.#radios.map((radio, i) => create("label", {}, radio, create("span", {}, names[i] ?? ""))),
      ),
      this.#form.element,
      this.#json,
      this.#options.element,
      create("h4", {}, "What you change"),
      this.#changes,
      this.#error,
      create("p", { class: "actions" }, this.#startButton, this.#verifyButton, this.#resetButton),
      this.#busyNote,
    );
    host.append(create("section", { class: "in-force" }, create("h3", {}, "In force"), this.#inForce), form);
    this.#json.addEventListener("input", () => this.#edited());
    for (const radio of this.#radios) radio.addEventListener("change", () => this.#switchTo(radio.value));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit("build");
    });
    this.#verifyButton.addEventListener("click", () => this.#submit("verify"));
    this.#resetButton.addEventListener("click", () => {
      if (this.#view !== null) this.#drafts.delete(this.#view.name);
      this.#load();
    });
  }

  /** @param open a replay of this view that must be decided on first, whoever started it */
  show(view: View, open: Replay | null): void {
    const another = this.#view?.name !== view.name;
    const untouched = !this.#drafts.has(view.name);
    const changed = another || write(specificationOf(view)) !== this.#base;
    this.#view = view;
    if (another || (untouched && changed)) this.#load();
    if (changed) this.#showInForce();
    const draft = this.#drafts.get(view.name);
    const isStale = draft !== undefined && draft.base !== this.#base;
    setText(this.#stale, isStale ? "Meanwhile another rule is in force than the one that you began to edit." : "");
    this.#blocked = open !== null || view.generation === null;
    this.#enable();
    const key = open === null ? (view.generation === null ? "building" : "") : open.id + open.state;
    if (this.#busyNote.dataset["key"] === key) return;
    this.#busyNote.dataset["key"] = key;
    this.#busyNote.replaceChildren(
      ...(open === null ? (key === "" ? [] : ["The view is being built first."]) : busy(open)),
    );
  }

  /** The rule in force as JSON. */
  get #base(): string {
    return this.#view === null ? "" : write(specificationOf(this.#view));
  }

  #load(): void {
    const view = this.#view;
    if (view === null) return;
    const draft = this.#drafts.get(view.name) ?? { base: this.#base, text: this.#base, as: "form" as const };
    this.#json.value = draft.text;
    setText(this.#error, "");
    this.#switchTo(draft.as);
    this.#showInForce();
  }

  #showInForce(): void {
    if (this.#view === null) return;
    const lines = ruleInWords(specificationOf(this.#view));
    this.#inForce.replaceChildren(
      ...lines.map(([part, words]) => create("div", {}, create("dt", {}, part), create("dd", {}, words))),
    );
  }

  get #as(): "form" | "json" {
    return this.#form.element.hidden ? "json" : "form";
  }

  /** Carries what was entered over; what a form cannot show stays JSON, and is said. */
  #switchTo(as: string): void {
    let reason = "";
    let asForm = as === "form";
    try {
      // Only a switch that a person made: when another view is loaded, the form still shows the old one.
      if (!asForm && this.#as === "form" && this.#radios[1]?.matches(":focus")) {
        this.#json.value = write(specificationOfDraft(this.#form.read()));
      }
      const draft = asForm ? draftOf(readJson(this.#json.value)) : null;
      if (draft !== null) this.#form.fill(draft);
      else if (asForm) reason = "This rule says more than the form has fields for: edit it as JSON.";
      asForm = draft !== null;
    } catch (error) {
      reason = inWords(error);
      asForm = !asForm;
    }
    this.#form.element.hidden = !asForm;
    this.#json.hidden = asForm;
    const [form, json] = this.#radios;
    if (form) form.checked = asForm;
    if (json) json.checked = !asForm;
    setText(this.#error, reason);
    this.#showChanges();
  }

  #edited(): void {
    const view = this.#view;
    if (view === null) return;
    const draft: Draft = this.#drafts.get(view.name) ?? { base: this.#base, text: "", as: "form" };
    draft.as = this.#as;
    this.#drafts.set(view.name, draft);
    setText(this.#error, "");
    try {
      draft.text = this.#as === "json" ? this.#json.value : write(specificationOfDraft(this.#form.read()));
      if (this.#as === "form") this.#json.value = draft.text;
    } catch (error) {
      // Half a duration is no mistake yet; sending it would be.
      if (!(error instanceof DraftProblem)) throw error;
    }
    this.#showChanges();
  }

  #specification(): Specification {
    return this.#as === "json" ? readJson(this.#json.value) : specificationOfDraft(this.#form.read());
  }

  #showChanges(): void {
    const view = this.#view;
    if (view === null) return;
    let lines: readonly HTMLElement[];
    try {
      const changes = changesBetween(specificationOf(view), this.#specification());
      setText(
        this.#startButton,
        changes.length === 0 ? "Build it anew" : `Replay with ${plural(changes.length, "change")}`,
      );
      lines = changes.map(({ part, before, after }) =>
        create("li", {}, create("strong", {}, part), " ", create("del", {}, before), " ", create("ins", {}, after)),
      );
      if (lines.length === 0)
        lines = [create("li", { class: "hint" }, "Nothing yet: a replay builds the same rule anew.")];
    } catch (error) {
      if (!(error instanceof DraftProblem)) throw error;
      lines = [create("li", { class: "hint" }, "As it stands, this is no rule yet.")];
    }
    this.#changes.replaceChildren(...lines);
  }

  #enable(): void {
    this.#startButton.disabled = this.#blocked || this.#starting;
    this.#verifyButton.disabled = this.#blocked || this.#starting;
  }

  #submit(mode: "build" | "verify"): void {
    const view = this.#view;
    if (view === null || this.#starting) return;
    setText(this.#error, "");
    let request: ReplayRequest;
    try {
      request = mode === "verify" ? { view: view.name, mode } : this.#request(view);
    } catch (error) {
      setText(this.#error, inWords(error));
      return;
    }
    this.#starting = true;
    this.#enable();
    this.#start(request)
      .then(() => {
        this.#drafts.delete(view.name);
        this.#options.forgetReason();
      })
      .catch((error: unknown) => setText(this.#error, inWords(error)))
      .finally(() => {
        this.#starting = false;
        this.#enable();
      });
  }

  #request(view: View): ReplayRequest {
    const rule = this.#specification();
    const isChanged = changesBetween(specificationOf(view), rule).length > 0;
    return { view: isChanged ? { ...rule, name: view.name } : view.name, mode: "build", ...this.#options.read() };
  }
}

function readJson(text: string): Specification {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new DraftProblem(`This is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isRecord(value)) throw new DraftProblem("A rule is a JSON object.");
  return value;
}

const busy = (open: Replay): readonly (Node | string)[] => [
  `${jobName(open)} is ${open.state === "running" ? "being built" : "waiting for a decision"}: a view is replayed once at a time. `,
  create("a", { href: hashOf(open.view, "replay") }, "Look at it"),
];
