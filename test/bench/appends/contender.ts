/** What the append bench measures, whatever it is: something that takes batches of clicks over connections. */
import type { Click } from "./clicks.ts";

/** One client: it sends a batch, and waits until that is durable, before it sends the next. */
export interface Client {
  /**
   * Resolves when the batch is acknowledged as durable, to the codes of the refusals before: told to come back later, it does.
   * Rejects if the batch was refused for good.
   */
  send(): Promise<readonly string[]>;
  close(): void;
}

export interface Contender {
  readonly name: string;
  /** The pid of the server: what it holds in memory and takes of the processor can be looked up. */
  readonly pid: number;
  /** Which batches it is asked to take; absent: all. */
  readonly takes?: (load: Load) => boolean;
  /** Clients that are connected and have everything prepared, so that measuring them measures the server. */
  connect(load: Load, clicks: readonly Click[]): Promise<readonly Client[]>;
  /** How many events its log has taken in, where it can say: a rate counts if that is all that were acknowledged. */
  readonly stored?: () => Promise<number>;
  stop(): Promise<void>;
}

export interface Load {
  /** Clicks of one batch. */
  readonly batch: number;
  readonly connections: number;
}

/** A peer that is not on this machine. */
export interface Skipped {
  readonly name: string;
  readonly skipped: string;
}

/** What `send` answers where nothing was refused. */
export const NO_REFUSALS: readonly string[] = [];

/** Each client cycles through this many batches of its own, prepared before the clock runs. */
const batchesPrepared = ({ batch, connections }: Load): number =>
  Math.max(1, Math.min(256, Math.floor(65_536 / (batch * Math.min(connections, 8)))));

/** The clicks of a client's n-th batch. */
function clicksOf(clicks: readonly Click[], { batch }: Load, client: number, n: number): readonly Click[] {
  const from = ((client * 7919 + n) * batch) % Math.max(1, clicks.length - batch + 1);
  return clicks.slice(from, from + batch);
}

/** All batches of a client, in the form in which its server takes them. */
export const prepareBatches = <T>(
  load: Load,
  clicks: readonly Click[],
  client: number,
  encode: (batch: readonly Click[], n: number) => T,
): readonly T[] =>
  Array.from({ length: batchesPrepared(load) }, (_, n) => encode(clicksOf(clicks, load, client, n), n));
