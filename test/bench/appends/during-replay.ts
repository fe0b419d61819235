/**
 * Appends while a replay of the view runs in the same partition: what a replay takes from those who write. The 99th
 * percentile of an append's time, idle and beside the replay, in turns.
 */
import type { Click } from "./clicks.ts";
import { startHeadwater } from "./headwater.ts";
import { measure, type Measured } from "./measure.ts";
import { printTable, ratiosOf, showRatio, spreadOf } from "./report.ts";

const LOAD = { batch: 1, connections: 32 };
/** Records in the log, so that a replay takes longer than a measurement. */
const RECORDS = 2_000_000;
const ROUNDS = 5;
const MEASURE_MS = 1_000;
const WARM_UP_MS = 200;

export async function appendsDuringReplay(bundle: string, folder: string, clicks: readonly Click[]): Promise<void> {
  const headwater = await startHeadwater("Headwater", "import", bundle, folder);
  const { stream } = headwater;
  try {
    const fill = await headwater.connect({ batch: 5_000, connections: 2 }, clicks);
    for (let i = 0; i < RECORDS / 5_000 / fill.length; i++) await Promise.all(fill.map((client) => client.send()));
    for (const client of fill) client.close();
    const clients = await headwater.connect(LOAD, clicks);
    const idle: Measured[] = [];
    const beside: Measured[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      idle.push(await measure(clients, MEASURE_MS, WARM_UP_MS));
      beside.push(await besideReplays(() => measure(clients, MEASURE_MS, WARM_UP_MS)));
    }
    for (const client of clients) client.close();
    const p99 = (measured: readonly Measured[]) => measured.map(({ p99Ms }) => p99Ms);
    const rate = (measured: readonly Measured[]) => measured.map(({ batchesPerSecond }) => batchesPerSecond);
    const row = (name: string, measured: readonly Measured[]) => [
      name,
      `${spreadOf(p99(measured)).median.toFixed(1)} ms`,
      showRatio(ratiosOf(p99(measured), p99(idle))),
      `${spreadOf(rate(measured)).median.toFixed(0)}`,
      showRatio(ratiosOf(rate(measured), rate(idle))),
    ];
    console.log(`\nAppends of one event, ${LOAD.connections} connections, over ${RECORDS} records:`);
    printTable(
      ["the partition is", "p99", "÷ idle", "appends/s", "÷ idle"],
      [row("idle", idle), row("replaying", beside)],
    );
  } finally {
    await headwater.stop();
  }

  /** Starts one replay after the other until `during` is over. */
  async function besideReplays(during: () => Promise<Measured>): Promise<Measured> {
    let isOver = false;
    const replays = async () => {
      while (!isOver) {
        const { status, body } = await stream.admin("POST", "/replays", { view: "clicks_per_ad", mode: "verify" });
        if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`);
        await stream.replayUntil(String(body.id), ["verified", "differs", "failed"]);
      }
    };
    const [measured] = await Promise.all([during().finally(() => (isOver = true)), replays()]);
    return measured;
  }
}
