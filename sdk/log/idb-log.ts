/**
 * The browser log in IndexedDB: durable, and shared by all tabs of an origin. Three stores without indexes: `log` (one
 * record per group commit, keyed by its first sequence), `lanes` (marks, by lane), `meta` (state and lease).
 *
 * Every write is one transaction over all three, so that tabs take turns. Sending is fenced: before a byte leaves, a
 * transaction of strict durability has written `sendLimit`. Browsers write transactions in order, so it also makes durable
 * every one before it; whatever a power loss takes back was never sent, and its sequences may be used again.
 */
import { addDropped, type CommitPoint, fail, ok } from "#protocol";
import type { IDBPDatabase } from "idb";
import { Database, isQuotaExceeded } from "./database.ts";
import { ERASED } from "./erase.ts";
import { LOG_LIMITS } from "./limits.ts";
import {
  type AppendCall,
  type Appended,
  type BatchBounds,
  type Held,
  type Log,
  LogErased,
  type LogOptions,
  type LogRecord,
  type LogState,
  type NotLeader,
  type Outcome,
  type Settled,
} from "./log.ts";
import {
  expiredThrough,
  freshState,
  leaseIsDead,
  planAppend,
  planRenew,
  planSettle,
  reconcile,
  takeBatch,
} from "./plan.ts";
import { forgetLanes, holdsLease, readBatch, readLease, type Schema, type Tx } from "./rows.ts";
import { afterClearing, awaitsRestores, planRestore, retire } from "./restore.ts";

/** A lane outlives its last event by twice the age of events: no spill of it can be imported by then. */
const LANE_AGE_MAX_MS = 2 * LOG_LIMITS.ageMaxMs;

const notLeader = fail<NotLeader>({ reason: "not_leader" });

/** @throws if there is no usable IndexedDB */
export async function openIdbLog(name: string, options: LogOptions): Promise<Log> {
  const log = new IdbLog(name, options);
  await log.open();
  return log;
}

class IdbLog implements Log {
  readonly durability = "disk";
  readonly #database: Database<Schema>;
  readonly #options: LogOptions;

  constructor(name: string, options: LogOptions) {
    this.#database = new Database(name, ["log", "lanes", "meta"], (connection) => this.#disconnected(connection));
    this.#options = options;
  }

  async open(): Promise<void> {
    await this.#database.open();
  }

  async state(): Promise<LogState> {
    return withRefused(await this.#transact("relaxed", (tx) => this.#state(tx)), this.#refused);
  }

  async append(call: AppendCall, at: number): ReturnType<Log["append"]> {
    // Strict if the last state makes it likely that the page will be handed the events: the plan decides what they are,
    // but a transaction's durability must be said before it can look.
    const durability = (this.#seen?.bytes ?? 0) <= this.#options.sendableBytesMax ? "strict" : "relaxed";
    // Of the attempt that was the last to add anything: it may have been the first, although it seemed to fail.
    let done: Omit<Appended, "state"> = { runs: [], commits: [], sendable: false };
    let written = false;
    let refused = 0;
    try {
      const state = await this.#transact(durability, async (tx) => {
        const known = this.#seen?.logId;
        const [found, mark] = await Promise.all([this.#state(tx), tx.objectStore("lanes").get(call.lane)]);
        // Cleared since this tab last looked: what its page puts back in a moment needs the old producer id.
        const state = known === found.logId ? this.#retire(found) : found;
        const plan = planAppend(state, mark, call, at, this.#options);
        const sendable = plan.sendable && durability === "strict";
        const commits = plan.records.map((record): CommitPoint => [record.sequence, record.commitId]);
        if (plan.changes || !written) done = { runs: plan.runs, commits, sendable };
        if (!plan.changes) return state;
        written = true;
        refused = this.#refused;
        const next = withRefused(plan.state, refused);
        await Promise.all([
          ...plan.records.map((record) => tx.objectStore("log").put(record, record.sequence)),
          tx.objectStore("lanes").put(plan.mark, call.lane),
          this.#write(tx, {
            ...next,
            next: next.next + refused,
            sendLimit: sendable ? next.sendLimit : state.sendLimit,
          }),
        ]);
        return this.#written.get(tx) ?? next;
      });
      this.#refused -= refused;
      return ok({ ...done, state: withRefused(state, this.#refused) });
    } catch (error) {
      if (error instanceof LogErased) return fail({ reason: "erased" });
      if (!isQuotaExceeded(error)) return fail({ reason: "storage_failed", detail: String(error) });
      if (call.spilled !== true) this.#refused += call.events.length;
      return fail({ reason: "quota_exceeded" });
    }
  }

  prepare(term: string | null, bounds: BatchBounds): ReturnType<Log["prepare"]> {
    return this.#transact("strict", async (tx) => {
      if (term !== null && !(await holdsLease(tx, term))) return notLeader;
      const state = await this.#state(tx);
      if (awaitsRestores(state, Date.now())) return ok(null);
      const records = await readBatch(tx, state, bounds);
      const batch = takeBatch(state, records, bounds);
      if (batch === null) {
        const reconciled = reconcile(state);
        if (reconciled !== state) await this.#write(tx, reconciled);
      } else if (batch.sequence + batch.events.length > state.sendLimit) {
        // All that is logged: later batches then need no write of their own.
        await this.#write(tx, { ...state, sendLimit: state.next });
      }
      return ok(batch);
    });
  }

  settle(producerId: string, through: number, outcome: Outcome): ReturnType<Log["settle"]> {
    return this.#counted("relaxed", async (tx) => {
      const state = await this.#state(tx);
      if (state.producerId !== producerId) return null;
      return this.#settle(tx, state, through, outcome);
    });
  }

