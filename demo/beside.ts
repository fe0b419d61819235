/** The dashboard beside the paper, where the screen has room for both. */
import { byId, create } from "./dom.ts";

/** The same width as in the style sheet. */
const WIDE = matchMedia("(min-width: 1180px)");

export function setUpBeside(): void {
  const pane = byId("beside", HTMLElement);
  const toggle = byId("beside-toggle", HTMLButtonElement);
  let wanted = true;
  const show = () => {
    const open = wanted && WIDE.matches;
    toggle.setAttribute("aria-pressed", String(wanted));
    pane.hidden = !open;
    // Built when first seen, and taken out when hidden: a frame that nobody sees should ask nothing.
    if (!open) pane.replaceChildren();
    else if (pane.childElementCount === 0)
      pane.append(create("iframe", { src: "/dashboard?range=15m", title: "Dashboard" }));
  };
  toggle.addEventListener("click", () => {
    wanted = !wanted;
    show();
  });
  WIDE.addEventListener("change", show);
  show();
}
