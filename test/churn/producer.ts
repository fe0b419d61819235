/** A server that imports clicks: batch after batch, each sent again as it is until it is acknowledged. */
import { setTimeout as delay } from "node:timers/promises";
import type { StreamClient } from "../support/api.ts";

const BATCH_MAX = 400;
const PAUSE_MAX_MS = 60;
const COUNTRIES = ["US", "DE", "FR", null];
/** A minute of event time goes by in each second, so that there are many windows; it begins far enough back. */
const SPEED = 60;
const BEGINS_BEFORE_MS = 18 * 3_600_000;
/** By which most clicks come, and some. */
const USUAL_DELAY_MS = 20_000;
const LATE_MAX_MS = 10 * 60_000;

export class Producer {
  readonly #stream: StreamClient;
  readonly #id: string;
  readonly #dice: () => number;
  readonly #startedAt = Date.now();
  #stopped = false;
  /** Events that the edge may have, and those that it has said to have. */
  sent = 0;
  acknowledged = 0;
  duplicates = 0;

  constructor(stream: StreamClient, id: string, dice: () => number) {
    this.#stream = stream;
    this.#id = id;
    this.#dice = dice;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const events = Array.from({ length: 1 + Math.floor(this.#dice() * BATCH_MAX) }, () => this.#event());
      this.sent += events.length;
      await this.#deliver({ producer: { id: this.#id, sequence: this.acknowledged }, events });
      this.acknowledged += events.length;
      await delay(this.#dice() * PAUSE_MAX_MS);
    }
  }

  async #deliver(batch: object): Promise<void> {
    for (;;) {
      const reply = await this.#stream.append(batch, this.#stream.keys.import).catch(() => null);
      if (reply?.status === 200) {
        this.duplicates += Number(reply.body["duplicates"]);
        return;
      }
      // Anything but a server that is down or busy is a fault.
      if (reply !== null && reply.status < 500 && reply.status !== 429) throw new Error(JSON.stringify(reply.body));
      await delay(50);
    }
  }

  #event(): object {
    const late = this.#dice() * (this.#dice() < 0.1 ? LATE_MAX_MS : USUAL_DELAY_MS);
    const elapsed = Date.now() - this.#startedAt;
    return {
      time: Math.floor(this.#startedAt - BEGINS_BEFORE_MS + elapsed * SPEED - late),
      adId: `ad-${Math.floor(this.#dice() ** 2 * 200)}`,
      userId: `u-${Math.floor(this.#dice() * 300)}`,
      country: COUNTRIES[Math.floor(this.#dice() * COUNTRIES.length)],
      price: Math.floor(this.#dice() * 100) / 100,
    };
  }
}
