/**
 * The producer: takes the log to the edge, batch by batch, one in flight. It runs in one tab at a time, for one term.
 *
 * Nothing leaves the log before the edge has answered for it, so whatever happens in between (a lost reply, a crash, another
 * leader) leads to the same batch being sent again, and the edge tells by the sequences what it has. What an answer means is
 * decided in verdict.ts; here is what is done about it.
 */
import { PRODUCER_LIMITS, type AppendReply, unreachable } from "#protocol";
import { Alarm } from "./alarm.ts";
import { encodeBatch, endOfBatch } from "./batch.ts";
import { SEND_LIMITS } from "./limits.ts";
import type { Batch, Log, Settled } from "./log/log.ts";
import type { Send } from "./transport.ts";
import type { Drop, TrackerProblem } from "./types.ts";
import { judge, type Verdict } from "./verdict.ts";

export interface ProducerOptions {
  readonly log: Log;
  readonly send: Send;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 to 1, for jitter. */
  readonly random: () => number;
  readonly batchEvents: number;
  readonly lingerMs: number;
  readonly logAgeMaxMs: number;
  readonly idleMs: number;
}

/** What the producer tells of its work. */
export interface ProducerListener {
  /** Events have left the log; `delivered` of them were taken by the edge. */
  settled(settled: Settled, delivered: number): void;
  dropped(drop: Drop): void;
  /** Something went wrong, and the producer goes on. Null: it works again. */
  problem(problem: TrackerProblem | null): void;
  /** The edge will not take these events until something is put right. */
  refused(problem: TrackerProblem): void;
}

type Turn = "go on" | "not leader";

export class Producer {
  readonly #options: ProducerOptions;
  readonly #listener: ProducerListener;
  /** Rings when there is something to send. */
  readonly #work = new Alarm();
  /** Rings when waiting makes no sense any more: online again, looked at again, or flushed. */
  readonly #patience = new Alarm();
  #hurry = false;
  #failures = 0;
  #eventsMax: number;
  #expireAt = 0;
  /** What the edge expected when it last found a gap; the next batch declares what is missing as lost. */
  #expected: number | null = null;
  #stopped = false;

  constructor(options: ProducerOptions, listener: ProducerListener) {
    this.#options = options;
    this.#listener = listener;
    this.#eventsMax = options.batchEvents;
  }

  /** Events were logged, by whichever tab. */
  logged(pending: number): void {
    this.#work.ring();
    if (pending >= this.#eventsMax) this.#patience.ring();
  }

  /** Send now, and do not wait for a better moment: unless the edge itself has asked for time. */
  kick(): void {
    this.#hurry = true;
    this.#work.ring();
    this.#patience.ring();
  }

  /**
   * Sends until the signal is aborted, or the log says that another term has begun.
   *
   * @throws when the log's storage fails
   */
  async run(term: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if ((await this.#expire(term)) === "not leader") return;
      const prepared = await this.#options.log.prepare(term, {
        eventsMax: this.#eventsMax,
        bytesMax: SEND_LIMITS.batchBytesMax,
      });
      if (!prepared.ok) return;
      const turn =
        prepared.value === null ? await this.#idle(signal) : await this.#attempt(term, prepared.value, signal);
      if (turn === "not leader") return;
    }
  }

