// What a page of its own takes from the SDK, for tests that put their own page together. Runs in the browser.
import { autocapture } from "../../sdk/autocapture.ts";
import { createTracker } from "headwater";

declare global {
  interface Window {
    parts: { readonly autocapture: typeof autocapture; readonly createTracker: typeof createTracker };
  }
}

window.parts = { autocapture, createTracker };
