/**
 * A page's life as far as the SDK is concerned. One place, because browsers do not agree on it:
 *
 * - `visibilitychange` is the last that a mobile browser surely tells (https://developer.chrome.com/docs/web-platform/page-lifecycle-api);
 *   Safari needs `pagehide` too (https://bugs.webkit.org/show_bug.cgi?id=151610). Chromium: pagehide, hidden, freeze.
 * - `pagehide` and `pageshow` reach the window only, `freeze` and `resume` the document only (Chromium alone has them).
 * - Never `unload` or `beforeunload`: they cost the page its place in the back/forward cache.
 */
export interface Life {
  /** Nobody looks any more, and the page may never run again: what is to be said has to be said now. May come twice. */
  readonly hidden: () => void;
  /** The page stops running, for a while or for good: what others wait for has to be let go. May come twice. */
  readonly stopped: () => void;
  /** It runs again. */
  readonly restarted: () => void;
  /** Somebody looks again. */
  readonly shown: () => void;
  readonly online: () => void;
}

/** Listens until the signal is aborted. */
export function watchLife(life: Life, signal: AbortSignal): void {
  const options = { capture: true, passive: true, signal };
  const stop = () => {
    life.hidden();
    life.stopped();
  };
  document.addEventListener(
    "visibilitychange",
    () => (document.visibilityState === "hidden" ? life.hidden() : life.shown()),
    options,
  );
  document.addEventListener("freeze", stop, options);
  document.addEventListener("resume", life.restarted, options);
  window.addEventListener("pagehide", stop, options);
  window.addEventListener("pageshow", ({ persisted }) => persisted && life.restarted(), options);
  window.addEventListener("online", life.online, options);
}

/** A page that is only prerendered may never be seen, and must not be counted. */
export const isPrerendered = (): boolean => (document as { prerendering?: boolean }).prerendering === true;

/** Resolves once a person can see a page that was prerendered. */
export const whenActivated = (): Promise<void> =>
  new Promise((resolve) =>
    document.addEventListener("prerenderingchange", () => resolve(), { once: true, passive: true }),
  );
