/**
 * The page of the soak: tracks clicks by itself, at random moments, and tells the harness which of them it was told to be
 * durable. It needs nobody to talk to it, so it goes on in whatever state the harness has put it: in a tab whose renderer
 * was stopped, or one that came back from the back/forward cache.
 */
import { createTracker } from "headwater";
import type { Heard, Told } from "./ledger.ts";

const options = JSON.parse(new URL(location.href).searchParams.get("tracker") ?? "{}");
const lane = crypto.getRandomValues(new Uint32Array(2)).join("-");

/** How often it tells the harness, and how long it pauses at most between two bursts. */
const TELL_MS = 100;
const PAUSE_MAX_MS = 300;

let next = 0;
let stopped = false;
let tracked: string[] = [];
let durable: string[] = [];
let drops: Told["drops"][number][] = [];
let restored = 0;

const tracker = createTracker({ ...options, onDrop: ({ reason, count }) => drops.push({ reason, count }) });

function burst(size: number): void {
  for (let i = 0; i < size; i++) {
    const id = `${lane}-${next++}`;
    tracked.push(id);
    tracker.click("ad-1", { id }).then(
      ({ durability }) => durability === "disk" && durable.push(id),
      // Refused: nobody was told that it is safe.
      () => {},
    );
  }
}

function run(): void {
  if (stopped) return;
  const dice = Math.random();
  burst(dice < 0.9 ? 1 + Math.floor(dice * 3) : dice < 0.99 ? 30 : 300);
  setTimeout(run, Math.random() * PAUSE_MAX_MS);
}

async function tell(): Promise<void> {
  const told: Told = { lane, tracked, durable, drops, restored, status: tracker.status() };
  [tracked, durable, drops, restored] = [[], [], [], 0];
  try {
    const response = await fetch("/told", { method: "POST", body: JSON.stringify(told) });
    const heard = (await response.json()) as Heard;
    stopped = heard.stop;
  } catch {
    // Offline. It must be heard nevertheless: this tab may crash before it is online again.
    console.debug(JSON.stringify(told));
  }
  setTimeout(() => void tell(), TELL_MS);
}

// What is tracked in the very moment of leaving has least time to become durable.
window.addEventListener("pagehide", () => stopped || burst(2));
window.addEventListener("pageshow", ({ persisted }) => persisted && restored++);
run();
void tell();