  /** Takes a batch that the edge has answered for out of the log. The hide-time tail's replies come here, too. */
  async taken(batch: Batch, reply: AppendReply): Promise<void> {
    const rejected = reply.rejected.length;
    const settled = await this.#options.log.settle(batch.producerId, endOfBatch(batch), {
      kind: "delivered",
      rejected,
      dropped: batch.dropped,
    });
    if (settled === null || settled.count === 0) return;
    for (const { index, code, detail } of reply.rejected) {
      const event = batch.events[index];
      const parsed: unknown = event === undefined ? undefined : JSON.parse(event);
      this.#listener.dropped({ reason: "rejected", count: 1, code, detail, event: parsed });
    }
    this.#listener.settled(settled, Math.max(settled.count - rejected, 0));
  }

  async #idle(signal: AbortSignal): Promise<Turn> {
    await this.#work.sleep(this.#options.idleMs, signal);
    // The first event of a burst has just come: the others shall travel with it.
    this.#patience.reset();
    if (!this.#hurry) await this.#patience.sleep(this.#options.lingerMs, signal);
    this.#hurry = false;
    return "go on";
  }

  async #attempt(term: string, read: Batch, signal: AbortSignal): Promise<Turn> {
    if (this.#stopped) {
      await this.#patience.sleep(SEND_LIMITS.pauseMs, signal);
      return "go on";
    }
    const batch = this.#declareLost(read);
    const answer = await untilAborted(this.#options.send(encodeBatch(batch, this.#options.now())), signal);
    // The term ends with a request under way: the next leader sends the same again.
    if (answer === null) return "go on";
    const verdict = judge(answer, batch, this.#options.now());
    if (verdict.kind === "taken") {
      this.#failures = 0;
      this.#expected = null;
      this.#listener.problem(null);
      await this.taken(batch, verdict.reply);
      return "go on";
    }
    this.#failures++;
    this.#listener.problem(verdict.problem);
    return this.#recover(term, batch, verdict, signal);
  }

  async #recover(
    term: string,
    batch: Batch,
    verdict: Exclude<Verdict, { kind: "taken" }>,
    signal: AbortSignal,
  ): Promise<Turn> {
    switch (verdict.kind) {
      case "retry":
        await this.#backOff(verdict.afterMs, signal);
        return "go on";
      case "split":
        return this.#split(batch, signal);
      case "gap":
        return this.#fillGap(term, batch, verdict.expected, signal);
      case "forked":
        return this.#renew(term, batch, verdict.points, signal);
      case "gone":
        this.#stopped = true;
        this.#listener.refused(verdict.problem);
        return "go on";
      case "refused":
        this.#listener.refused(verdict.problem);
        this.#patience.reset();
        await this.#patience.sleep(SEND_LIMITS.pauseMs, signal);
        return "go on";
      default:
        return unreachable(verdict);
    }
  }

  async #split(batch: Batch, signal: AbortSignal): Promise<Turn> {
    if (batch.events.length > 1) {
      this.#eventsMax = Math.ceil(batch.events.length / 2);
    } else {
      const reason = "too_large";
      const settled = await this.#options.log.settle(batch.producerId, endOfBatch(batch), { kind: "dropped", reason });
      if (settled !== null && settled.count > 0) this.#drop(settled, { reason, count: 1 });
    }
    return this.#promptly(signal);
  }

  /**
   * The edge misses what came before this batch, and it is not here. It has either forgotten this producer, or lost events
   * that it had acknowledged. The first calls for a new id; the second is declared once, so that it shows in the count of
   * lost events, and if that does not help, for a new id too.
   */
  async #fillGap(term: string, batch: Batch, expected: number, signal: AbortSignal): Promise<Turn> {
    const forgotten = expected <= 1;
    const fillable = batch.sequence - expected <= PRODUCER_LIMITS.lostMax;
    if (forgotten || !fillable || this.#expected !== null) return this.#renew(term, batch, [], signal);
    this.#expected = expected;
    return this.#promptly(signal);
  }

  #declareLost(batch: Batch): Batch {
    if (this.#expected === null) return batch;
    return { ...batch, lost: Math.max(batch.lost, batch.sequence - this.#expected) };
  }

  async #renew(term: string, batch: Batch, points: Parameters<Log["renew"]>[2], signal: AbortSignal): Promise<Turn> {
    this.#expected = null;
    const renewed = await this.#options.log.renew(term, batch.producerId, points);
    if (!renewed.ok) return "not leader";
    this.#listener.settled(renewed.value, renewed.value.count);
    return this.#promptly(signal);
  }

  async #expire(term: string): Promise<Turn> {
    const now = this.#options.now();
    if (now < this.#expireAt) return "go on";
    this.#expireAt = now + SEND_LIMITS.expireEveryMs;
    const expired = await this.#options.log.expire(term, now - this.#options.logAgeMaxMs);
    if (!expired.ok) return "not leader";
    if (expired.value.count > 0) this.#drop(expired.value, { reason: "expired", count: expired.value.count });
    return "go on";
  }

  #drop(settled: Settled, drop: Drop): void {
    this.#listener.dropped(drop);
    this.#listener.settled(settled, 0);
  }

  /** What was put right is sent at once; what will not come right must not be a busy loop. */
  async #promptly(signal: AbortSignal): Promise<Turn> {
    if (this.#failures > SEND_LIMITS.promptRetriesMax) await this.#backOff(null, signal);
    return "go on";
  }

  /** Full jitter: browsers that failed together must not come back together. */
  async #backOff(afterMs: number | null, signal: AbortSignal): Promise<void> {
    const ceilingMs = Math.min(SEND_LIMITS.backoffFirstMs * 2 ** (this.#failures - 1), SEND_LIMITS.backoffMaxMs);
    const jitterMs = this.#options.random() * ceilingMs;
    // The edge has asked for time: a kick must not cut it short. A new alarm is one that nobody can ring.
    if (afterMs !== null) return new Alarm().sleep(afterMs + jitterMs, signal);
    this.#patience.reset();
    await this.#patience.sleep(jitterMs, signal);
  }
}

/** Null once the signal is aborted; what was waited for goes on by itself. */
function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | null> {
  if (signal.aborted) return Promise.resolve(null);
  return new Promise((resolve, reject) => {
    const end = () => resolve(null);
    signal.addEventListener("abort", end, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", end));
  });
}
