/** The generations of a view: which answers, which stands by, and what became of the others. */
import type { Api } from "../api.ts";
import type { Replay, View } from "../api-schemas.ts";
import { byId, create } from "../dom.ts";
import { formatMoment } from "../format.ts";
import { generationsOf } from "./generations.ts";
import { LedgerPanel } from "./ledger-panel.ts";

export class HistoryPanel {
  readonly #generations = create("div");
  readonly #ledger: LedgerPanel;
  #shown = "";

  constructor(api: Api) {
    this.#ledger = new LedgerPanel(api);
    byId("tab-history", HTMLElement).append(this.#generations, this.#ledger.element);
  }

  show(view: View, jobs: readonly Replay[]): void {
    this.#ledger.show(view);
    const generations = generationsOf(view, jobs);
    const key = JSON.stringify([view.name, generations]);
    if (key === this.#shown) return;
    this.#shown = key;
    const now = Date.now();
    const rows = generations.map(({ generation, standing, words, startedAt, changed }) =>
      create(
        "tr",
        { class: standing },
        create("th", { scope: "row" }, String(generation)),
        create("td", {}, words),
        create("td", {}, startedAt === null ? "with the view" : formatMoment(startedAt, now)),
        create("td", {}, changed),
      ),
    );
    const heads = ["Generation", "What it does", "Begun", "What it changed"];
    const head = create("tr", {}, ...heads.map((text) => create("th", { scope: "col" }, text)));
    this.#generations.replaceChildren(
      create("h3", {}, "Generations"),
      create(
        "div",
        { class: "scroll", role: "region", tabindex: "0", "aria-label": "Generations" },
        create("table", { class: "generations" }, create("thead", {}, head), create("tbody", {}, ...rows)),
      ),
    );
  }
}
