/** Range, country and device: reads them from the form, keeps them in the address, so that a view can be sent to others. */
import type { Api, Query } from "./api.ts";
import type { Row } from "./api-schemas.ts";
import { byId, create } from "./dom.ts";
import { formatCompact, formatCountry } from "./format.ts";
import { asQuery, isLiveRange, type Range } from "./range.ts";

export interface Choice {
  readonly range: Range;
  readonly where: NonNullable<Query["where"]>;
}

const ATTRIBUTES = ["country", "device"] as const;
type Attribute = (typeof ATTRIBUTES)[number];

/** More countries than this are found faster by typing into the address than by scrolling. */
const OPTIONS_MAX = 60;

/** In the form and the address, a value is written as `is:US`, so that no value can be taken for "all" or "unknown". */
const ALL = "";
const UNKNOWN = "unknown";
const written = (value: string): string => `is:${value}`;

const NAMES: Readonly<Record<Attribute, { readonly all: string; readonly of: (value: string) => string }>> = {
  country: { all: "All countries", of: formatCountry },
  device: { all: "All devices", of: (value) => value },
};

export class Filters {
  readonly #form = byId("filters", HTMLFormElement);
  readonly #dates = byId("dates", HTMLElement);
  #choice: Choice;

  /** @param onChange called after every change that alters the question */
  constructor(onChange: () => void) {
    this.#restore(new URLSearchParams(location.search));
    this.#choice = this.#read({ kind: "live", last: "1h" });
    this.#form.addEventListener("change", () => {
      this.#choice = this.#read(this.#choice.range);
      this.#remember();
      onChange();
    });
    this.#form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** The same object until something changes. */
  get choice(): Choice {
    return this.#choice;
  }

  /** Fills both lists with what occurs in the range, most frequent first, whatever else is filtered. */
  async loadOptions(api: Api): Promise<void> {
    const range = asQuery(this.#choice.range);
    const answers = await Promise.all(
      ATTRIBUTES.map((attribute) =>
        api.query({ ...range, groupBy: [attribute], orderBy: "-clicks", limit: OPTIONS_MAX }),
      ),
    );
    ATTRIBUTES.forEach((attribute, index) => this.#fill(attribute, answers[index]?.rows ?? []));
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
    return { range: this.#readRange(before), where };
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
    const now = Date.now();
    const from = Number(address.get("from") ?? Number.NaN);
    const to = Number(address.get("to") ?? Number.NaN);
    const hasDates = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from < to;
    this.#input("from").value = localInputValue(hasDates ? from : now - 86_400_000);
    this.#input("to").value = localInputValue(hasDates ? to : now + 60_000);
    const asked = address.get("range");
    const range = hasDates ? "dates" : isLiveRange(asked) ? asked : "1h";
    for (const radio of this.#form.querySelectorAll<HTMLInputElement>("input[name=range]")) {
      radio.checked = radio.value === range;
    }
    for (const attribute of ATTRIBUTES) {
      const chosen = address.get(attribute) ?? ALL;
      const select = this.#select(attribute);
      select.append(option(ALL, NAMES[attribute].all));
      if (chosen === UNKNOWN || chosen.startsWith(written(""))) {
        select.append(optionFor(attribute, chosen));
        select.value = chosen;
      }
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
    history.replaceState(null, "", `?${address}`);
  }

  #select(attribute: Attribute): HTMLSelectElement {
    return this.#form.elements.namedItem(attribute) as HTMLSelectElement;
  }

  #input(name: "from" | "to"): HTMLInputElement {
    return this.#form.elements.namedItem(name) as HTMLInputElement;
  }
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
