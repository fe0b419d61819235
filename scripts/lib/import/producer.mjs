// One of the producers that an import consists of: sends its blocks in order, one at a time, until the edge has them.
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import { AppendReplySchema, ProblemSchema } from "../../../sdk/protocol/append.ts";
import { UserError } from "../project.mjs";
import { BLOCK_ROWS } from "./source.mjs";

/** Attempts in a row that may fail before the import gives up: about three minutes. */
const ATTEMPTS_MAX = 10;
const BACKOFF_MIN_MS = 500;
const BACKOFF_MAX_MS = 30_000;

/**
 * @typedef {object} Tally
 * @property {number} accepted
 * @property {number} duplicates
 * @property {Map<string, { count: number, example: string }>} rejected by code, with one row as an example
 */

/**
 * @typedef {object} Target
 * @property {string} endpoint
 * @property {string} stream
 * @property {string} key
 */

export class ImportProducer {
  #target;
  #id;
  #tally;

  /**
   * @param {Target} target
   * @param {string} id
   * @param {Tally} tally
   */
  constructor(target, id, tally) {
    this.#target = target;
    this.#id = id;
    this.#tally = tally;
  }

  /**
   * Sends one of this producer's blocks.
   *
   * @param {number} nth its place among this producer's blocks
   * @param {import("./source.mjs").Block} block
   */
  async send(nth, block) {
    await this.#sendEvents(nth * BLOCK_ROWS, block.events, block.index * BLOCK_ROWS);
  }

  /**
   * @param {number} sequence
   * @param {readonly import("./columns.mjs").ImportedEvent[]} events
   * @param {number} row the first event's, counted from 0 without the header
   */
  async #sendEvents(sequence, events, row) {
    const reply = await this.#attempt(JSON.stringify({ producer: { id: this.#id, sequence }, events }));
    if (reply === "too_large") {
      if (events.length === 1) throw new UserError(`row ${row + 1} alone is larger than one request may be.`);
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

  /** @param {string} body */
  async #attempt(body) {
    const { endpoint, stream, key } = this.#target;
    const url = `${endpoint}/v1/streams/${encodeURIComponent(stream)}/events`;
    const headers = { "Content-Type": "application/json", Authorization: `Bearer ${key}` };
    let failure = "";
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      if (attempt > 0) await delay(Math.random() * Math.min(BACKOFF_MIN_MS * 2 ** attempt, BACKOFF_MAX_MS));
      const response = await fetch(url, { method: "POST", headers, body }).catch((error) => {
        failure = `no answer from ${endpoint} (${error.cause?.code ?? error.message})`;
      });
      if (response === undefined) continue;
      const answer = await response.json().catch(() => undefined);
      const reply = v.safeParse(AppendReplySchema, answer);
      if (response.ok && reply.success) return reply.output;
      if (response.status === 413) return /** @type {const} */ ("too_large");
      const problem = v.safeParse(ProblemSchema, answer);
      failure = problem.success
        ? `${response.status} ${problem.output.code}: ${problem.output.detail ?? ""}`
        : `${endpoint} answered ${response.status}, and not as Headwater does`;
      if (response.status < 500 && response.status !== 429 && response.status !== 408) throw new UserError(failure);
      await delay(Math.min((problem.success && problem.output.retryAfterMs) || 0, BACKOFF_MAX_MS));
    }
    throw new UserError(`${failure}\nRun the same command again to go on: nothing is counted twice.`);
  }
}
