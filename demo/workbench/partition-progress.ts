/** How far each partition has come with a replay. */
import type { Replay } from "../api-schemas.ts";
import { create, setText } from "../dom.ts";
import { formatCount } from "../format.ts";

const HEADS = ["Partition", "From", "Next", "Target", "State"];

export class PartitionProgress {
  readonly #host: HTMLElement;
  readonly #body = create("tbody");

  constructor(host: HTMLElement) {
    this.#host = host;
    const heads = HEADS.map((head, column) =>
      create("th", { scope: "col", class: column > 0 && column < 4 ? "number" : false }, head),
    );
    host.append(
      create(
        "details",
        {},
        create("summary", {}, "By partition"),
        create("table", {}, create("thead", {}, create("tr", {}, ...heads)), this.#body),
      ),
    );
  }

  show(job: Replay | null): void {
    this.#host.hidden = job === null;
    const partitions = job?.partitions ?? [];
    while (this.#body.rows.length > partitions.length) this.#body.deleteRow(-1);
    partitions.forEach(({ partition, from, next, target, state, silent }, index) => {
      const row = this.#body.rows[index] ?? this.#body.appendChild(emptyRow());
      const texts = [
        String(partition),
        formatCount(from),
        formatCount(next),
        formatCount(target),
        silent ? "does not answer" : state,
      ];
      texts.forEach((text, column) => {
        const cell = row.cells[column];
        if (cell) setText(cell, text);
      });
    });
  }
}

const emptyRow = (): HTMLTableRowElement =>
  create(
    "tr",
    {},
    create("th", { scope: "row" }),
    ...[1, 2, 3].map(() => create("td", { class: "number" })),
    create("td"),
  );
