/** The three things that every panel asks of the document. Lacks rendering: the markup stands in the HTML files. */

/** The element with this id; its absence is a mistake in the markup. */
export function byId<T extends Element>(id: string, type: new () => T): T {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`no ${type.name} with id ${id} in the page`);
  return element;
}

/** Writes only when something changes, so that selections survive and screen readers hear only news. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

type Attributes = Readonly<Record<string, string | boolean>>;

/** A new element. `true` sets an attribute without a value, `false` leaves it out. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}
