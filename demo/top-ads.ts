/** The most clicked ads, as a table whose rows carry their own bars. */
import type { Answer } from "./api-schemas.ts";
import { byId, create, setText } from "./dom.ts";
import { formatCount, formatShare } from "./format.ts";

/** What the headline needs to know of them. */
export interface TopAds {
  readonly ads: number;
  /** There are more than `ads`. */
  readonly truncated: boolean;
  readonly first: { readonly name: string; readonly clicks: number } | null;
}

/** Enough to see the long tail begin. */
const SHOWN = 10;

/** How many ads a question asks for, so that they can be counted; the contract's own default. */
export const TOP_LIMIT = 1_000;

/** Clicks that name no ad. */
const NO_AD = "no ad";

/** @returns what was shown, in short */
export function showTopAds(answer: Answer, clicksInRange: number): TopAds {
  const ads = answer.rows.map((row) => ({ name: String(row["adId"] ?? NO_AD), clicks: Number(row["clicks"] ?? 0) }));
  const body = byId("top-ads", HTMLTableSectionElement);
  const most = ads[0]?.clicks ?? 0;
  const shown = ads.slice(0, SHOWN);
  while (body.rows.length > shown.length) body.deleteRow(-1);
  shown.forEach(({ name, clicks }, index) => {
    const row = body.rows[index] ?? body.appendChild(emptyRow());
    const [ad, count, share] = row.cells;
    if (!ad || !count || !share) return;
    setText(ad.firstElementChild ?? ad, name);
    setText(count, formatCount(clicks));
    setText(share, formatShare(clicks, clicksInRange));
    row.style.setProperty("--part", String(most === 0 ? 0 : clicks / most));
  });
  const more = ads.length - shown.length;
  const rest = more > 0 ? `and ${formatCount(more)}${answer.truncated ? " or more" : ""} further ads` : "";
  setText(byId("top-note", HTMLElement), ads.length === 0 ? "No ad was clicked in this range." : rest);
  return { ads: ads.length, truncated: answer.truncated, first: ads[0] ?? null };
}

const emptyRow = (): HTMLTableRowElement =>
  create(
    "tr",
    {},
    create("th", { scope: "row" }, create("span", { class: "name" })),
    create("td", { class: "number" }),
    create("td", { class: "number quiet" }),
  );
