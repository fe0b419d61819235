/** Replays over the API, and one that is watched until it comes to rest. */
import { setTimeout as delay } from "node:timers/promises";
import type { StreamApi } from "./api.ts";
import { REPLAY_LIMITS } from "./limits.ts";
import { showNumber } from "./output.ts";
import { Progress } from "./progress.ts";
import { type Replay, ReplaySchema } from "./replay-schemas.ts";

export const replayPath = (api: StreamApi, id: string, action = ""): string =>
  api.admin(`/replays/${encodeURIComponent(id)}${action}`);

export const getReplay = (api: StreamApi, id: string): Promise<Replay> =>
  api.call(replayPath(api, id), "admin", ReplaySchema);

/** Shows how far a replay has come until it is no longer running. An edge that is away for a while is waited for. */
export async function watchReplay(api: StreamApi, id: string, signal: AbortSignal): Promise<Replay> {
  const progress = new Progress();
  let promotionPolls = 0;
  try {
    for (;;) {
      const replay = await api.callPatiently(replayPath(api, id), "admin", ReplaySchema, signal);
      const isHeld = replay.held !== undefined || replay.error !== undefined;
      const isPromoting = replay.state === "caught-up" && replay.promote === "auto" && !isHeld;
      if (isPromoting) promotionPolls += 1;
      const isAtRest = replay.state !== "running" && !(isPromoting && promotionPolls < REPLAY_LIMITS.promotionPollsMax);
      if (isAtRest) return replay;
      progress.show(replay.progress, detailOf(replay));
      await delay(REPLAY_LIMITS.pollMs, undefined, { signal });
    }
  } finally {
    progress.end();
  }
}

export function detailOf({ recordsDone, recordsTotal, recordsPerSecond, etaMs, paused, partitions }: Replay): string {
  const done = `${showNumber(recordsDone)} of ${showNumber(recordsTotal)} records`;
  const rate = `${showNumber(Math.round(recordsPerSecond))}/s`;
  const silent = partitions.filter((one) => one.silent !== undefined).map(({ partition }) => partition);
  if (silent.length > 0) return `${done}  waiting for partition ${silent.join(", ")}, which does not answer`;
  if (paused) return `${done}  paused`;
  if (recordsDone >= recordsTotal) return `${done}  ${rate}  comparing`;
  return [done, rate, ...(etaMs === null ? [] : [`${showLeft(etaMs)} left`])].join("  ");
}

function showLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
