/** One set of events in every engine: loaded, sized, asked, and taken away again. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ClickHouse } from "./clickhouse.ts";
import type { Contender, Engine } from "./contender.ts";
import { writeCsv } from "./csv.ts";
import { type DatasetName, generate } from "./dataset.ts";
import { QUESTIONS, type Question } from "./definitions.ts";
import { DuckDb } from "./duckdb.ts";
import { differenceOf } from "./equal.ts";
import { Headwater } from "./headwater.ts";
import { measure, median, pairedRatio, type Times } from "./measure.ts";
import { count } from "./report.ts";
import type { Results } from "./results.ts";
import { Sqlite, SQLITE_EVENTS_MAX } from "./sqlite.ts";

/** By name: how a peer is opened. One whose package does not run here is skipped, visibly. */
const PEERS: Readonly<Record<string, (folder: string) => Engine | Promise<Engine>>> = {
  DuckDB: (folder) => DuckDb.open(folder),
  ClickHouse: (folder) => new ClickHouse(folder),
};

export interface Session {
  readonly dataset: DatasetName;
  readonly events: number;
  readonly questions: readonly Question[];
  readonly rounds: number;
  /** For what is thrown away when the session ends. */
  readonly folder: string;
  /** Headwater's log, which outlives the session. */
  readonly log: Headwater;
}

/** Adds what is measured to `results`. Throws if two engines do not agree. */
export async function runSession(session: Session, results: Results): Promise<void> {
  const { questions, events, rounds, folder } = session;
  mkdirSync(folder, { recursive: true });
  const peers: Engine[] = [];
  try {
    if (questions.some(({ source }) => source === "view")) peers.push(new Headwater(folder, "view"));
    peers.push(...(await openPeers(session, results)));
    await load(session, [session.log, ...peers]);
    for (const engine of [session.log, ...peers]) {
      if (session.dataset !== QUESTIONS[0]?.dataset) break;
      for (const [name, bytes] of Object.entries(await engine.bytes())) results.sizes.push({ events, name, bytes });
    }
    const contenders = [session.log, ...peers].flatMap((engine) => engine.contenders);
    for (const question of questions) await ask(question, contenders, { events, rounds }, results);
  } finally {
    for (const engine of peers) await engine.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openPeers({ folder, events, questions }: Session, results: Results): Promise<Engine[]> {
  const opened: Engine[] = [];
  if (questions.length === 0) return opened;
  for (const [name, open] of Object.entries(PEERS)) {
    try {
      opened.push(await open(folder));
    } catch (error) {
      const reason = String(error);
      if (!results.skipped.some((skipped) => skipped.name === name)) results.skipped.push({ name, reason });
    }
  }
  const asksSqlite = questions.some(({ targets }) => "sqlite" in targets);
  if (asksSqlite && events <= SQLITE_EVENTS_MAX) opened.push(new Sqlite(folder));
  return opened;
}

async function load({ dataset, events, folder }: Session, engines: readonly Engine[]): Promise<void> {
  const seconds = engines.map(() => 0);
  const csv = join(folder, "chunk.csv");
  let loaded = 0;
  for (const chunk of generate(dataset, events)) {
    writeCsv(csv, chunk);
    for (const [i, engine] of engines.entries()) {
      const start = performance.now();
      await engine.load(chunk, csv);
      seconds[i] = (seconds[i] as number) + (performance.now() - start) / 1_000;
    }
    loaded += chunk.count;
    progress(`${dataset}: ${count(loaded)} of ${count(events)} events loaded`);
  }
  rmSync(csv, { force: true });
  for (const engine of engines) await engine.settle();
  progress(`loading took ${engines.map(({ name }, i) => `${name} ${seconds[i]?.toFixed(1)} s`).join(", ")}`);
}

async function ask(
  question: Question,
  contenders: readonly Contender[],
  { events, rounds }: { events: number; rounds: number },
  results: Results,
): Promise<void> {
  const own = contenders.find(({ id }) => id === (question.source === "view" ? "headwater-view" : "headwater"));
  if (own === undefined) throw new Error("Headwater takes part in everything");
  const peers = contenders.filter(({ id }) => Object.hasOwn(question.targets, id));
  const expected = await (await own.prepare(question))();
  for (const peer of peers) {
    const difference = differenceOf(question, expected, await (await peer.prepare(question))());
    if (difference !== null) throw new Error(`${question.id}, ${events} events: ${peer.name} answers ${difference}`);
  }
  const runners = [own, ...peers].map(({ id, prepare }) => ({ id, prepare: () => prepare(question) }));
  const times = await measure(runners, rounds);
  const nothing: Times = { wall: [], processor: [] };
  const ownTimes = times.get(own.id) ?? nothing;
  for (const { id, name } of peers) {
    const peerTimes = times.get(id) ?? nothing;
    results.comparisons.push({
      question: question.id,
      title: question.title,
      events,
      peer: id,
      peerName: name,
      ownMs: median(ownTimes.wall),
      peerMs: median(peerTimes.wall),
      ratio: pairedRatio(peerTimes.wall, ownTimes.wall),
      processorRatio: pairedRatio(peerTimes.processor, ownTimes.processor),
      target: question.targets[id as keyof Question["targets"]] ?? null,
    });
  }
  progress(`${question.id}: all ${peers.length + 1} agree; Headwater ${median(ownTimes.wall).toFixed(1)} ms`);
}

/** For whoever waits; the report goes to the standard output. */
const progress = (text: string): void => console.error(text);
