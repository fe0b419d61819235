/** What may happen during a soak, and how often beside the others. */
import type { Fault, FaultProxy } from "../support/fault-proxy.ts";
import type { Server } from "../support/server.ts";
import { random } from "./random.ts";
import type { Spells } from "./spells.ts";
import type { Tabs } from "./tabs.ts";

/** What the actions act upon. */
export interface World {
  readonly tabs: Tabs;
  readonly proxy: FaultProxy;
  readonly server: Server;
  readonly spells: Spells;
}

export interface Action {
  readonly name: string;
  /** How likely it is beside the others. */
  readonly weight: number;
  readonly run: (world: World, dice: () => number) => Promise<void>;
}

/** For some seconds, the edge fails in this way; or it befalls some requests. */
const fails = (fault: Fault, weight: number): Action => ({
  name: fault,
  weight,
  run: ({ proxy, spells }, dice) =>
    spells.cast("edge", 300 + dice() * 6_000, {
      begin: () => proxy.fail(fault, dice() < 0.5 ? 1 + Math.floor(dice() * 3) : Infinity),
      end: () => proxy.fail("none"),
    }),
});

export const ACTIONS: readonly Action[] = [
  { name: "open", weight: 6, run: ({ tabs }) => tabs.open() },
  { name: "close", weight: 4, run: ({ tabs }, dice) => tabs.close(dice) },
  { name: "crash", weight: 3, run: ({ tabs }, dice) => tabs.crash(dice) },
  { name: "reload", weight: 3, run: ({ tabs }, dice) => tabs.reload(dice) },
  { name: "away and back", weight: 4, run: ({ tabs }, dice) => tabs.awayAndBack(dice) },
  { name: "away", weight: 2, run: ({ tabs }, dice) => tabs.away(dice) },
  { name: "stopped", weight: 2, run: ({ tabs }, dice) => tabs.freeze(1_000 + dice() * 9_000) },
  { name: "worker death", weight: 2, run: ({ tabs }, dice) => tabs.killWorker(dice) },
  { name: "frozen", weight: 2, run: ({ tabs }, dice) => tabs.freezeByEvent(dice) },
  {
    name: "offline",
    weight: 2,
    run: ({ tabs, spells }, dice) =>
      spells.cast("offline", 500 + dice() * 6_000, { begin: () => tabs.offline(), end: () => tabs.online() }),
  },
  {
    name: "browser killed",
    weight: 2,
    run: async ({ tabs }) => {
      await tabs.kill();
      await tabs.launch();
      await tabs.open();
    },
  },
  {
    name: "edge killed",
    weight: 1,
    run: ({ server, spells }, dice) =>
      spells.cast("edge killed", dice() * 3_000, { begin: () => server.kill(), end: () => server.restart() }),
  },
  fails("slow", 2),
  fails("hang", 2),
  fails("drop before", 3),
  fails("drop after", 4),
  fails("429", 2),
  fails("503", 2),
];

const TOTAL = ACTIONS.reduce((sum, { weight }) => sum + weight, 0);

export interface Step {
  readonly action: Action;
  /** Its own: how many another step has thrown depends on what it met. */
  readonly dice: () => number;
}

/** The nth step of a seed's walk: always the same, however long the steps before it took and whatever they met. */
export function planStep(seed: number, n: number): Step {
  const dice = random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(n + 1, 0x85ebca6b));
  let at = dice() * TOTAL;
  const action = ACTIONS.find(({ weight }) => (at -= weight) < 0);
  if (action === undefined) throw new Error("assertion failed: weights add up");
  return { action, dice };
}
