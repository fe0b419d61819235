/** What may happen during a soak, and how often beside the others. */
import { setTimeout as delay } from "node:timers/promises";
import type { Fault, FaultProxy } from "../support/fault-proxy.ts";
import type { Server } from "../support/server.ts";
import type { Tabs } from "./tabs.ts";

/** What the actions act upon. */
export interface World {
  readonly tabs: Tabs;
  readonly proxy: FaultProxy;
  readonly server: Server;
  readonly dice: () => number;
}

export interface Action {
  readonly name: string;
  /** How likely it is beside the others. */
  readonly weight: number;
  readonly run: (world: World) => Promise<void>;
}

/** For some seconds, the edge fails in this way; or it befalls some requests. */
const fails = (fault: Fault, weight: number): Action => ({
  name: fault,
  weight,
  run: async ({ proxy, dice }) => {
    proxy.fail(fault, dice() < 0.5 ? 1 + Math.floor(dice() * 3) : Infinity);
    await delay(300 + dice() * 3_000);
    proxy.fail("none");
  },
});

export const ACTIONS: readonly Action[] = [
  { name: "open", weight: 6, run: ({ tabs }) => tabs.open() },
  { name: "close", weight: 4, run: ({ tabs, dice }) => tabs.close(dice) },
  { name: "crash", weight: 3, run: ({ tabs, dice }) => tabs.crash(dice) },
  { name: "reload", weight: 3, run: ({ tabs, dice }) => tabs.reload(dice) },
  { name: "away and back", weight: 4, run: ({ tabs, dice }) => tabs.awayAndBack(dice) },
  { name: "away", weight: 2, run: ({ tabs, dice }) => tabs.away(dice) },
  { name: "freeze", weight: 2, run: ({ tabs, dice }) => tabs.freeze(1_000 + dice() * 9_000) },
  { name: "worker death", weight: 2, run: ({ tabs, dice }) => tabs.killWorker(dice) },
  {
    name: "offline",
    weight: 2,
    run: async ({ tabs, dice }) => {
      await tabs.offline();
      await delay(500 + dice() * 4_000);
      await tabs.online();
    },
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
    run: async ({ server, dice }) => {
      await server.kill();
      await delay(dice() * 2_000);
      await server.restart();
    },
  },
  fails("slow", 2),
  fails("hang", 2),
  fails("drop before", 3),
  fails("drop after", 4),
  fails("429", 2),
  fails("503", 2),
];

const TOTAL = ACTIONS.reduce((sum, { weight }) => sum + weight, 0);

export function pickAction(dice: () => number): Action {
  let at = dice() * TOTAL;
  const found = ACTIONS.find(({ weight }) => (at -= weight) < 0);
  if (found === undefined) throw new Error("assertion failed: weights add up");
  return found;
}
