/**
 * The append bench's table: every contender under every load, one after the other in every round. A load that a contender
 * cannot take is said in its row, and measured no further.
 */
import { execFileSync } from "node:child_process";
import { makeClicks } from "./clicks.ts";
import type { Contender, Load } from "./contender.ts";
import { measure, type Measured } from "./measure.ts";
import { printTable, ratiosOf, showCount, showRatio, showRefusals, spreadOf } from "./report.ts";

const WARM_UP_MS = 500;

export interface Length {
  readonly rounds: number;
  readonly forMs: number;
}

/** @param contenders the first is the one that the others are compared with */
export async function measureLoads(
  contenders: readonly Contender[],
  loads: readonly Load[],
  length: Length,
): Promise<void> {
  const rows: string[][] = [];
  for (const load of loads) {
    const outcomes = await measureLoad(
      contenders.filter(({ takes }) => takes?.(load) ?? true),
      load,
      length,
    );
    const [ours = []] = outcomes.values();
    for (const [{ name }, outcome] of outcomes) {
      rows.push([String(load.batch), String(load.connections), name, ...cellsOf(outcome, ours, load)]);
    }
  }
  const ratio = `${contenders[0]?.name} ÷ it`;
  printTable(["batch", "connections", "contender", "events/s", "p50", "p99", "refused, sent again", ratio], rows);
}

/** What was measured in each round; or in words, why the load could not be taken. */
type Outcome = readonly Measured[] | string;

async function measureLoad(
  contenders: readonly Contender[],
  load: Load,
  { rounds, forMs }: Length,
): Promise<ReadonlyMap<Contender, Outcome>> {
  const outcomes = new Map<Contender, Outcome>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [contender, outcome] of outcomes) {
      if (typeof outcome === "string") continue;
      const next = await runOnce(contender, load, forMs);
      outcomes.set(contender, typeof next === "string" ? next : [...outcome, next]);
    }
  }
  return outcomes;
}

async function runOnce(contender: Contender, load: Load, forMs: number): Promise<Measured | string> {
  let measured: Measured;
  let taken: number;
  try {
    const before = await contender.stored?.();
    measured = await measureConnected(contender, load, forMs);
    taken = ((await contender.stored?.()) ?? NaN) - (before ?? NaN);
  } catch (error) {
    return `failed: ${String(error)}`;
  } finally {
    // Not everybody synchronizes what it writes: whoever comes next must not wait for what was left to the disk.
    execFileSync("sync");
  }
  const acknowledged = measured.acknowledged * load.batch;
  if (contender.stored !== undefined && taken !== acknowledged) {
    throw new Error(`${contender.name} acknowledged ${acknowledged} events, and has ${taken} of them in its log`);
  }
  return measured;
}

async function measureConnected(contender: Contender, load: Load, forMs: number): Promise<Measured> {
  const clients = await contender.connect(load, makeClicks(Date.now()));
  try {
    return await measure(clients, forMs, WARM_UP_MS);
  } finally {
    for (const client of clients) client.close();
  }
}

function cellsOf(outcome: Outcome, ours: Outcome, { batch }: Load): readonly string[] {
  if (typeof outcome === "string") return [outcome, "", "", "", ""];
  const rate = (rounds: readonly Measured[]) => rounds.map(({ batchesPerSecond }) => batchesPerSecond * batch);
  const { median, least, greatest } = spreadOf(rate(outcome));
  return [
    `${showCount(median)} (${showCount(least)}–${showCount(greatest)})`,
    `${spreadOf(outcome.map(({ p50Ms }) => p50Ms)).median.toFixed(1)} ms`,
    `${spreadOf(outcome.map(({ p99Ms }) => p99Ms)).median.toFixed(1)} ms`,
    refusalsOf(outcome),
    typeof ours === "string" || ours === outcome ? "" : showRatio(ratiosOf(rate(ours), rate(outcome))),
  ];
}

function refusalsOf(rounds: readonly Measured[]): string {
  const refusals = new Map<string, number>();
  let sent = 0;
  for (const round of rounds) {
    sent += round.acknowledged;
    for (const [code, count] of round.refusals) {
      sent += count;
      refusals.set(code, (refusals.get(code) ?? 0) + count);
    }
  }
  return showRefusals(sent, refusals);
}
