/**
 * What this page was told is durable, and the edge has not acknowledged: kept in memory too, for the day on which somebody
 * clears the browser's storage under an open page. Bounded by the log's own bounds, for it holds nothing that is not there.
 *
 * Lacks what a dead worker had logged without having answered: its successor answers for it, but no longer knows by which
 * commits.
 */
import type { Held, HeldCommit } from "./log/log.ts";
import type { Logged, LogSummary } from "./worker-api.ts";

export class Retained {
  #commits: readonly HeldCommit[] = [];
  #producerId = "";
  #logId = "";
  #floor = 0;

  /** This page has logged events, the last of the call. */
  logged(reply: Logged, events: readonly string[]): void {
    this.hear(reply.log);
    const run = reply.runs.at(-1);
    const first = reply.commits[0]?.[0];
    if (run === undefined || first === undefined) return;
    const covered = reply.runs.reduce((sum, [, count]) => sum + count, 0);
    const added = events.slice(0, covered).slice(first - (run[0] + run[1]));
    const commits = reply.commits.map(([sequence, commitId], i): HeldCommit => {
      const end = reply.commits[i + 1]?.[0] ?? first + added.length;
      return { sequence, commitId, events: added.slice(sequence - first, end - first) };
    });
    this.#commits = [...this.#commits, ...commits];
  }

  /**
   * The log has moved on.
   *
   * @returns what has to be put back, if it is another log: the storage was cleared
   */
  hear({ logId, producerId, floor, renewed }: LogSummary): Held | null {
    if (logId !== this.#logId) {
      const held = { producerId: this.#producerId, floor: this.#floor, commits: this.#commits };
      this.#logId = logId;
      this.#producerId = producerId;
      this.#floor = 0;
      this.#commits = [];
      return held.commits.length > 0 ? held : null;
    }
    if (producerId !== this.#producerId) this.#renew(producerId, renewed);
    this.#floor = Math.max(this.#floor, floor);
    this.#commits = this.#commits.filter(({ sequence, events }) => sequence + events.length > this.#floor);
    return null;
  }

  /** It was put back, and is held again. Where it had to go under other sequences, the log alone knows it now. */
  restored({ producerId, commits }: Held, log: LogSummary): void {
    if (producerId === log.producerId) {
      this.#commits = [...commits, ...this.#commits];
      // In a storage just cleared everything had left the log.
      this.#floor = Math.min(this.#floor, log.floor);
    }
    this.hear(log);
  }

  #renew(producerId: string, renewed: LogSummary["renewed"]): void {
    // Renewed more than once in between: nobody can say which sequences these have now. They are in the log all the same.
    const known = renewed !== null && renewed.from === this.#producerId;
    this.#commits = known
      ? this.#commits.map((commit) => ({ ...commit, sequence: commit.sequence - renewed.base }))
      : [];
    this.#producerId = producerId;
    this.#floor = 0;
  }
}
