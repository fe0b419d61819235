/** A table of the most frequent values, whose rows carry their own bars. A click on a value filters by it. */
import { byId, create, setText } from "./dom.ts";
import { formatCount, formatShare } from "./format.ts";

export interface BarRow {
  /** What a click on it chooses; null: it cannot be chosen. */
  readonly value: string | null;
  readonly name: string;
  readonly clicks: number;
}

export class BarTable {
  readonly #body: HTMLTableSectionElement;

  /** @param onChoose told the value that was clicked */
  constructor(id: string, onChoose: (value: string) => void) {
    this.#body = byId(id, HTMLTableSectionElement);
    this.#body.addEventListener("click", ({ target }) => {
      const value = target instanceof HTMLElement ? target.closest("button")?.dataset["value"] : undefined;
      if (value !== undefined) onChoose(value);
    });
  }

  /** Rows are kept and changed, so that a pointer or a focus on one is not lost. */
  show(rows: readonly BarRow[], total: number): void {
    const body = this.#body;
    const most = rows[0]?.clicks ?? 0;
    while (body.rows.length > rows.length) body.deleteRow(-1);
    rows.forEach(({ value, name, clicks }, index) => {
      const row = body.rows[index] ?? body.appendChild(emptyRow());
      const [what, count, share] = row.cells;
      const button = what?.querySelector("button");
      if (!button || !count || !share) return;
      setText(button, name);
      if (value === null) delete button.dataset["value"];
      else button.dataset["value"] = value;
      button.disabled = value === null;
      button.title = value === null ? "" : `Count ${name} alone`;
      setText(count, formatCount(clicks));
      setText(share, formatShare(clicks, total));
      row.style.setProperty("--part", String(most === 0 ? 0 : clicks / most));
    });
  }
}

const emptyRow = (): HTMLTableRowElement =>
  create(
    "tr",
    {},
    create("th", { scope: "row" }, create("button", { type: "button", class: "link name" })),
    create("td", { class: "number" }),
    create("td", { class: "number quiet" }),
  );
