/** `--events 1000000,10000000 --rounds 9 --only q1,q2 --picture docs/bench.svg`. */
import { parseArgs } from "node:util";
import { QUESTIONS } from "./definitions.ts";

export interface BenchArguments {
  /** Sizes to measure, in events. */
  readonly events: readonly number[];
  readonly rounds: number;
  /** Whether a question is asked: `q1` asks that one, `q2`, which is none, asks all that begin with it. */
  asks(id: string): boolean;
  /** Where the chart of the largest size goes. */
  readonly picture: string | null;
}

/** What finishes in minutes on two cores. A hundred million are measured when asked for. */
const EVENTS_DEFAULT = "1000000,10000000";
const ROUNDS_DEFAULT = "9";

export function parseArguments(args: readonly string[]): BenchArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: "string", default: EVENTS_DEFAULT },
      rounds: { type: "string", default: ROUNDS_DEFAULT },
      only: { type: "string" },
      picture: { type: "string" },
    },
  });
  const only = values.only?.split(",");
  return {
    events: values.events.split(",").map((text) => positive("events", text)),
    rounds: positive("rounds", values.rounds),
    picture: values.picture ?? null,
    asks: (id) =>
      only === undefined || only.some((name) => id === name || (!isQuestion(name) && id.startsWith(`${name}-`))),
  };
}

const isQuestion = (name: string): boolean => QUESTIONS.some(({ id }) => id === name);

function positive(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number <= 0) throw new Error(`--${name} wants whole numbers, not "${text}"`);
  return number;
}
