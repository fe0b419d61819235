/** Every change of what a view publishes: when, by whom, why, by which rule, and what came out otherwise. */
import type { Api } from "../api.ts";
import type { LedgerEntry, View } from "../api-schemas.ts";
import { inWords } from "../dialog.ts";
import { create, setText } from "../dom.ts";
import { formatMoment, plural } from "../format.ts";
import { totalsTable } from "./diff-tables.ts";
import { differencesIn } from "./replay-words.ts";
import { changesBetween } from "./rule.ts";

export class LedgerPanel {
  readonly element: HTMLElement;
  readonly #api: Api;
  readonly #list = create("ol", { class: "ledger" });
  readonly #note = create("p", { class: "hint", role: "status" });
  readonly #more = create("button", { type: "button", hidden: true }, "Older entries");
  /** What the entries shown are of: another pointer of the view means another entry. */
  #shown = "";
  #view = "";
  #next: number | null = null;

  constructor(api: Api) {
    this.#api = api;
    this.#more.addEventListener("click", () => void this.#load(this.#next));
    this.element = create("section", {}, create("h3", {}, "Ledger"), this.#list, this.#note, this.#more);
  }

  show({ name, generation, previousGeneration }: View): void {
    const key = JSON.stringify([name, generation, previousGeneration]);
    if (key === this.#shown) return;
    this.#shown = key;
    if (this.#view !== name) this.#list.replaceChildren();
    this.#view = name;
    void this.#load(null);
  }

  /** @param before null: anew, from the newest on */
  async #load(before: number | null): Promise<void> {
    const key = this.#shown;
    try {
      const { entries, next, dropped } = await this.#api.ledger(this.#view, before);
      if (key !== this.#shown) return; // of another view, or older than what is shown by now
      if (before === null) this.#list.replaceChildren();
      this.#list.append(...entries.map(entryItem));
      this.#next = next;
      this.#more.hidden = next === null;
      const gone =
        dropped === 0 ? "" : `${plural(dropped, "older entry", "older entries")} of the stream are not kept.`;
      setText(this.#note, this.#list.children.length === 0 ? "Nothing of this view was published yet." : gone);
    } catch (error) {
      setText(this.#note, inWords(error));
      this.#shown = ""; // the next look tries again
    }
  }
}

function entryItem(entry: LedgerEntry): HTMLLIElement {
  const { action, at, by, reason, fromGeneration, toGeneration, diff, noDiff } = entry;
  const isNewer = fromGeneration !== null && toGeneration > fromGeneration;
  const verb = action !== "rollback" ? "Promoted" : isNewer ? "Returned to" : "Rolled back to";
  const from = fromGeneration === null ? "the first to answer" : `instead of ${fromGeneration}`;
  return create(
    "li",
    {},
    create("h4", {}, `${verb} generation ${toGeneration}, ${from}`),
    create("p", { class: "hint" }, `${formatMoment(at, Date.now())}, by ${by}`),
    ...(reason === null ? [] : [create("p", { class: "reason" }, reason)]),
    ...ruleChanges(entry),
    create("p", {}, diff === null ? `No comparison: ${noDiff ?? "nothing says why"}.` : differencesIn(diff)),
    ...(diff === null || diff.rowsChanged === 0 ? [] : [create("div", { class: "diff" }, totalsTable(diff))]),
  );
}

function ruleChanges({ specBefore, specAfter }: LedgerEntry): readonly HTMLElement[] {
  if (specBefore === null) return [];
  const changes = changesBetween(specBefore, specAfter).map(({ part, before, after }) =>
    create("li", {}, create("strong", {}, part), " ", create("del", {}, before), " ", create("ins", {}, after)),
  );
  return [changes.length === 0 ? create("p", {}, "By the same rule.") : create("ul", { class: "changes" }, ...changes)];
}
