/** Parts of forms: a control with its label, and lists of rows that can be added to and taken from. */
import { create } from "../dom.ts";

/** A control under its label; the hint is read out with it. */
export function labelled(text: string, control: HTMLElement, hint?: string): HTMLElement {
  const id = (control.id ||= `rule-${text.toLowerCase().replace(/\W+/g, "-")}`);
  if (hint !== undefined) control.setAttribute("aria-describedby", `${id}-hint`);
  return create(
    "div",
    { class: "field" },
    create("label", { for: id }, text),
    control,
    hint === undefined ? "" : create("span", { class: "hint", id: `${id}-hint` }, hint),
  );
}

export const textInput = (label?: string): HTMLInputElement =>
  create("input", { type: "text", spellcheck: "false", autocomplete: "off", "aria-label": label ?? false });

export function choice(options: readonly string[], label?: string): HTMLSelectElement {
  const select = create("select", { "aria-label": label ?? false });
  select.append(...options.map((text) => create("option", { value: text }, text)));
  return select;
}

/** Rows of one kind under a legend. `T` is what a row says. */
export class RowList<T> {
  readonly element: HTMLFieldSetElement;
  readonly #list = create("ul", { class: "rows" });
  readonly #makeRow: (value: T) => readonly [cells: readonly HTMLElement[], read: () => T];
  readonly #reads = new Map<HTMLElement, () => T>();
  readonly #onChange: () => void;
  readonly #noun: string;

  /**
   * @param noun what one row is, in a word
   * @param makeRow the controls of a row, and how to read them
   * @param empty what a new row says
   */
  constructor(
    legend: string,
    noun: string,
    empty: () => T,
    makeRow: (value: T) => readonly [cells: readonly HTMLElement[], read: () => T],
    onChange: () => void,
  ) {
    this.#makeRow = makeRow;
    this.#onChange = onChange;
    this.#noun = noun;
    const add = create("button", { type: "button", class: "link" }, `Add a ${noun}`);
    add.addEventListener("click", () => {
      const row = this.#append(empty());
      row.querySelector<HTMLElement>("input, select")?.focus();
      onChange();
    });
    this.element = create("fieldset", {}, create("legend", {}, legend), this.#list, add);
  }

  fill(values: readonly T[]): void {
    this.#reads.clear();
    this.#list.replaceChildren();
    for (const value of values) this.#append(value);
  }

  read(): readonly T[] {
    return [...this.#reads.values()].map((read) => read());
  }

  #append(value: T): HTMLElement {
    const [cells, read] = this.#makeRow(value);
    const remove = create(
      "button",
      { type: "button", class: "remove", "aria-label": `Take this ${this.#noun} away` },
      "×",
    );
    const row = create("li", {}, ...cells, remove);
    remove.addEventListener("click", () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      this.#reads.delete(row);
      row.remove();
      (next?.querySelector<HTMLElement>(".remove") ?? this.element.querySelector<HTMLElement>(".link"))?.focus();
      this.#onChange();
    });
    this.#reads.set(row, read);
    this.#list.append(row);
    return row;
  }
}
