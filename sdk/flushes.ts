/** Who waits for the log to be empty of what it held when they asked. */
import type { LogState } from "./log/log.ts";
import type { FlushReply } from "./worker-api.ts";

interface Waiter {
  readonly settle: (reply: FlushReply) => void;
  /** Done when this many events have left the log since it exists. */
  readonly target: number;
}

export class Flushes {
  #waiters: readonly Waiter[] = [];

  /** Resolves when all that was appended to the log by now has left it. */
  wait({ appended }: LogState): Promise<FlushReply> {
    return new Promise((settle) => {
      this.#waiters = [...this.#waiters, { settle, target: appended }];
    });
  }

  look({ appended, events }: LogState): void {
    const done = this.#waiters.filter(({ target }) => appended - events >= target);
    this.#waiters = this.#waiters.filter(({ target }) => appended - events < target);
    for (const { settle } of done) settle({ ok: true });
  }

  settle(reply: FlushReply): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const { settle } of waiters) settle(reply);
  }
}
