/**
 * Pushes the configuration to the partitions, and remembers which version each of them holds: whoever already has the
 * newest one is left alone, and who could not be reached is told at the next push. Lacks any say in when that is.
 *
 * Pushes may overlap and arrive out of order: partitions refuse what is older than what they have.
 */
import type { Result } from "#protocol";
import type { ConfigFailure } from "../partition/rpc.ts";
import { partitionConfigs } from "./configuration.ts";
import { callPartitions, type Partitions } from "./partitions.ts";
import type { StreamState } from "./state.ts";

export class Push {
  /** By partition: the newest version that it has answered for. In memory only: telling one twice does no harm. */
  readonly #held = new Map<number, number>();

  /** What is known without asking: every partition holds `pushedVersion`. */
  constructor(state: StreamState | null) {
    if (state === null) return;
    for (let partition = 0; partition < state.settings.partitions; partition++) {
      this.#held.set(partition, state.pushedVersion);
    }
  }

  heldBy(partition: number): number {
    return this.#held.get(partition) ?? 0;
  }

  /** Whether every partition is known to hold the configuration, or a newer one. */
  isComplete({ version, settings }: StreamState): boolean {
    for (let partition = 0; partition < settings.partitions; partition++) {
      if (this.heldBy(partition) < version) return false;
    }
    return true;
  }

  /** A partition turned out not to hold what it had answered for. */
  forget(partition: number): void {
    this.#held.delete(partition);
  }

  /** Tells every partition that is not known to hold the configuration, and waits until each has answered or failed to. */
  async run(state: StreamState, partitions: Partitions): Promise<void> {
    const configs = partitionConfigs(state).filter(({ partition }) => this.heldBy(partition) < state.version);
    const byPartition = new Map(configs.map((config) => [config.partition, config]));
    await callPartitions(
      partitions,
      async (stub, partition) => {
        const config = byPartition.get(partition);
        if (config === undefined) return;
        const held = versionHeld(await stub.configure(config), config.version);
        if (held !== null) this.#held.set(partition, Math.max(this.heldBy(partition), held));
      },
      [...byPartition.keys()],
    );
  }
}

/** The version that a partition holds after it was told `pushed`; null if it took none. */
function versionHeld(answer: Result<null, ConfigFailure>, pushed: number): number | null {
  if (answer.ok) return pushed;
  return answer.failure.reason === "stale_config" ? answer.failure.version : null;
}
