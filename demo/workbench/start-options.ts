/** How a replay is run: from when on, how much of the time it may take, and whether it promotes itself. */
import type { ReplayRequest } from "../api.ts";
import { create } from "../dom.ts";
import { choice, labelled } from "./form-rows.ts";

/** Shares of the time while clicks arrive, by what they mean to people. */
const PACES: Readonly<Record<string, number>> = { "a tenth": 0.1, "a quarter": 0.25, half: 0.5, "all it can": 1 };
const PACE_DEFAULT = "half";

const PROMOTIONS = { "I decide": "manual", "by itself": "auto" } as const;

export class StartOptions {
  readonly element: HTMLElement;
  readonly #from = create("input", { type: "datetime-local", step: "60" });
  readonly #pace = choice(Object.keys(PACES));
  readonly #promote = choice(Object.keys(PROMOTIONS));

  constructor() {
    this.#pace.value = PACE_DEFAULT;
    this.element = create(
      "details",
      { class: "start-options" },
      create("summary", {}, "How it runs"),
      create(
        "div",
        { class: "pair" },
        labelled("From", this.#from, "Empty: the whole log. What lies before is carried over."),
        labelled("Share of the time", this.#pace, "While clicks arrive; idle time is all its own."),
        labelled("Promoted", this.#promote, "When it has caught up."),
      ),
    );
  }

  read(): Pick<ReplayRequest, "from" | "promote" | "maxDuty"> {
    const from = Date.parse(this.#from.value);
    const promote = Object.entries(PROMOTIONS).find(([name]) => name === this.#promote.value)?.[1] ?? "manual";
    return {
      ...(Number.isFinite(from) && { from: new Date(from).toISOString() }),
      promote,
      maxDuty: PACES[this.#pace.value] ?? 0.5,
    };
  }
}
