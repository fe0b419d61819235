/** One log with its producer and its candidate for leader: put together here, replaced as a whole if its storage fails. */
import { TabChannel } from "./channel.ts";
import { Leadership } from "./leader.ts";
import { PAGE_LIMITS, SEND_LIMITS } from "./limits.ts";
import { openIdbLog } from "./log/idb-log.ts";
import { LOG_LIMITS } from "./log/limits.ts";
import type { Log, LogOptions } from "./log/log.ts";
import { MemoryLog } from "./log/memory-log.ts";
import { Producer, type ProducerListener } from "./producer.ts";
import { randomId } from "./random.ts";
import { createSend } from "./transport.ts";
import type { HostConfig } from "./worker-api.ts";

/** Bounds of the hide-time tail. */
export const TAIL_BOUNDS = {
  eventsMax: SEND_LIMITS.batchEventsMax,
  bytesMax: PAGE_LIMITS.tailBytesMax - PAGE_LIMITS.tailEnvelopeBytes,
};

export interface LogAtWork {
  readonly log: Log;
  readonly producer: Producer;
  readonly leadership: Leadership;
}

export interface WorkListener extends ProducerListener {
  onLeader(leader: boolean): void;
  /** A term ended in this. */
  onTermFailed(error: unknown): void;
}

/**
 * A log that can be opened but not used is none: a dead process may hold a transaction that blocks all others.
 *
 * @throws if there is no usable IndexedDB
 */
export async function openDiskLog(
  config: HostConfig,
  hooks: Pick<LogOptions, "onDisconnect" | "onCleared">,
): Promise<Log> {
  const log = await openIdbLog(config.name, { ...logOptions(config), ...hooks });
  await log.state();
  return log;
}

export const createMemoryLog = (config: HostConfig): Log => new MemoryLog(logOptions(config));

/** Stands for leader at once. */
export function putToWork(log: Log, config: HostConfig, listener: WorkListener): LogAtWork {
  const producer = new Producer(
    {
      log,
      send: createSend(config),
      now: Date.now,
      random: Math.random,
      batchEvents: config.batchEvents,
      lingerMs: config.lingerMs,
      logAgeMaxMs: config.logAgeMaxMs,
      idleMs: TabChannel.available ? SEND_LIMITS.idleMs : SEND_LIMITS.idleAloneMs,
    },
    listener,
  );
  const leadership = new Leadership({
    log,
    name: config.name,
    // A log in memory is this page's alone: it must not wait for other tabs, nor keep them waiting.
    locks: log.durability === "disk" ? webLocks() : null,
    now: Date.now,
    randomId,
    lead: (term, signal) => producer.run(term, signal),
    onChange: (leader) => listener.onLeader(leader),
    onError: (error) => listener.onTermFailed(error),
  });
  leadership.stand();
  return { log, producer, leadership };
}

const logOptions = (config: HostConfig): LogOptions => ({
  eventsMax: Math.min(config.logEventsMax, LOG_LIMITS.eventsMax),
  bytesMax: Math.min(config.logBytesMax, LOG_LIMITS.bytesMax),
  randomId,
  sendableBytesMax: TAIL_BOUNDS.bytesMax,
});

/** Undefined in insecure contexts; and in sandboxed frames it is there, but refuses. */
function webLocks(): LockManager | null {
  return navigator.locks ?? null;
}