  async renew(term: string, producerId: string, points: readonly CommitPoint[]): ReturnType<Log["renew"]> {
    const renewed = await this.#counted("strict", async (tx) => {
      if (!(await holdsLease(tx, term))) return null;
      const state = await this.#state(tx);
      // Somebody was faster; or this transaction runs for the second time.
      if (state.producerId !== producerId) return { count: 0, state };
      const store = tx.objectStore("log");
      const plan = planRenew(state, await store.getAll(), points, newProducerId(this.#options));
      await store.clear();
      await Promise.all(plan.records.map((record) => store.put(record, record.sequence)));
      await this.#write(tx, plan.state);
      return { count: plan.count, state: plan.state };
    });
    return renewed === null ? notLeader : ok(renewed);
  }

  restore(held: Held, at: number): Promise<LogState> {
    return this.#transact("relaxed", async (tx) => {
      const state = await this.#state(tx);
      const store = tx.objectStore("log");
      const plan = planRestore(state, await store.getAll(), held, at);
      await Promise.all(plan.records.map((record) => store.put(record, record.sequence)));
      await this.#write(tx, plan.state);
      return plan.state;
    });
  }

  async expire(term: string, before: number): ReturnType<Log["expire"]> {
    const expired = await this.#counted("relaxed", async (tx) => {
      if (!(await holdsLease(tx, term))) return null;
      await forgetLanes(tx, before + LOG_LIMITS.ageMaxMs - LANE_AGE_MAX_MS);
      const state = await this.#state(tx);
      const old: LogRecord[] = [];
      for (let cursor = await tx.objectStore("log").openCursor(); cursor; cursor = await cursor.continue()) {
        if (cursor.value.at >= before) break;
        old.push(cursor.value);
      }
      if (old.length === 0) return { count: 0, state };
      return this.#settle(tx, state, expiredThrough(old, before), { kind: "dropped", reason: "expired" });
    });
    return expired === null ? notLeader : ok(expired);
  }

  takeLease(term: string, now: number, force: boolean): Promise<boolean> {
    return this.#transact("relaxed", async (tx) => {
      const lease = await readLease(tx);
      if (!force && !leaseIsDead(lease, now) && lease?.term !== term) return false;
      await tx.objectStore("meta").put({ term, at: now }, "lease");
      return true;
    });
  }

  keepLease(term: string, now: number): Promise<boolean> {
    return this.#transact("relaxed", async (tx) => {
      if (!(await holdsLease(tx, term))) return false;
      await tx.objectStore("meta").put({ term, at: now }, "lease");
      return true;
    });
  }

  dropLease(term: string): Promise<void> {
    return this.#transact("relaxed", async (tx) => {
      if (await holdsLease(tx, term)) await tx.objectStore("meta").delete("lease");
    });
  }

  leaseExpired(now: number): Promise<boolean> {
    return this.#transact("relaxed", async (tx) => leaseIsDead(await readLease(tx), now));
  }

  close(): void {
    this.#database.close();
  }

  /** The state when this tab last looked, as it is or was on disk. */
  #seen: LogState | null = null;
  #erased = false;
  /** Events refused for want of room in the browser: the next append has room again, and writes them down. */
  #refused = 0;
  readonly #written = new WeakMap<Tx, LogState>();

  async #transact<T>(durability: "strict" | "relaxed", body: (tx: Tx) => Promise<T>): Promise<T> {
    // To connect would be to make the database again.
    if (this.#erased) throw new LogErased();
    let last: Tx | undefined;
    const result = await this.#database.transact(durability, (tx) => body((last = tx)));
    const written = last && this.#written.get(last);
    if (written === undefined) return result;
    const before = this.#seen;
    this.#seen = written;
    if (before !== null && before.logId !== written.logId) this.#options.onCleared?.(before.lost["cleared"] ?? 0);
    return result;
  }

  /**
   * For what takes events out of the log. A second attempt that finds nothing left comes after a first that had done it all.
   */
  async #counted<T extends Settled | null>(durability: "strict" | "relaxed", body: (tx: Tx) => Promise<T>): Promise<T> {
    let most = 0;
    const settled = await this.#transact(durability, async (tx) => {
      const found = await body(tx);
      most = Math.max(most, found?.count ?? 0);
      return found;
    });
    return settled === null ? settled : { ...settled, count: most, state: withRefused(settled.state, this.#refused) };
  }

  /** @throws {LogErased} in a tab that had it open when another one erased it */
  async #state(tx: Tx): Promise<LogState> {
    const meta = tx.objectStore("meta");
    const stored = (await meta.get("state")) as Partial<LogState> | undefined;
    // An earlier version of this SDK may have stored less.
    const state = stored && { ...freshState("", ""), ...stored };
    const seen = this.#seen;
    if (seen !== null && state?.logId !== seen.logId) {
      if ((await meta.get(ERASED)) !== undefined) {
        this.#erased = true;
        throw new LogErased();
      }
      if (state === undefined) {
        const cleared = afterClearing(seen, this.#options.randomId(), Date.now());
        await this.#write(tx, cleared);
        return cleared;
      }
    }
    if (state === undefined) return freshState(newProducerId(this.#options), this.#options.randomId());
    return (this.#seen = state);
  }

  async #write(tx: Tx, state: LogState): Promise<void> {
    this.#written.set(tx, state);
    await tx.objectStore("meta").put(state, "state");
  }

  #retire(state: LogState): LogState {
    return awaitsRestores(state, Date.now()) ? state : retire(state, newProducerId(this.#options));
  }

  /** The mark is looked for while it can be: once every tab has let go, the database is gone. */
  async #disconnected(connection: IDBPDatabase<Schema> | null): Promise<void> {
    if (connection !== null) this.#erased = (await connection.get("meta", ERASED).catch(() => undefined)) !== undefined;
    this.#options.onDisconnect?.();
  }

  async #settle(tx: Tx, state: LogState, through: number, outcome: Outcome) {
    const store = tx.objectStore("log");
    const records = await store.getAll(IDBKeyRange.upperBound(through, true));
    const plan = planSettle(state, records, through, outcome);
    await Promise.all(plan.removed.map((key) => store.delete(key)));
    const next = this.#retire(plan.state);
    await this.#write(tx, next);
    return { count: plan.count, state: next };
  }
}

/** With events that were refused while even that could not be written down. */
const withRefused = (state: LogState, count: number): LogState =>
  count === 0 ? state : { ...state, lost: addDropped(state.lost, "log_full", count) };

/** 128 bits: it is a secret, and nobody may ever draw it again. */
const newProducerId = (options: LogOptions): string => options.randomId() + options.randomId();
