/** Every row that a replay changes, page by page, and all of them as a file. Loaded when somebody opens it. */
import type { Api } from "../api.ts";
import type { ChangedRow, Replay } from "../api-schemas.ts";
import { inWords } from "../dialog.ts";
import { create, setText } from "../dom.ts";
import { plural } from "../format.ts";
import { changesTable, scrolling } from "./diff-tables.ts";

const PAGE_ROWS = 50;

/** What one row stands for. */
const BY = { row: "each window and key", window: "each window", key: "each key" };

export class DiffRows {
  readonly element: HTMLDetailsElement;
  readonly #api: Api;
  readonly #by = create(
    "select",
    { id: "diff-by" },
    ...Object.entries(BY).map(([value, text]) => create("option", { value }, text)),
  );
  readonly #table = create("div");
  readonly #note = create("p", { class: "hint", role: "status" });
  readonly #more = create("button", { type: "button", hidden: true }, "More rows");
  readonly #file = create("button", { type: "button" }, "Download all as CSV");
  #job: Replay | null = null;
  #rows: ChangedRow[] = [];
  #next: string | null = null;
  /** Rises with each question, so that only the last one is answered. */
  #asked = 0;

  constructor(api: Api) {
    this.#api = api;
    this.#by.addEventListener("change", () => void this.#load(null));
    this.#more.addEventListener("click", () => void this.#load(this.#next));
    this.#file.addEventListener("click", () => void this.#download());
    this.element = create(
      "details",
      { class: "diff rows", hidden: true },
      create("summary", {}, "Every row that changes"),
      create("p", { class: "actions" }, create("label", { for: "diff-by" }, "One row for"), this.#by, this.#file),
      this.#table,
      this.#note,
      create("p", { class: "actions" }, this.#more),
    );
    this.element.addEventListener("toggle", () => {
      if (this.element.open && this.#rows.length === 0) void this.#load(null);
    });
  }

  show(job: Replay | null): void {
    const isKept = job?.state === "caught-up" || job?.state === "promoted";
    this.element.hidden = !isKept || (job.diff?.rowsChanged ?? 0) === 0;
    const isOther = job?.id !== this.#job?.id;
    // The same job knows more by and by.
    this.#job = job;
    if (!isOther) return;
    this.#asked += 1;
    this.#rows = [];
    this.#table.replaceChildren();
    setText(this.#note, "");
    this.#more.hidden = true;
    this.element.open = false;
  }

  /** @param cursor of the next page; null: anew */
  async #load(cursor: string | null): Promise<void> {
    const asked = ++this.#asked;
    if (this.#job === null) return;
    try {
      const { rows, next } = await this.#api.diffRows(this.#job.id, this.#by.value, cursor, PAGE_ROWS);
      if (asked !== this.#asked) return;
      this.#rows = cursor === null ? [...rows] : [...this.#rows, ...rows];
      this.#next = next;
      this.#more.hidden = next === null;
      const measures = Object.keys(this.#job.diff?.totals ?? {});
      this.#table.replaceChildren(scrolling("Every row that changes", changesTable(this.#rows, measures)));
      const shown = plural(this.#rows.length, "row");
      setText(this.#note, next === null ? `${shown}, all that there are.` : `${shown} so far, by time and key.`);
    } catch (error) {
      setText(this.#note, inWords(error));
    }
  }

  async #download(): Promise<void> {
    const job = this.#job;
    if (job === null) return;
    this.#file.disabled = true;
    try {
      const text = await this.#api.diffCsv(job.id, this.#by.value);
      const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
      create("a", { href: url, download: `${job.id}-changes.csv` }).click();
      URL.revokeObjectURL(url);
    } catch (error) {
      setText(this.#note, inWords(error));
    } finally {
      this.#file.disabled = false;
    }
  }
}
