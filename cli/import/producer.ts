/** One of the producers that an import consists of: sends its blocks in order, one at a time, until the edge has them. */
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import { type AppendReply, AppendReplySchema, ProblemSchema } from "#protocol";
import { CliError } from "../failure.ts";
import { IMPORT_LIMITS } from "../limits.ts";
import type { ImportedEvent } from "./columns.ts";
import { type Block, BLOCK_ROWS } from "./source.ts";

export interface Tally {
  accepted: number;
  duplicates: number;
  /** By code, with one row as an example. */
  readonly rejected: Map<string, { count: number; readonly example: string }>;
}

export interface Target {
  /** Where events are appended. */
  readonly url: string;
  readonly key: string;
  readonly signal: AbortSignal;
}

export class ImportProducer {
  readonly #target: Target;
  readonly #id: string;
  readonly #tally: Tally;

  constructor(target: Target, id: string, tally: Tally) {
    this.#target = target;
    this.#id = id;
    this.#tally = tally;
  }

  /**
   * Sends one of this producer's blocks.
   *
   * @param nth its place among this producer's blocks
   */
  async send(nth: number, block: Block): Promise<void> {
    await this.#sendEvents(nth * BLOCK_ROWS, block.events, block.index * BLOCK_ROWS);
  }

  /** @param row the first event's, counted from 0 without the header */
  async #sendEvents(sequence: number, events: readonly ImportedEvent[], row: number): Promise<void> {
    const reply = await this.#attempt(JSON.stringify({ producer: { id: this.#id, sequence }, events }));
    if (reply === "too_large") {
      if (events.length === 1) throw new CliError(`row ${row + 1} alone is larger than one request may be.`);
      // A batch may be cut anywhere: sequences say where each part belongs.
      const half = Math.ceil(events.length / 2);
      await this.#sendEvents(sequence, events.slice(0, half), row);
      await this.#sendEvents(sequence + half, events.slice(half), row + half);
      return;
    }
    this.#tally.accepted += reply.accepted;
    this.#tally.duplicates += reply.duplicates;
    for (const { index, code, detail } of reply.rejected) {
      const known = this.#tally.rejected.get(code);
      if (known) known.count += 1;
      else this.#tally.rejected.set(code, { count: 1, example: `row ${row + index + 1}: ${detail}` });
    }
  }

  async #attempt(body: string): Promise<AppendReply | "too_large"> {
    const { url, key, signal } = this.#target;
    const { attemptsMax, backoffMinMs, backoffMaxMs } = IMPORT_LIMITS;
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${key}` };
    const wait = (ms: number): Promise<void> => delay(ms, undefined, { signal });
    let failure = "";
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      if (attempt > 0) await wait(Math.random() * Math.min(backoffMinMs * 2 ** attempt, backoffMaxMs));
      const answered = await this.#post(url, { method: "POST", headers, body, signal });
      if (typeof answered === "string") {
        failure = answered;
        continue;
      }
      const { response, answer } = answered;
      const reply = v.safeParse(AppendReplySchema, answer);
      if (response.ok && reply.success) return reply.output;
      if (response.status === 413) return "too_large";
      const problem = v.safeParse(ProblemSchema, answer);
      failure = problem.success
        ? `${response.status} ${problem.output.code}: ${problem.output.detail ?? ""}`
        : `${url} answered ${response.status}, and not as Headwater does`;
      if (response.status < 500 && response.status !== 429 && response.status !== 408) throw new CliError(failure);
      await wait(Math.min((problem.success && problem.output.retryAfterMs) || 0, backoffMaxMs));
    }
    throw new CliError(`${failure}\nRun the same command again to go on: nothing is counted twice.`);
  }

  /** The answer, or why there was none. */
  async #post(url: string, init: RequestInit) {
    try {
      const response = await fetch(url, init);
      return { response, answer: (await response.json().catch(() => undefined)) as unknown };
    } catch (error) {
      if (this.#target.signal.aborted) throw error;
      const { cause, message } = error as Error;
      return `no answer from ${url} (${cause instanceof Error && "code" in cause ? String(cause.code) : message})`;
    }
  }
}
