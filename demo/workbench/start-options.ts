/** How a replay is run: from when on, how much of the time it may take, and whether it promotes itself. */
import type { ReplayRequest } from "../api.ts";
import { create } from "../dom.ts";
import { choice, labelled, textInput } from "./form-rows.ts";

/** Shares of the time while clicks arrive, by what they mean to people. */
const PACES: Readonly<Record<string, number>> = { "a tenth": 0.1, "a quarter": 0.25, half: 0.5, "all it can": 1 };
const PACE_DEFAULT = "half";

const percentInput = () => create("input", { type: "number", min: "0", step: "any", inputmode: "decimal" });

/** null: nothing was entered. */
const shareOf = ({ value }: HTMLInputElement): number | null => (value === "" ? null : Number(value) / 100);

const PROMOTIONS = { "I decide": "manual", "by itself": "auto" } as const;

export class StartOptions {
  readonly element: HTMLElement;
  readonly #from = create("input", { type: "datetime-local", step: "60" });
  readonly #pace = choice(Object.keys(PACES));
  readonly #promote = choice(Object.keys(PROMOTIONS));
  readonly #totalChange = percentInput();
  readonly #rowsChanged = percentInput();
  readonly #reason = textInput();

  constructor() {
    this.#pace.value = PACE_DEFAULT;
    const policy = create(
      "div",
      { class: "pair" },
      labelled("Totals change by at most", this.#totalChange, "Percent of each; empty: whatever they do"),
      labelled("Rows that change at most", this.#rowsChanged, "Percent of all; beyond it, you decide"),
    );
    const showPolicy = () => (policy.hidden = this.#policy === "manual");
    this.#promote.addEventListener("change", showPolicy);
    showPolicy();
    const runs = create(
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
      policy,
    );
    this.element = create(
      "div",
      { class: "rule-form" },
      labelled("Why", this.#reason, "What the change is for: it stands with the replay."),
      runs,
    );
  }

  get #policy(): "manual" | "auto" {
    return Object.entries(PROMOTIONS).find(([name]) => name === this.#promote.value)?.[1] ?? "manual";
  }

  /** For the next replay there is another reason. */
  forgetReason(): void {
    this.#reason.value = "";
  }

  read(): Omit<ReplayRequest, "view" | "mode"> {
    const from = Date.parse(this.#from.value);
    const promote = this.#policy;
    const [totalChangeMax, rowsChangedMax] = [shareOf(this.#totalChange), shareOf(this.#rowsChanged)];
    const promoteIf = {
      ...(totalChangeMax !== null && { totalChangeMax }),
      ...(rowsChangedMax !== null && { rowsChangedMax }),
    };
    const reason = this.#reason.value.trim();
    return {
      ...(reason !== "" && { reason }),
      ...(promote === "auto" && Object.keys(promoteIf).length > 0 && { promoteIf }),
      ...(Number.isFinite(from) && { from: new Date(from).toISOString() }),
      promote,
      maxDuty: PACES[this.#pace.value] ?? 0.5,
    };
  }
}
