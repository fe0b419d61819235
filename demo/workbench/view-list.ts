/** All views of the stream, each with what it is doing. A long list can be searched. */
import type { Replay, View } from "../api-schemas.ts";
import { byId, create, setText } from "../dom.ts";
import { hashOf, type Tab } from "../places.ts";
import { viewInShort } from "./replay-words.ts";

/** More than these are found faster by name. */
const SEARCHED_FROM = 9;

export class ViewList {
  readonly #list = byId("views", HTMLUListElement);
  readonly #search = byId("views-search", HTMLInputElement);
  #names: readonly string[] = [];

  constructor() {
    this.#search.addEventListener("input", () => this.#filter());
  }

  /** Entries are kept and changed, so that a focus on one is not lost. */
  show(views: readonly View[], jobs: readonly Replay[], selected: string | null, tab: Tab): void {
    this.#names = views.map(({ name }) => name);
    this.#search.hidden = views.length < SEARCHED_FROM;
    while (this.#list.children.length > views.length) this.#list.lastElementChild?.remove();
    views.forEach((view, index) => {
      const item = this.#list.children[index] ?? this.#list.appendChild(entry());
      const link = item.firstElementChild;
      const [name, state] = link?.children ?? [];
      if (!link || !name || !state) return;
      link.setAttribute("href", hashOf(view.name, tab));
      if (view.name === selected) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      setText(name, view.name);
      const short = viewInShort(view, jobs);
      setText(state, short.text);
      item.classList.toggle("failed", short.bad);
    });
    this.#filter();
  }

  #filter(): void {
    const wanted = this.#search.value.trim().toLowerCase();
    let found = 0;
    this.#names.forEach((name, index) => {
      const item = this.#list.children[index];
      const shown = name.includes(wanted);
      if (item instanceof HTMLElement) item.hidden = !shown;
      if (shown) found++;
    });
    const none = byId("views-none", HTMLElement);
    none.hidden = found > 0;
    setText(none, this.#names.length === 0 ? "This stream has no view." : `No view is called like “${wanted}”.`);
  }
}

const entry = (): HTMLLIElement => create("li", {}, create("a", {}, create("span"), create("small")));
