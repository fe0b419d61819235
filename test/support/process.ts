// Ends whole families of processes: what a crash test kills must leave nobody behind that goes on writing.
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** What was killed vanishes once its parent, or init, has reaped it; some containers' init never does. */
const REAP_TIMEOUT_MS = 3_000;

/** Sends SIGKILL to a process group; nothing happens if it is gone already. */
export function killGroup(leaderPid: number): void {
  signalQuietly(-leaderPid, "SIGKILL");
}

/**
 * Sends SIGKILL to a process and everything that descends from it. Chromium starts its zygotes and its crash handler in
 * groups of their own, so killing one group does not do. Everyone is stopped first: then nobody can be born meanwhile.
 */
export function killTree(rootPid: number): void {
  const pids = [rootPid, ...descendantsOf(rootPid)];
  for (const pid of pids) signalQuietly(pid, "SIGSTOP");
  for (const pid of new Set([...pids, ...descendantsOf(rootPid)])) signalQuietly(pid, "SIGKILL");
}

/** Resolves when a process, or with a negative number a process group, is gone. */
export async function untilGone(pid: number): Promise<void> {
  const deadline = Date.now() + REAP_TIMEOUT_MS;
  while (exists(pid) && Date.now() < deadline) await delay(10);
}

/**
 * Memory that a process and all that descend from it hold in RAM, in bytes; pages they share are counted for each. Linux
 * only; elsewhere 0.
 */
export function residentBytes(rootPid: number): number {
  let pages = 0;
  for (const pid of [rootPid, ...descendantsOf(rootPid)]) {
    try {
      pages += Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
    } catch {
      // Gone since the listing, or no /proc here.
    }
  }
  return pages * PAGE_BYTES;
}

/** Time that a process has worked so far, in the system's ticks. Linux only; elsewhere, and for one that is gone, 0. */
export function cpuTicks(pid: number): number {
  try {
    // "pid (name) state …", user and system time as the 14th and 15th field; the name may hold spaces and brackets.
    const afterName = readFileSync(`/proc/${pid}/stat`, "utf8").split(")").at(-1)?.trim().split(" ") ?? [];
    return Number(afterName[11]) + Number(afterName[12]);
  } catch {
    return 0;
  }
}

/** Of every Linux that the project is tested on. */
const PAGE_BYTES = 4096;

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Linux only: read from /proc. Elsewhere there are none to see, and only the root is killed. */
function descendantsOf(rootPid: number): number[] {
  const children = new Map<number, number[]>();
  for (const { pid, parent } of processes()) children.set(parent, [...(children.get(parent) ?? []), pid]);
  const found: number[] = [];
  const queue = [rootPid];
  for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
    const born = children.get(pid) ?? [];
    found.push(...born);
    queue.push(...born);
  }
  return found;
}

function processes(): { pid: number; parent: number }[] {
  const pids = process.platform === "linux" ? readdirSync("/proc").filter((name) => /^\d+$/.test(name)) : [];
  return pids.flatMap((pid) => {
    try {
      // "pid (name) state parent …"; the name may hold spaces and brackets, so count from its last bracket.
      const afterName = readFileSync(`/proc/${pid}/stat`, "utf8").split(")").at(-1) ?? "";
      return [{ pid: Number(pid), parent: Number(afterName.trim().split(" ")[1]) }];
    } catch {
      return []; // gone since the listing
    }
  });
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
