/** The most clicked ads: ten, and on request more. */
import type { Answer } from "./api-schemas.ts";
import { BarTable } from "./bar-table.ts";
import { byId, setText } from "./dom.ts";
import { formatCount } from "./format.ts";

/** What the headline needs to know of them. */
export interface TopAdsInShort {
  readonly ads: number;
  /** There are more than `ads`. */
  readonly truncated: boolean;
  readonly first: { readonly name: string; readonly clicks: number } | null;
}

/** Enough to see the long tail begin; and as many as a person reads through. */
const SHOWN = { few: 10, many: 100 };

/** How many ads a question asks for, so that they can be counted; the contract's own default. */
export const TOP_LIMIT = 1_000;

/** Clicks that name no ad. */
const NO_AD = "no ad";

export class TopAds {
  readonly #table: BarTable;
  readonly #more = byId("top-more", HTMLButtonElement);
  #last: { readonly answer: Answer; readonly clicksInRange: number } | null = null;
  #shown = SHOWN.few;

  constructor(onChoose: (ad: string) => void) {
    this.#table = new BarTable("top-ads", onChoose);
    this.#more.addEventListener("click", () => {
      this.#shown = this.#shown === SHOWN.few ? SHOWN.many : SHOWN.few;
      if (this.#last !== null) this.show(this.#last.answer, this.#last.clicksInRange);
    });
  }

  /** @returns what was shown, in short */
  show(answer: Answer, clicksInRange: number): TopAdsInShort {
    this.#last = { answer, clicksInRange };
    const ads = answer.rows.map(({ adId, clicks }) => ({
      value: typeof adId === "string" ? adId : null,
      name: String(adId ?? NO_AD),
      clicks: Number(clicks ?? 0),
    }));
    this.#table.show(ads.slice(0, this.#shown), clicksInRange);
    const more = ads.length - Math.min(ads.length, this.#shown);
    const rest = more > 0 ? `and ${formatCount(more)}${answer.truncated ? " or more" : ""} further ads` : "";
    setText(byId("top-note", HTMLElement), ads.length === 0 ? "No ad was clicked in this range." : rest);
    this.#more.hidden = ads.length <= SHOWN.few;
    setText(this.#more, this.#shown === SHOWN.few ? `Show ${SHOWN.many}` : `Show ${SHOWN.few}`);
    return { ads: ads.length, truncated: answer.truncated, first: ads[0] ?? null };
  }
}
