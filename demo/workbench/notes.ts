/** Who does something, and why. Who it is stays in this page's memory, so that it is asked for once. */
import type { Note } from "../api.ts";
import type { Field } from "../dialog.ts";

let lastBy = "";

/** What a decision asks for. */
export const noteFields = (): readonly Field[] => [
  { name: "reason", label: "Why", hint: "Stands in the ledger, for whoever asks later.", required: true },
  { name: "by", label: "Who", hint: "Your name; the admin key has none of its own.", value: lastBy },
];

/** What is empty is left out: the edge has words of its own for it. */
export function noteFrom(entered: (name: string) => string): Note {
  const [reason, by] = [entered("reason"), entered("by")];
  lastBy = by;
  return { ...(by !== "" && { by }), ...(reason !== "" && { reason }) };
}
