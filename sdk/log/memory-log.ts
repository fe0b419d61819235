/**
 * The browser log without a browser's storage: what is left where IndexedDB is missing, broken or forbidden. The same
 * promises but durability, and it says so. One page's own: its lease is never contested.
 */
import { type CommitPoint, fail, ok } from "#protocol";
import type {
  AppendCall,
  BatchBounds,
  Held,
  LaneMark,
  Lease,
  Log,
  LogOptions,
  LogRecord,
  LogState,
  Outcome,
} from "./log.ts";
import {
  endOf,
  expiredThrough,
  freshState,
  leaseIsDead,
  planAppend,
  planRenew,
  planSettle,
  takeBatch,
} from "./plan.ts";
import { planRestore } from "./restore.ts";

const notLeader = fail({ reason: "not_leader" } as const);

export class MemoryLog implements Log {
  readonly durability = "memory";
  readonly #options: LogOptions;
  readonly #lanes = new Map<string, LaneMark>();
  #state: LogState;
  #records: readonly LogRecord[] = [];
  #lease: Lease | undefined;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#state = freshState(this.#newProducerId(), options.randomId());
  }

  async state(): Promise<LogState> {
    return this.#state;
  }

  async append(call: AppendCall, at: number): ReturnType<Log["append"]> {
    const plan = planAppend(this.#state, this.#lanes.get(call.lane), call, at, this.#options);
    this.#state = plan.state;
    this.#records = [...this.#records, ...plan.records];
    if (plan.changes) this.#lanes.set(call.lane, plan.mark);
    const commits = plan.records.map((record): CommitPoint => [record.sequence, record.commitId]);
    return ok({ runs: plan.runs, commits, sendable: plan.sendable, state: plan.state });
  }

  async prepare(term: string | null, bounds: BatchBounds): ReturnType<Log["prepare"]> {
    if (term !== null && this.#lease?.term !== term) return notLeader;
    const batch = takeBatch(this.#state, this.#records, bounds);
    if (batch !== null) this.#state = { ...this.#state, sendLimit: this.#state.next };
    return ok(batch);
  }

  async settle(producerId: string, through: number, outcome: Outcome): ReturnType<Log["settle"]> {
    return this.#state.producerId === producerId ? this.#settle(through, outcome) : null;
  }

  async renew(term: string, producerId: string, points: readonly CommitPoint[]): ReturnType<Log["renew"]> {
    if (this.#lease?.term !== term) return notLeader;
    if (this.#state.producerId !== producerId) return ok({ count: 0, state: this.#state });
    const plan = planRenew(this.#state, this.#records, points, this.#newProducerId());
    this.#state = plan.state;
    this.#records = plan.records;
    return ok({ count: plan.count, state: plan.state });
  }

  async restore(held: Held, at: number): Promise<LogState> {
    const plan = planRestore(this.#state, this.#records, held, at);
    this.#records = [...this.#records, ...plan.records].sort((a, b) => a.sequence - b.sequence);
    this.#state = plan.state;
    return plan.state;
  }

  async expire(term: string, before: number): ReturnType<Log["expire"]> {
    if (this.#lease?.term !== term) return notLeader;
    const through = expiredThrough(this.#records, before);
    if (through === 0) return ok({ count: 0, state: this.#state });
    return ok(this.#settle(through, { kind: "dropped", reason: "expired" }));
  }

  async takeLease(term: string, now: number, force: boolean): Promise<boolean> {
    if (!force && !leaseIsDead(this.#lease, now) && this.#lease?.term !== term) return false;
    this.#lease = { term, at: now };
    return true;
  }

  async keepLease(term: string, now: number): Promise<boolean> {
    if (this.#lease?.term !== term) return false;
    this.#lease = { term, at: now };
    return true;
  }

  async dropLease(term: string): Promise<void> {
    if (this.#lease?.term === term) this.#lease = undefined;
  }

  async leaseExpired(now: number): Promise<boolean> {
    return leaseIsDead(this.#lease, now);
  }

  close(): void {
    this.#records = [];
  }

  #settle(through: number, outcome: Outcome) {
    const plan = planSettle(this.#state, this.#records, through, outcome);
    this.#state = plan.state;
    this.#records = this.#records.filter((record) => endOf(record) > through);
    return { count: plan.count, state: plan.state };
  }

  #newProducerId(): string {
    return this.#options.randomId() + this.#options.randomId();
  }
}
