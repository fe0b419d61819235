/** The decisions that change which numbers are answered: each says first what it does, and is asked for again. */
import type { Api } from "../api.ts";
import type { Replay, View } from "../api-schemas.ts";
import { openDialog } from "../dialog.ts";
import { create } from "../dom.ts";
import { noteFields, noteFrom } from "./notes.ts";
import { differences, rollBackWords, totalsOf } from "./replay-words.ts";

export const askToPromote = (api: Api, job: Replay): Promise<void> =>
  openDialog({
    title: `Let generation ${job.generation} answer?`,
    body: [
      job.diff
        ? differences(job)
        : `There is no comparison: ${job.error ?? "nothing says why"}. What it changes is not known.`,
      ...(job.diff ? [totalsList(job)] : []),
      `From then on ${job.view} is answered by generation ${job.generation}. The one before goes on following, so that you can return at once.`,
    ],
    fields: noteFields(),
    action: "Promote",
    submit: (entered) => api.promote(job.id, noteFrom(entered)),
  });

export const askToCancel = (api: Api, job: Replay): Promise<void> =>
  openDialog({
    title: `Drop generation ${job.generation}?`,
    body: ["What this replay has built is deleted. The answers do not change."],
    fields: [],
    action: "Drop it",
    submit: () => api.cancel(job.id),
  });

export async function askToRollBack(api: Api, view: View): Promise<void> {
  const { name, generation, previousGeneration: to } = view;
  if (to === null) return;
  await openDialog({
    title: `${rollBackWords(view)}?`,
    body: [
      `${name} is answered by generation ${generation} now. Generation ${to} has followed every click since, and answers at once.`,
    ],
    fields: noteFields(),
    action: rollBackWords(view),
    submit: (entered) => api.rollBack(name, to, noteFrom(entered)),
  });
}

const totalsList = (job: Replay): HTMLElement =>
  create(
    "ul",
    { class: "totals" },
    ...totalsOf(job).map(({ measure, before, after, change }) =>
      create("li", {}, create("strong", {}, measure), ` ${before} → ${after}, ${change}`),
    ),
  );
