/**
 * Readers who do not exist, for demonstrations: they come from several countries, on several devices, and like some
 * advertisements better than others. What they click is tracked like any click, with country and device filled in by the
 * page, because to the edge they all come from here.
 */
import type { Attributes } from "../sdk/index.ts";
import { byId, setText } from "./dom.ts";

const COUNTRIES = weighted({ DE: 30, US: 24, JP: 14, BR: 12, GB: 9, IN: 8, KE: 3 });
const DEVICES = weighted({ mobile: 58, desktop: 34, tablet: 8 });

/** Each advertisement is liked this much more than the next: a few lead, as in life. */
const PREFERENCE = 1.45;

/** A timer that ran late makes up for what it missed, but a page that slept does not click for the whole night. */
const BURST_MAX = 50;

const TICK_MS = 100;

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** @param click tracks one click with these attributes */
export function setUpVisitors(click: (attributes: Attributes) => void): void {
  const button = byId("visitors", HTMLButtonElement);
  const rate = byId("rate", HTMLSelectElement);
  const ads = [...document.querySelectorAll<HTMLElement>("[data-ad-id]")];
  const chooseAd = weighted(Object.fromEntries(ads.map((_, index) => [index, PREFERENCE ** -index])));
  let timer: ReturnType<typeof setInterval> | undefined;

  const start = () => {
    let due = 0;
    let before = performance.now();
    timer = setInterval(() => {
      const now = performance.now();
      due = Math.min(BURST_MAX, due + ((now - before) / 1_000) * Number(rate.value));
      before = now;
      for (; due >= 1; due--) {
        const ad = ads[Number(chooseAd())];
        if (ad === undefined) return;
        click({ ...ad.dataset, country: COUNTRIES(), device: DEVICES() });
        flash(ad);
      }
    }, TICK_MS);
  };

  button.addEventListener("click", () => {
    if (timer === undefined) start();
    else clearInterval(timer);
    const running = button.getAttribute("aria-pressed") !== "true";
    if (!running) timer = undefined;
    button.setAttribute("aria-pressed", String(running));
    setText(button, running ? "Stop" : "Click for me");
  });
}

/** Shows which advertisement was clicked, where motion is welcome. */
function flash(ad: HTMLElement): void {
  if (STILL.matches) return;
  ad.animate(
    [
      { transform: "scale(0.98)", opacity: 0.75 },
      { transform: "none", opacity: 1 },
    ],
    { duration: 240 },
  );
}

/** A draw among names, each with its weight. */
function weighted(weights: Readonly<Record<string, number>>): () => string {
  const names = Object.keys(weights);
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  return () => {
    let left = Math.random() * total;
    return names.find((name) => (left -= weights[name] ?? 0) < 0) ?? names[0] ?? "";
  };
}
