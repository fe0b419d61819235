/** The rung that needs nothing of the browser but itself: the working half on the page. Loaded only where no worker can be had. */
import { Host } from "./host.ts";
import type { Rung } from "./rung.ts";

export function pageRung(): Rung {
  // Nobody else can end it: it lives as long as the page.
  const api = new Host();
  return { api, died: new Promise(() => {}), die: () => api.close() };
}
