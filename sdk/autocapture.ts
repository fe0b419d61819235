/**
 * Autocapture: clicks on and inside `[data-ad-id]` become events. One passive listener in the capture phase for each of
 * `click` and `auxclick`, so that pages which stop propagation are seen too, and no click is ever held up. Reads the marked
 * element's `data-*` and nothing else: no text, no values, no position.
 *
 * The listener is the document's: what a page replaces, adds or moves while it is open needs no telling.
 *
 * Only what a person did counts (`isTrusted`): scripts click too, in carousels, tests and fraud, and whoever means such a
 * click can call `tracker.click()`. The keyboard is a person: Enter on a link is a click to the browser.
 */
import { EVENT_LIMITS, isAttributeName } from "#protocol";
import { utf8Length } from "./log/utf8.ts";
import type { AutocaptureOptions, Tracker } from "./types.ts";

export type { AutocaptureOptions } from "./types.ts";

/**
 * Reports clicks until the function that it returns is called. On a server it does nothing.
 *
 * @param tracker of `createTracker`, or anything that takes clicks as it does
 */
export function autocapture(tracker: Pick<Tracker, "click">, { attributes }: AutocaptureOptions = {}): () => void {
  if (typeof document === "undefined") return () => {};
  const end = new AbortController();
  let last = -1;
  const listen = (event: MouseEvent) => {
    // auxclick is every button but the first; a right click opens a menu, a middle click opens the ad.
    if (!event.isTrusted || (event.type === "auxclick" && event.button !== 1)) return;
    const ad = findAd(event);
    const adId = ad?.dataset["adId"];
    // A click on a label is followed by one on its control, of the same moment: a person clicked once.
    if (ad === undefined || adId === undefined || event.timeStamp === last) return;
    last = event.timeStamp;
    void tracker.click(adId, attributesOf(ad.dataset, attributes));
  };
  const options = { capture: true, passive: true, signal: end.signal };
  document.addEventListener("click", listen, options);
  document.addEventListener("auxclick", listen, options);
  return () => end.abort();
}

/**
 * The innermost marked element that was clicked, unless it lies in something that asks to be left alone. `composedPath`
 * looks into open shadow roots; `closest` would not.
 */
function findAd(event: Event): HTMLElement | SVGElement | undefined {
  const path = event.composedPath().filter((target) => target instanceof HTMLElement || target instanceof SVGElement);
  if (path.some(({ dataset }) => dataset["headwaterIgnore"] !== undefined)) return undefined;
  return path.find(({ dataset }) => dataset["adId"] !== undefined);
}

/** `data-campaign-id="7"` → `{campaignId: "7"}`. Markup knows strings only; what cannot be an attribute is left out. */
export function attributesOf(dataset: DOMStringMap, allowed?: readonly string[]): Record<string, string> {
  const entries = Object.entries(dataset)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .filter(([name]) => allowed === undefined || name === "adId" || allowed.includes(name))
    .filter(([name, value]) => isAttributeName(name) && utf8Length(value) <= EVENT_LIMITS.stringBytesMax);
  return Object.fromEntries(entries.slice(0, EVENT_LIMITS.attributesMax / 2));
}
