/**
 * Partitions that do what a test says: fail, hang back, lose their memory. They keep to the contract of
 * edge/partition/rpc.ts, and outlive the stream's object, so that it can crash beside them.
 */
import { fail, ok } from "#protocol";
import type {
  GenerationStatus,
  PartitionConfig,
  ComparedDay,
  PartitionRpc,
  PartitionStatus,
} from "../../../edge/partition/rpc.ts";

const NO_DAY: ComparedDay = { day: null, before: [], after: [], both: [], values: [] };

export class ScriptedPartitions {
  readonly #all = new Map<string, ScriptedPartition>();
  /** Whether a new generation has caught up by the time that it is first asked about. */
  instant = true;
  /** False: as on a local platform. */
  hasJurisdictions = true;

  get namespace(): DurableObjectNamespace {
    const namespace = {
      getByName: (name: string) => this.named(name),
      jurisdiction: (where: string) => {
        if (!this.hasJurisdictions) throw new Error("Jurisdiction restrictions are not implemented in workerd.");
        return { getByName: (name: string) => this.named(`${where}:${name}`) };
      },
    };
    return namespace as unknown as DurableObjectNamespace;
  }

  named(name: string): ScriptedPartition {
    const known = this.#all.get(name) ?? new ScriptedPartition(this);
    this.#all.set(name, known);
    return known;
  }

  get names(): readonly string[] {
    return [...this.#all.keys()];
  }

  get all(): readonly ScriptedPartition[] {
    return [...this.#all.values()];
  }

  /** What every partition says of a generation from now on. */
  report(view: string, generation: number, changes: Partial<GenerationStatus>): void {
    for (const partition of this.all) partition.report(view, generation, changes);
  }
}

export class ScriptedPartition implements PartitionRpc {
  readonly #owner: ScriptedPartitions;
  readonly #reports = new Map<string, Partial<GenerationStatus>>();
  config: PartitionConfig | null = null;
  destroyed = false;
  /** Versions that it was told, in order. */
  readonly told: number[] = [];
  /** Thrown by every call while it is set; `failures` counts down if it is finite. */
  trouble: { readonly error: Error; failures: number } | null = null;
  days: readonly ComparedDay[] = [];

  constructor(owner: ScriptedPartitions) {
    this.#owner = owner;
  }

  get generations(): readonly string[] {
    return (this.config?.generations ?? []).map(({ view, generation }) => `${view}@${generation}`);
  }

  report(view: string, generation: number, changes: Partial<GenerationStatus>): void {
    const key = `${view}@${generation}`;
    this.#reports.set(key, { ...this.#reports.get(key), ...changes });
  }

  async configure(config: PartitionConfig) {
    this.#enter();
    if (this.destroyed) return fail({ reason: "deleted" } as const);
    if (this.config !== null && config.version < this.config.version) {
      return fail({ reason: "stale_config", version: this.config.version } as const);
    }
    this.config = structuredClone(config);
    this.told.push(config.version);
    return ok(null);
  }

  async listen() {
    return ok(null);
  }

  async status() {
    this.#enter();
    if (this.destroyed) return fail({ reason: "deleted" } as const);
    if (this.config === null) return fail({ reason: "config_needed" } as const);
    const status: PartitionStatus = {
      partition: this.config.partition,
      logStart: 0,
      logEnd: 100,
      records: 100,
      bytes: 4096,
      segments: 0,
      oldestAppendTime: null,
      watermark: 0,
      duplicates: 0,
      late: 0,
      rejected: 0,
      lost: 0,
      checkpointOffset: 0,
      configVersion: this.config.version,
      rowsWritten: 0,
      generations: this.config.generations.map(({ view, generation, mode }) => ({
        view,
        generation,
        state: !this.#owner.instant ? "building" : mode === "verify" ? "verified" : "caught-up",
        from: 0,
        next: this.#owner.instant ? 100 : 0,
        target: 100,
        startedAt: 0,
        caughtUpAt: this.#owner.instant ? Date.now() : null,
        carried: [],
        missing: [],
        ...this.#reports.get(`${view}@${generation}`),
      })),
    };
    return ok(status);
  }

  async comparedDay(_view: string, _generation: number, day: number) {
    this.#enter();
    return ok(this.days.find((known) => (known.day ?? 0) >= day) ?? NO_DAY);
  }

  async destroy() {
    this.#enter();
    this.destroyed = true;
    this.config = null;
  }

  append = () => never();
  query = () => never();
  more = () => never();
  release = () => never();
  records = () => never();
  trim = () => never();
  rejects = () => never();

  #enter(): void {
    if (this.trouble === null || this.trouble.failures-- <= 0) return;
    throw this.trouble.error;
  }
}

const never = (): never => {
  throw new Error("the stream's object does not call this");
};
