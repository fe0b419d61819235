/**
 * One alarm for many tasks. An object has a single alarm, which the platform rings at least once and gives up after a few
 * failures. So tasks say when they are due, from what they know: nothing about it is stored, and nothing can go stale. The
 * alarm is set for the first of them; whoever comes by sees to it that it is set, and sets it again if it is overdue.
 */
import type { Database } from "./database.ts";
import { PARTITION_LIMITS } from "./limits.ts";

export interface Task {
  /** When there is something to do, in milliseconds since the epoch; null: never, as things are. */
  due(now: number): number | null;
  /** Works for a bounded time. */
  run(): Promise<void>;
}

export class Alarms {
  readonly #storage: DurableObjectStorage;
  readonly #database: Database;
  readonly #tasks: () => readonly Task[];
  /** When the alarm will ring; null: it is not set; undefined: not known yet, since the object woke. */
  #armedFor: number | null | undefined = undefined;
  #running = false;

  constructor(storage: DurableObjectStorage, database: Database, tasks: () => readonly Task[]) {
    this.#storage = storage;
    this.#database = database;
    this.#tasks = tasks;
  }

  /** For every request: cheap while an alarm is set and not overdue. */
  watch(now: number): void {
    if (this.#running) return;
    const armedFor = this.#armedFor;
    if (typeof armedFor === "number" && now <= armedFor + PARTITION_LIMITS.alarmOverdueMs) return;
    void this.arm(now);
  }

  /**
   * Sets the alarm for what is due first, unless it is set for that or for something earlier.
   *
   * @param notBefore so that alarms which set themselves again keep a distance
   */
  async arm(now: number, notBefore = now + PARTITION_LIMITS.alarmEveryMinMs): Promise<void> {
    if (this.#running) return;
    const dues = this.#tasks().flatMap((task) => task.due(now) ?? []);
    if (dues.length === 0) return;
    const at = Math.max(Math.min(...dues), notBefore);
    if (this.#armedFor === undefined) {
      // Held back meanwhile: a storage await lets no other event in.
      this.#armedFor = await this.#storage.getAlarm();
    }
    const isSet = this.#armedFor !== null && this.#armedFor <= at;
    const isOverdue = this.#armedFor !== null && now > this.#armedFor + PARTITION_LIMITS.alarmOverdueMs;
    if (isSet && !isOverdue) return;
    this.#armedFor = at;
    this.#database.countAlarm();
    await this.#storage.setAlarm(at);
  }

  /** What the alarm does when it rings. Whatever happens in a task, the alarm is set again for what is left. */
  async ring(): Promise<void> {
    this.#running = true;
    try {
      for (const task of this.#tasks()) {
        const due = task.due(Date.now());
        if (due !== null && due <= Date.now()) await task.run();
      }
    } finally {
      this.#running = false;
      this.#armedFor = null;
      await this.arm(Date.now());
    }
  }
}
