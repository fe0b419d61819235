/**
 * Asks for the admin key when something needs it. It lives in this tab's memory, nowhere else: a reload asks again. What
 * needs it stands either open or locked, with a word on what opens it.
 */
import { type Api, ApiProblem } from "./api.ts";
import { openDialog } from "./dialog.ts";
import { byId } from "./dom.ts";

const LOCKED = ["log", "views"];

/** @param onChange called when a key was taken, or forgotten */
export function offerUnlocking(api: Api, onChange: () => void): void {
  document.addEventListener("click", ({ target }) => {
    if (!(target instanceof Element)) return;
    if (target.closest("[data-action=unlock]") !== null) void askForKey(api, onChange);
    if (target.closest("[data-action=lock]") !== null) void api.unlock("").then(onChange);
  });
}

const askForKey = (api: Api, onChange: () => void): Promise<void> =>
  openDialog({
    title: "Admin key",
    body: ["It shows the log and the views, and lets you start replays and switch rules."],
    fields: [
      {
        name: "key",
        label: "Admin key",
        hint: "Kept in this tab’s memory only: not stored, not in the address, gone with a reload.",
        secret: true,
        required: true,
      },
    ],
    action: "Unlock",
    submit: async (entered) => {
      await api.unlock(entered("key")).catch((error: unknown) => {
        if (!(error instanceof ApiProblem) || error.status > 403) throw error;
        throw new ApiProblem(error.status, error.code, "The edge does not take this key");
      });
      onChange();
    },
  });

export function showUnlocked(open: boolean): void {
  for (const name of LOCKED) {
    byId(`${name}-panel`, HTMLElement).hidden = !open;
    byId(`${name}-locked`, HTMLElement).hidden = open;
  }
  byId("forget-key", HTMLElement).hidden = !open;
}
