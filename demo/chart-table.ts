/** The chart's numbers as a table, for whoever reads numbers better than bars. Filled only while it is open. */
import { byId, create } from "./dom.ts";
import { formatCount } from "./format.ts";

type Line = readonly [label: string, count: number];

export class ChartTable {
  readonly #details = byId("as-table", HTMLDetailsElement);
  readonly #body = byId("chart-rows", HTMLTableSectionElement);
  #lines: readonly Line[] = [];

  constructor() {
    this.#details.addEventListener("toggle", () => this.#render());
  }

  show(lines: readonly Line[]): void {
    this.#lines = lines;
    this.#render();
  }

  #render(): void {
    if (!this.#details.open) return;
    const rows = this.#lines.map(([label, count]) =>
      create("tr", {}, create("th", { scope: "row" }, label), create("td", { class: "number" }, formatCount(count))),
    );
    this.#body.replaceChildren(...rows);
  }
}
