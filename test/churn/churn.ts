/**
 * Churn: for some minutes everything happens to a stream that its owner and its machine can do to it, in an order that a seed
 * decides: appends and retries, queries, replays under changed rules, promotions and rollbacks, trims, power cuts. All the while:
 *
 *   exact      what a view counts is never less than what was acknowledged before it was asked, nor more than what was sent
 *   whole      valid and invalid clicks are all clicks, whichever rule is in force, and however much of the log is gone
 *   verified   in the end a replay of each view gives what the view says, window by window
 *   archived   with an archive, that is every window, and the log has all that was ever acknowledged, whatever was trimmed
 *
 * The real worker on real storage. The same seed makes the same plan, not the same timing.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { StreamClient } from "../support/api.ts";
import { type Server, startServer } from "../support/server.ts";
import { random } from "../soak/random.ts";
import { Producer } from "./producer.ts";

const PARTITIONS = 2;
const PRODUCERS = 3;
/** Most time between two actions. */
const PAUSE_MAX_MS = 600;
/** A verification of what ten minutes of appends leave; and how long a replay may not get on. */
const VERIFY_MAX_MS = 240_000;

const CLICKS = { clicks: { count: true } };
const BILL = { ...CLICKS, invalid: { count: "invalid" }, spent: { sum: "price" } };

const VIEWS = {
  per_ad: { groupBy: ["adId"], window: "1m", measures: CLICKS },
  billed: { groupBy: ["adId"], window: "1m", measures: BILL, spam: { by: ["userId", "adId"], within: "10s" } },
  users: { groupBy: ["country"], window: "1h", measures: { ...CLICKS, users: { distinct: "userId" } } },
} as const;
type ViewName = keyof typeof VIEWS;

/** What rules may be changed to. All of them have the same groups, windows and measures, so that nothing may get lost. */
const RULES: { readonly [name in ViewName]: readonly object[] } = {
  per_ad: [{}],
  billed: [{ spam: { by: ["userId"], within: "1m" } }, { spam: { by: ["userId", "adId"], within: "2s" } }, {}],
  users: [{ where: { country: { ne: "US" } } }, {}],
};

export interface ChurnReport {
  readonly seed: number;
  readonly actions: { readonly [name: string]: number };
  readonly acknowledged: number;
  readonly duplicates: number;
  /** Records that are in the log in the end: the rest was trimmed. */
  readonly logged: number;
  readonly verified: { readonly [view: string]: unknown };
  readonly faults: readonly string[];
}

