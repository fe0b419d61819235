/** What is counted: reads it from the form, keeps it in the address, so that it can be sent to others, and went back to. */
import type { Api, Query } from "./api.ts";
import type { Answer, Row } from "./api-schemas.ts";
import { byId, create, setText } from "./dom.ts";
import { formatCompact, formatCountry } from "./format.ts";
import { asQuery, isLiveRange, type Range } from "./range.ts";

export interface Choice {
  readonly range: Range;
  readonly where: NonNullable<Query["where"]>;
  /** Whose rules hold; null: all clicks. */
  readonly view: string | null;
}

/** What occurs in the range, most frequent first, whatever else is filtered. */
export type Occurring = Readonly<Record<Attribute, Answer>>;

const ATTRIBUTES = ["country", "device"] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** More countries than this are found faster by typing into the address than by scrolling. */
const OPTIONS_MAX = 60;

/** In the form and the address, a value is written as `is:US`, so that no value can be taken for "all" or "unknown". */
const ALL = "";
const UNKNOWN = "unknown";
const written = (value: string): string => `is:${value}`;

export const NAMES: Readonly<Record<Attribute, { readonly all: string; readonly of: (value: string) => string }>> = {
  country: { all: "All countries", of: formatCountry },
  device: { all: "All devices", of: (value) => value },
};

export class Filters {
  readonly #form = byId("filters", HTMLFormElement);
  readonly #dates = byId("dates", HTMLElement);
  readonly #onChange: () => void;
  #choice: Choice;
  /** As it is written; `ALL`: every ad. */
  #ad = ALL;

