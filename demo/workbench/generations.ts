/** Which generations a view has and had, as far as the edge remembers their replays. Pure. */
import type { Replay, View } from "../api-schemas.ts";
import { differences } from "./replay-words.ts";

export interface Generation {
  readonly generation: number;
  readonly standing: "answers" | "stands-by" | "open" | "gone";
  readonly words: string;
  /** null: no replay is remembered that built it. */
  readonly startedAt: number | null;
  readonly changed: string;
}

/** The newest first. A verification makes no generation that could answer. */
export function generationsOf(view: View, jobs: readonly Replay[]): readonly Generation[] {
  const builds = jobs.filter(({ mode, view: of }) => mode === "build" && of === view.name);
  const numbers = new Set(builds.map(({ generation }) => generation));
  for (const one of [view.generation, view.previousGeneration]) if (one !== null) numbers.add(one);
  return [...numbers]
    .sort((a, b) => b - a)
    .map((generation) => {
      const job = builds.find((one) => one.generation === generation);
      return {
        generation,
        ...standingOf(generation, view, job),
        startedAt: job?.startedAt ?? null,
        changed: job?.diff ? differences(job) : "–",
      };
    });
}

function standingOf(generation: number, view: View, job: Replay | undefined): Pick<Generation, "standing" | "words"> {
  if (generation === view.generation) return { standing: "answers", words: "Answers" };
  if (generation === view.previousGeneration) return { standing: "stands-by", words: "Stands by, follows every click" };
  switch (job?.state) {
    case "running":
      return { standing: "open", words: "Is being built" };
    case "caught-up":
      return { standing: "open", words: "Has caught up, waits for a decision" };
    case "promoted":
      return { standing: "gone", words: "Answered once" };
    case "failed":
      return { standing: "gone", words: "Failed" };
    default:
      return { standing: "gone", words: "Dropped" };
  }
}