export async function churn(options: {
  readonly seconds: number;
  readonly seed: number;
  readonly archive: boolean;
  readonly say: (line: string) => void;
}): Promise<ChurnReport> {
  const folder = await mkdtemp(join(tmpdir(), "headwater-churn-"));
  const server = await startServer({ persistTo: folder });
  try {
    const views = Object.entries(VIEWS).map(([name, view]) => ({ name, ...view }));
    const stream = await StreamClient.create(server, "churn", {
      partitions: PARTITIONS,
      archive: options.archive,
      views,
    });
    return await new Churn(server, stream, options).run(options.seconds, options.say);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

class Churn {
  readonly #server: Server;
  readonly #stream: StreamClient;
  readonly #seed: number;
  readonly #archive: boolean;
  readonly #dice: () => number;
  readonly #producers: readonly Producer[];
  readonly #counts: Record<string, number> = {};
  readonly #faults: string[] = [];
  readonly #open = new Set<string>();
  readonly #startedAt = Date.now();

  constructor(server: Server, stream: StreamClient, { seed, archive }: { seed: number; archive: boolean }) {
    this.#server = server;
    this.#stream = stream;
    this.#seed = seed;
    this.#archive = archive;
    this.#dice = random(seed);
    this.#producers = Array.from({ length: PRODUCERS }, (_, i) => new Producer(stream, `p-${i}`, random(seed + i + 1)));
  }

  async run(seconds: number, say: (line: string) => void): Promise<ChurnReport> {
    const end = this.#startedAt + seconds * 1_000;
    const producing = Promise.all(this.#producers.map((producer) => producer.run()));
    for (let n = 1; Date.now() < end && this.#faults.length === 0; n++) {
      await this.#act();
      if (n % 25 === 0) say(`${Math.round((end - Date.now()) / 1_000)} s to go, ${n} actions, ${this.#sent()} sent`);
      await delay(this.#dice() * PAUSE_MAX_MS);
    }
    for (const producer of this.#producers) producer.stop();
    await producing;
    return this.#report();
  }

  // --- Actions ---

  async #act(): Promise<void> {
    const actions: readonly (readonly [weight: number, name: string, act: () => Promise<void>])[] = [
      [10, "query", () => this.#query()],
      [4, "replay", () => this.#replay()],
      [4, "decide", () => this.#decide()],
      [2, "rollback", () => this.#rollback()],
      [2, "trim", () => this.#trim()],
      [1, "power cut", () => this.#cutPower()],
    ];
    let at = this.#dice() * actions.reduce((sum, [weight]) => sum + weight, 0);
    const [, name, act] = actions.find(([weight]) => (at -= weight) < 0) as (typeof actions)[number];
    this.#counts[name] = (this.#counts[name] ?? 0) + 1;
    try {
      await act();
    } catch (error) {
      this.#faults.push(`${name}: ${String(error)}`);
    }
  }

  /** Whatever generation answers: what was acknowledged before is in it, and nothing that was never sent. */
  async #query(): Promise<void> {
    const least = this.#acknowledged();
    const [perAd, billed] = [await this.#total("per_ad", CLICKS), await this.#total("billed", BILL)];
    const most = this.#sent();
    for (const [name, total] of Object.entries({ perAd, billed })) {
      if (total < least || total > most) this.#faults.push(`${name} counts ${total}, not ${least} to ${most}`);
    }
  }

  async #total(view: ViewName, measures: object): Promise<number> {
    const range = { from: this.#startedAt - 24 * 3_600_000, to: this.#startedAt };
    const { rows, complete, missing } = await this.#stream.query({ ...range, view, measures });
    if (!complete) this.#faults.push(`${view} is not complete: ${JSON.stringify(missing)}`);
    return Number(rows[0]?.["clicks"]) + Number(rows[0]?.["invalid"] ?? 0);
  }

  /** Nothing is appended any more: views and log say the same, to the click. */
  async #queryHistory(): Promise<void> {
    const range = { from: this.#startedAt - 24 * 3_600_000, to: this.#startedAt };
    const { rows, complete, missing } = await this.#stream.query({ ...range, view: null, measures: CLICKS });
    if (!complete) this.#faults.push(`the log is not complete: ${JSON.stringify(missing)}`);
    const total = await this.#total("per_ad", CLICKS);
    if (rows[0]?.["clicks"] !== total) this.#faults.push(`the log counts ${rows[0]?.["clicks"]}, the view ${total}`);
  }

  async #replay(): Promise<void> {
    const name = this.#pick(Object.keys(VIEWS) as ViewName[]);
    const view = { name, ...VIEWS[name], ...this.#pick(RULES[name]) };
    const promote = this.#dice() < 0.3 ? "auto" : "manual";
    const maxDuty = this.#pick([0.05, 0.5, 1]);
    const { status, body } = await this.#stream.admin("POST", "/replays", { view, promote, maxDuty });
    if (status === 202) this.#open.add(String(body["id"]));
    else this.#expect(status, body, "replay_running");
  }

  async #decide(): Promise<void> {
    const [id] = this.#open;
    if (id === undefined) return;
    this.#open.delete(id);
    const decision = this.#dice() < 0.7 ? "promote" : "cancel";
    if (decision === "promote") {
      await this.#settled(id);
    }
    const { status, body } = await this.#stream.admin("POST", `/replays/${id}/${decision}`);
    // It was promoted by itself, or a trim overtook it.
    if (status !== 200) this.#expect(status, body, "replay_state");
  }

  /** Waits for a replay as long as it gets on: it may be of all that was ever appended, at a twentieth of the time. */
  async #settled(id: string): Promise<void> {
    const states = ["caught-up", "promoted", "cancelled", "failed"];
    for (let [done, since] = [-1, Date.now()]; ;) {
      const { body } = await this.#stream.admin<{ state: string; recordsDone: number }>("GET", `/replays/${id}`);
      if (states.includes(body.state)) return;
      if (body.recordsDone > done) [done, since] = [body.recordsDone, Date.now()];
      if (Date.now() - since > VERIFY_MAX_MS) throw new Error(`replay ${id} does not get on: ${JSON.stringify(body)}`);
      await delay(100);
    }
  }

  async #rollback(): Promise<void> {
    const name = this.#pick(Object.keys(VIEWS));
    const { status, body } = await this.#stream.admin("POST", `/views/${name}/rollback`);
    if (status !== 200) this.#expect(status, body, "nothing_to_roll_back", "replay_running");
  }

  async #trim(): Promise<void> {
    const { body } = await this.#stream.admin<{ partitions: { logStart: number; logEnd: number }[] }>("GET");
    const partition = Math.floor(this.#dice() * PARTITIONS);
    const { logStart, logEnd } = body.partitions[partition] as { logStart: number; logEnd: number };
    const before = logStart + Math.floor((this.#dice() * (logEnd - logStart)) / 2);
    const { status, body: answer } = await this.#stream.admin("POST", `/partitions/${partition}/trim`, { before });
    if (status !== 200) this.#faults.push(`a trim was answered ${status} ${JSON.stringify(answer)}`);
  }

  async #cutPower(): Promise<void> {
    await this.#server.kill();
    await this.#server.restart();
  }

  // --- The end ---

  async #report(): Promise<ChurnReport> {
    const verified: Record<string, unknown> = {};
    for (const view of Object.keys(VIEWS)) verified[view] = await this.#verify(view);
    await this.#query();
    if (this.#archive) await this.#queryHistory();
    const { body } = await this.#stream.admin<{ partitions: { records: number }[] }>("GET");
    return {
      seed: this.#seed,
      actions: this.#counts,
      acknowledged: this.#acknowledged(),
      duplicates: this.#producers.reduce((sum, { duplicates }) => sum + duplicates, 0),
      logged: body.partitions.reduce((sum, { records }) => sum + records, 0),
      verified,
      faults: this.#faults,
    };
  }

  async #verify(view: string): Promise<unknown> {
    try {
      // Whatever is still being built of it has to be out of the way.
      const { body } = await this.#stream.admin<{ replays: { id: string; view: string; state: string }[] }>(
        "GET",
        "/replays",
      );
      for (const job of body.replays.filter(
        (one) => one.view === view && ["running", "caught-up"].includes(one.state),
      )) {
        await this.#stream.admin("POST", `/replays/${job.id}/cancel`);
      }
      const started = await this.#stream.admin("POST", "/replays", { view, mode: "verify", maxDuty: 1 });
      const states = ["verified", "differs", "failed", "cancelled"];
      const job = await this.#stream.replayUntil(String(started.body["id"]), states, VERIFY_MAX_MS);
      if (job["state"] !== "verified") this.#faults.push(`${view} is not verified: ${JSON.stringify(job)}`);
      const { skipped } = job["verification"] as { skipped: number };
      if (this.#archive && skipped > 0) this.#faults.push(`${skipped} windows of ${view} could not be computed again`);
      return job["verification"];
    } catch (error) {
      this.#faults.push(`${view} was not verified: ${String(error)}`);
      return null;
    }
  }

  // --- Tools ---

  #expect(status: number, body: Record<string, unknown>, ...codes: readonly string[]): void {
    if (!codes.includes(String(body["code"]))) this.#faults.push(`answered ${status} ${JSON.stringify(body)}`);
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#dice() * from.length)] as T;
  }

  #acknowledged = (): number => this.#producers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  #sent = (): number => this.#producers.reduce((sum, { sent }) => sum + sent, 0);
}

export function describe({ actions, acknowledged, duplicates, logged, verified, faults }: ChurnReport): string {
  return [
    Object.entries(actions)
      .map(([name, count]) => `${count} × ${name}`)
      .join(", "),
    `${acknowledged} acknowledged, ${duplicates} refused as known, ${logged} left in the log`,
    ...Object.entries(verified).map(([view, verification]) => `${view}: ${JSON.stringify(verification)}`),
    ...faults.map((fault) => `FAULT ${fault}`),
  ].join("\n");
}
