/** Which part of the page is looked at. It stands in the address behind the hash, so that links and the back button work. */
import { byId } from "./dom.ts";

export const TABS = ["rule", "replay", "history"] as const;
export type Tab = (typeof TABS)[number];

export type Place =
  | { readonly kind: "numbers" }
  /** view: null, whichever comes first. */
  | { readonly kind: "views"; readonly view: string | null; readonly tab: Tab };

export function placeOf(hash: string): Place {
  const [kind, view, tab] = hash.replace(/^#/, "").split("/");
  if (kind !== "views") return { kind: "numbers" };
  return { kind, view: view ? decodeURIComponent(view) : null, tab: TABS.find((one) => one === tab) ?? "rule" };
}

export const hashOf = (view: string, tab: Tab): string => `#views/${encodeURIComponent(view)}/${tab}`;

/** Shows the part that the address names, now and whenever it changes. */
export function followPlaces(onChange: (place: Place) => void): void {
  const show = () => {
    // Other fragments, such as the skip link's, are places within what is shown.
    if (!/^(#numbers|#views(\/.*)?)?$/.test(location.hash)) return;
    scrollTo(0, 0);
    const place = placeOf(location.hash);
    for (const kind of ["numbers", "views"] as const) {
      byId(`place-${kind}`, HTMLElement).hidden = place.kind !== kind;
      const link = document.querySelector(`nav a[href="#${kind}"]`);
      if (place.kind === kind) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
    }
    onChange(place);
  };
  addEventListener("hashchange", show);
  show();
}
