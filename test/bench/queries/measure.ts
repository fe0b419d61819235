/**
 * Times that can be compared: contenders are asked one right after the other, in rounds, each round in another order, and
 * what is reported is the median of the ratios within rounds. A machine that is busy for a while slows a whole round, and leaves
 * its ratios alone.
 *
 * Whoever is asked is asked for a while before its time is taken, and short questions are asked many times in a row: so
 * all are as warm as in their tenth question, files in memory and code compiled, and no clock is too coarse.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Answer } from "./contender.ts";

export interface Runner {
  readonly id: string;
  /** Before the clock runs. */
  prepare(): Promise<() => Answer | Promise<Answer>>;
}

/** For so long is a question asked, again and again if it is short: before its time is taken, and while it is. */
const ASKED_MS = 100;

/** Milliseconds of one runner for one question, by round. */
export interface Times {
  readonly wall: number[];
  /** Of the processor, all threads of this process: less of it is noise when others use the machine too. */
  readonly processor: number[];
}

// Collections that are forced make code look as if it had not been used for long, and it would be thrown away.
setFlagsFromString("--no-flush-bytecode");
setFlagsFromString("--expose-gc");
export const collectGarbage = runInNewContext("gc") as () => void;

export async function measure(runners: readonly Runner[], rounds: number): Promise<ReadonlyMap<string, Times>> {
  const times = new Map(runners.map(({ id }): [string, Times] => [id, { wall: [], processor: [] }]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < runners.length; i++) {
      const runner = runners[(round + i) % runners.length] as Runner;
      const ask = await runner.prepare();
      await askFor(ASKED_MS, ask);
      // So that nobody pays for another one's garbage.
      collectGarbage();
      const usage = process.cpuUsage();
      const start = performance.now();
      const asked = await askFor(ASKED_MS, ask);
      times.get(runner.id)?.wall.push((performance.now() - start) / asked);
      const { user, system } = process.cpuUsage(usage);
      times.get(runner.id)?.processor.push((user + system) / 1_000 / asked);
    }
  }
  return times;
}

/** Asks once, and again until so much time has passed. @returns how often */
async function askFor(ms: number, ask: () => Answer | Promise<Answer>): Promise<number> {
  const start = performance.now();
  let asked = 0;
  do {
    await ask();
    asked += 1;
  } while (performance.now() - start < ms);
  return asked;
}

/** The value below which this share of the values lies, between two of them if need be. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] as number;
  const above = sorted[Math.ceil(at)] as number;
  return below + (above - below) * (at - Math.floor(at));
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export interface Ratio {
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
}

/** How many times longer `peer` took than `own`: the median over rounds, and the quartiles. */
export function pairedRatio(peer: readonly number[], own: readonly number[]): Ratio {
  const ratios = peer.map((time, round) => time / (own[round] as number));
  return { median: median(ratios), lower: quantile(ratios, 0.25), upper: quantile(ratios, 0.75) };
}
