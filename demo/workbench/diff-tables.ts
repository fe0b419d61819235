/** What a replay would change: the totals of each measure, and the rows that change most, with bars for before and after. */
import type { BeforeAfter, ChangedRow, Diff, Replay } from "../api-schemas.ts";
import { create } from "../dom.ts";
import { formatCount, formatDay, formatMinute, formatNumber, plural } from "../format.ts";
import { changeInWords } from "./replay-words.ts";

export class DiffTables {
  readonly #host: HTMLElement;
  #shown: string | null = null;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  /** A diff is frozen: it is drawn once. */
  show(job: Replay | null): void {
    const diff = job?.diff;
    const key = job && diff ? job.id : null;
    if (key === this.#shown) return;
    this.#shown = key;
    this.#host.replaceChildren(...(diff ? [totals(diff), ...largest(diff)] : []));
  }
}

function totals(diff: Diff): HTMLElement {
  return create(
    "div",
    { class: "diff" },
    create("h3", {}, "What it changes"),
    create("p", { class: "hint" }, "Totals over all that was compared, frozen when the replay caught up."),
    scrolling("What it changes", totalsTable(diff)),
  );
}

/** Each measure before and after, with bars. */
export function totalsTable(diff: Diff): HTMLTableElement {
  const heads = [
    create("th", { scope: "col" }, "Total"),
    create("th", { scope: "col", class: "bars" }, create("span", { class: "visually-hidden" }, "Bars")),
    ...["Before", "After", "Change"].map((head) => create("th", { scope: "col", class: "number" }, head)),
  ];
  const rows = Object.entries(diff.totals).map(([measure, { before, after }]) =>
    create(
      "tr",
      {},
      create("th", { scope: "row" }, measure),
      create("td", { class: "bars" }, bars({ before, after }, Math.max(Math.abs(before ?? 0), Math.abs(after ?? 0)))),
      create("td", { class: "number" }, valueText(before)),
      create("td", { class: "number" }, valueText(after)),
      create("td", { class: "number" }, changeInWords({ before, after })),
    ),
  );
  return create("table", {}, create("thead", {}, create("tr", {}, ...heads)), create("tbody", {}, ...rows));
}

function largest({ largest, totals, rowsChanged }: Diff): readonly HTMLElement[] {
  if (largest.length === 0) return [];
  const which =
    rowsChanged > largest.length ? `${formatCount(largest.length)} of ${plural(rowsChanged, "row")}` : "all";
  return [
    create(
      "div",
      { class: "diff largest" },
      create("h3", {}, "Largest changes"),
      create("p", { class: "hint" }, `The largest first, ${which}. Bars: before, and after.`),
      scrolling("Largest changes", changesTable(largest, Object.keys(totals))),
    ),
  ];
}

/** Rows that change: window, key, and each measure before and after, with bars. */
export function changesTable(shown: readonly ChangedRow[], measures: readonly string[]): HTMLTableElement {
  const keys = [...new Set(shown.flatMap((row) => Object.keys(row)))].filter(
    (column) => column !== "time" && !measures.includes(column),
  );
  const hasTime = shown.some((row) => typeof row["time"] === "number");
  const heads = [
    ...(hasTime ? ["Window"] : []).map((head) => create("th", { scope: "col" }, head)),
    ...keys.map((head) => create("th", { scope: "col" }, head)),
    ...measures.map((head) => create("th", { scope: "col", class: "number" }, head)),
  ];
  const most = new Map(measures.map((measure) => [measure, Math.max(...shown.map((row) => sizeOf(row[measure])))]));
  const rows = shown.map((row) =>
    create(
      "tr",
      {},
      ...(hasTime ? [create("td", { class: "when" }, windowText(row["time"]))] : []),
      ...keys.map((key) => create("td", { class: "key" }, keyText(row[key]))),
      ...measures.map((measure) => changeCell(row[measure], most.get(measure) ?? 0)),
    ),
  );
  return create("table", {}, create("thead", {}, create("tr", {}, ...heads)), create("tbody", {}, ...rows));
}

/** A table that may be wider than the page scrolls by itself, by keyboard too. */
export const scrolling = (label: string, table: HTMLElement): HTMLElement =>
  create("div", { class: "scroll", role: "region", tabindex: "0", "aria-label": label }, table);

function changeCell(cell: ChangedRow[string] | undefined, most: number): HTMLElement {
  if (!isBeforeAfter(cell)) return create("td", { class: "number" }, "–");
  const { before, after } = cell;
  return create(
    "td",
    { class: "number" },
    `${valueText(before)} → ${valueText(after)} `,
    create("small", {}, changeInWords(cell)),
    bars(cell, most),
  );
}

/** Two bars; the text beside them says the same. */
function bars({ before, after }: BeforeAfter, most: number): HTMLElement {
  const bar = (side: string, value: number | null) => {
    const element = create("span", { class: side });
    element.style.setProperty("--part", String(most === 0 ? 0 : Math.abs(value ?? 0) / most));
    return element;
  };
  return create("span", { class: "two-bars", "aria-hidden": "true" }, bar("before", before), bar("after", after));
}

const isBeforeAfter = (cell: unknown): cell is BeforeAfter => typeof cell === "object" && cell !== null;

const sizeOf = (cell: ChangedRow[string] | undefined): number =>
  isBeforeAfter(cell) ? Math.max(Math.abs(cell.before ?? 0), Math.abs(cell.after ?? 0)) : 0;

const valueText = (value: number | null): string => (value === null ? "–" : formatNumber(value));

const keyText = (value: ChangedRow[string] | undefined): string =>
  value === null || value === undefined || typeof value === "object" ? "none" : String(value);

const windowText = (time: ChangedRow[string] | undefined): string =>
  typeof time === "number" ? `${formatDay(time)}, ${formatMinute(time)}` : "all";
