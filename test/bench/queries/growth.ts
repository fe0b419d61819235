/** Whether an event of a long log takes longer than one of a short log: the same question to logs of all sizes, in one run. */
import type { Engine } from "./contender.ts";
import { type Question, QUESTIONS } from "./definitions.ts";
import { measure, median, pairedRatio } from "./measure.ts";
import type { Growth } from "./results.ts";

/** @param logs Headwater over logs of each size, the smallest first */
export async function measureGrowth(
  logs: readonly { readonly events: number; readonly engine: Engine }[],
  rounds: number,
): Promise<Growth[]> {
  const question = QUESTIONS[0] as Question;
  const runners = logs.flatMap(({ events, engine }) =>
    engine.contenders.map((contender) => ({ id: String(events), prepare: () => contender.prepare(question) })),
  );
  const times = await measure(runners, rounds);
  const perEvent = logs.map(({ events }) => (times.get(String(events))?.wall ?? []).map((ms) => (1e6 * ms) / events));
  return logs.map(({ events }, i) => ({
    events,
    nanosecondsPerEvent: median(perEvent[i] ?? []),
    ratio: pairedRatio(perEvent[i] ?? [], perEvent[0] ?? []),
  }));
}
