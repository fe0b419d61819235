/** The strip under the paper: where the clicks are now, in the tracker's own numbers. */
import type { Status, Tracker } from "../sdk/index.ts";
import { byId, setText } from "./dom.ts";
import { formatCount, plural } from "./format.ts";

export interface Strip {
  /** A click was made on this page. */
  clicked(): void;
  /** The tracker rejected a click. */
  refused(error: unknown): void;
}

/** Fast enough to catch a click between disk and edge, slow enough to cost nothing. */
const LOOK_EVERY_MS = 150;

/** How long a number that has just changed stays lit. */
const LIT_MS = 700;

export function followTracker(tracker: Tracker): Strip {
  let clicks = 0;
  let refusal: string | null = null;
  const clicked = () => showCount("stage-clicked", ++clicks);

  // The tracker captures clicks by itself; this only counts along.
  document.addEventListener("click", ({ target, isTrusted }) => {
    if (isTrusted && target instanceof Element && target.closest("[data-ad-id]") !== null) clicked();
  });
  const look = () => {
    const status = tracker.status();
    showCount("stage-pending", status.pending);
    showCount("stage-acknowledged", status.acknowledged);
    setText(byId("durability", HTMLElement), status.durability === "disk" ? "waiting on disk" : "waiting in memory");
    setText(byId("says", HTMLElement), refusal ?? inWords(status));
  };
  setInterval(look, LOOK_EVERY_MS);
  look();
  return {
    clicked,
    refused(error) {
      refusal = `A click was not kept: ${error instanceof Error ? error.message : String(error)}`;
    },
  };
}

function inWords({ durability, pending, acknowledged, lost, lastError }: Status): string {
  const where = durability === "disk" ? "safe on disk" : "in memory only";
  const waiting = `${plural(pending, "click is", "clicks are")} ${where}`;
  const dropped = Object.values(lost).reduce((sum, count) => sum + count, 0);
  if (dropped > 0) return `${plural(dropped, "click was", "clicks were")} lost: ${Object.keys(lost).join(", ")}.`;
  if (pending > 0 && !navigator.onLine) return `Offline. ${waiting} and will leave when the network is back.`;
  if (pending > 0 && lastError !== undefined) return `${waiting}. The edge said: ${lastError.detail || lastError.code}`;
  if (pending > 0) return `${waiting} and on the way.`;
  if (acknowledged === 0) return "Click an advertisement.";
  return "Every click is acknowledged.";
}

const litUntil = new Map<string, ReturnType<typeof setTimeout>>();

function showCount(stage: string, count: number): void {
  const item = byId(stage, HTMLLIElement);
  const number = item.querySelector(".count");
  const text = formatCount(count);
  if (number === null || number.textContent === text) return;
  number.textContent = text;
  item.classList.add("lit");
  clearTimeout(litUntil.get(stage));
  litUntil.set(
    stage,
    setTimeout(() => item.classList.remove("lit"), LIT_MS),
  );
}
