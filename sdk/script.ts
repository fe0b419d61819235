/**
 * The script tag:
 *
 *   <script async src="https://events.example.com/headwater.js" data-stream="clicks" data-key="wk_…" data-autocapture></script>
 *
 * then `window.headwater.track("click", { adId: "ad-42" })`. Further attributes: `data-endpoint` (default: where the script
 * came from), `data-consent` (`granted`, `denied`, `pending`), `data-respect-gpc="false"`, `data-worker-url`.
 *
 * Calls made before it has loaded are kept, with their times, by this line in front of it:
 *
 *   <script>window.headwater||(window.headwater=new Proxy({q:[]},{get:(t,m)=>m=="q"?t.q:(...a)=>{t.q.push([m,a,Date.now()])}}))</script>
 */
import { createTracker } from "./index.ts";
import type { Attributes, Consent, Tracker } from "./types.ts";

/** What the stub has kept. */
interface Queue {
  readonly q?: readonly (readonly [method: string, args: readonly unknown[], time: number])[];
}

declare global {
  interface Window {
    headwater?: Tracker | Queue;
  }
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement) {
  const { stream, key, endpoint, autocapture, consent, respectGpc, workerUrl } = script.dataset;
  const queue = (window.headwater as Queue | undefined)?.q;
  const tracker = createTracker({
    endpoint: endpoint ?? new URL(script.src, location.href).origin,
    stream: stream ?? "",
    writeKey: key ?? "",
    autocapture: autocapture !== undefined && autocapture !== "false",
    respectGpc: respectGpc !== "false",
    onError: ({ code, detail }) => console.warn(`headwater: ${code}: ${detail}`),
    ...(consent !== undefined && { consent: consent as Consent }),
    ...(workerUrl !== undefined && { workerUrl }),
  });
  window.headwater = tracker;
  for (const [method, args, time] of queue ?? []) replay(tracker, method, args, time);
}

/** Makes a kept call, as of when it was made. What came from a page's own code is checked by the tracker. */
function replay(tracker: Tracker, method: string, args: readonly unknown[], time: number): void {
  const [first, second] = args;
  const attributes = { time, ...(second as Attributes) };
  if (method === "track") void tracker.track(first as string, attributes);
  else if (method === "click") void tracker.click(first as string, attributes);
  else if (method === "setContext") tracker.setContext(first as Attributes);
  else if (method === "setConsent") tracker.setConsent(first as Consent);
  else if (method === "optOut") void tracker.optOut();
}