  /** @param onChange called after every change that alters the question */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.#restore(new URLSearchParams(location.search));
    this.#choice = this.#read({ kind: "live", last: "1h" });
    this.#form.addEventListener("change", () => this.#changed());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
    byId("all-ads", HTMLButtonElement).addEventListener("click", () => this.chooseAd(null));
    byId("zoom-out", HTMLButtonElement).addEventListener("click", () => this.zoomOut());
    addEventListener("popstate", () => {
      this.#restore(new URLSearchParams(location.search));
      this.#choice = this.#read(this.#choice.range);
      this.#onChange();
    });
  }

  /** The same object until something changes. */
  get choice(): Choice {
    return this.#choice;
  }

  /** Looks at a stretch of time more closely; the back button, or `zoomOut`, leads back. */
  zoomIn(from: number, to: number): void {
    history.pushState({ zoomed: true }, "", location.href);
    this.#showRange({ kind: "dates", from, to });
    this.#changed();
  }

  zoomOut(): void {
    if (isZoomed()) history.back();
  }

  chooseAd(ad: string | null): void {
    this.#ad = ad === null ? ALL : written(ad);
    this.#changed();
  }

  choose(attribute: Attribute, value: string): void {
    const select = this.#select(attribute);
    const chosen = written(value);
    if (![...select.options].some((one) => one.value === chosen)) select.append(optionFor(attribute, chosen));
    select.value = chosen;
    this.#changed();
  }

  /** Names of views, by whose rules clicks can be counted. */
  offerViews(names: readonly string[]): void {
    const select = this.#select("view");
    const known = [...select.options].map(({ value }) => value);
    const missing = names.filter((name) => !known.includes(name));
    select.append(...missing.map((name) => option(name, name)));
  }

  #changed(): void {
    this.#choice = this.#read(this.#choice.range);
    this.#remember();
    this.#onChange();
  }

  /** Fills both lists with what occurs in the range. */
  async loadOptions(api: Api): Promise<Occurring> {
    const range = asQuery(this.#choice.range);
    const ask = (attribute: Attribute) =>
      api.query({ ...range, groupBy: [attribute], orderBy: "-clicks", limit: OPTIONS_MAX });
    const [country, device] = await Promise.all([ask("country"), ask("device")]);
    this.#fill("country", country.rows);
    this.#fill("device", device.rows);
    return { country, device };
  }

  #fill(attribute: Attribute, rows: readonly Row[]): void {
    const select = this.#select(attribute);
    const options = rows.map((row) => {
      const value = row[attribute];
      const count = ` (${formatCompact(Number(row["clicks"] ?? 0))})`;
      return typeof value === "string"
        ? option(written(value), NAMES[attribute].of(value) + count)
        : option(UNKNOWN, `Unknown${count}`);
    });
    const chosen = select.value;
    if (chosen !== ALL && !options.some(({ value }) => value === chosen)) options.push(optionFor(attribute, chosen));
    // An open list must not change under the reader's hand.
    if (document.activeElement === select && select.options.length > 1) return;
    select.replaceChildren(option(ALL, NAMES[attribute].all), ...options);
    select.value = chosen;
  }

  /** @param before the range that stays while the dates make no sense */
  #read(before: Range): Choice {
    const where: Record<string, string | { readonly exists: boolean }> = {};
    for (const attribute of ATTRIBUTES) {
      const { value } = this.#select(attribute);
      if (value === UNKNOWN) where[attribute] = { exists: false };
      else if (value !== ALL) where[attribute] = value.slice(written("").length);
    }
    if (this.#ad !== ALL) where["adId"] = this.#ad.slice(written("").length);
    byId("chosen", HTMLElement).hidden = this.#ad === ALL;
    setText(byId("chosen-ad", HTMLElement), `Only ad ${String(where["adId"] ?? "")}`);
    byId("zoom-out", HTMLElement).hidden = !isZoomed();
    const view = this.#select("view").value;
    return { range: this.#readRange(before), where, view: view === ALL ? null : view };
  }

  #readRange(before: Range): Range {
    const chosen = String(new FormData(this.#form).get("range"));
    this.#dates.hidden = chosen !== "dates";
    if (isLiveRange(chosen)) return { kind: "live", last: chosen };
    const from = Date.parse(this.#input("from").value);
    const to = Date.parse(this.#input("to").value);
    const sound = Number.isFinite(from) && Number.isFinite(to) && from < to;
    this.#input("to").setCustomValidity(sound ? "" : "The end must lie after the start.");
    if (sound) return { kind: "dates", from, to };
    this.#form.reportValidity();
    return before;
  }

  #restore(address: URLSearchParams): void {
    const from = Number(address.get("from") ?? Number.NaN);
    const to = Number(address.get("to") ?? Number.NaN);
    const hasDates = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from < to;
    const asked = address.get("range");
    this.#showRange(hasDates ? { kind: "dates", from, to } : { kind: "live", last: isLiveRange(asked) ? asked : "1h" });
    this.#ad = address.get("ad") ?? ALL;
    this.#restoreView(address.get("view") ?? ALL);
    for (const attribute of ATTRIBUTES) {
      const chosen = address.get(attribute) ?? ALL;
      const select = this.#select(attribute);
      select.replaceChildren(option(ALL, NAMES[attribute].all));
      if (chosen === UNKNOWN || chosen.startsWith(written(""))) {
        select.append(optionFor(attribute, chosen));
        select.value = chosen;
      }
    }
  }

  #restoreView(view: string): void {
    const select = this.#select("view");
    if (select.options.length === 0) select.append(option(ALL, "All clicks"));
    this.offerViews(view === ALL ? [] : [view]);
    select.value = view;
  }

  #showRange(range: Range): void {
    const now = Date.now();
    this.#input("from").value = localInputValue(range.kind === "dates" ? range.from : now - 86_400_000);
    this.#input("to").value = localInputValue(range.kind === "dates" ? range.to : now + 60_000);
    const chosen = range.kind === "dates" ? "dates" : range.last;
    for (const radio of this.#form.querySelectorAll<HTMLInputElement>("input[name=range]")) {
      radio.checked = radio.value === chosen;
    }
  }

  #remember(): void {
    const address = new URLSearchParams();
    const { range } = this.#choice;
    if (range.kind === "live") address.set("range", range.last);
    else {
      address.set("from", String(range.from));
      address.set("to", String(range.to));
    }
    for (const attribute of ATTRIBUTES) {
      const { value } = this.#select(attribute);
      if (value !== ALL) address.set(attribute, value);
    }
    if (this.#ad !== ALL) address.set("ad", this.#ad);
    if (this.#choice.view !== null) address.set("view", this.#choice.view);
    history.replaceState(history.state, "", `?${address}${location.hash}`);
  }

  #select(attribute: Attribute | "view"): HTMLSelectElement {
    return this.#form.elements.namedItem(attribute) as HTMLSelectElement;
  }

  #input(name: "from" | "to"): HTMLInputElement {
    return this.#form.elements.namedItem(name) as HTMLInputElement;
  }
}

/** Whether this entry of the history was made by zooming. */
function isZoomed(): boolean {
  const state: unknown = history.state;
  return typeof state === "object" && state !== null && "zoomed" in state;
}

const option = (value: string, text: string): HTMLOptionElement => create("option", { value }, text);

/** An option for a value that was chosen earlier and does not occur now. */
const optionFor = (attribute: Attribute, chosen: string): HTMLOptionElement =>
  option(chosen, chosen === UNKNOWN ? "Unknown" : NAMES[attribute].of(chosen.slice(written("").length)));

/** What an input of type datetime-local holds: the reader's wall clock, without a zone. */
function localInputValue(timeMs: number): string {
  const local = new Date(timeMs - new Date(timeMs).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
