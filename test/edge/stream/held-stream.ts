/**
 * A stream's object over real storage, beside scripted partitions. Its alarm is in the test's hand: it fires when the test
 * says so, as if no time had passed in between or a day had.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { StreamRpc } from "../../../edge/stream/rpc.ts";
import { StreamObject } from "../../../edge/stream/stream-object.ts";
import { ScriptedPartitions } from "./scripted-partitions.ts";

let streams = 0;

export class HeldStream {
  readonly streamId = `held-${streams++}`;
  readonly partitions = new ScriptedPartitions();
  alarmAt: number | null = null;
  #object: StreamObject | null = null;

  /** Calls the object. It wakes first if it is not awake. */
  async call<T>(use: (stream: StreamRpc & { alarm(): Promise<void> }) => Promise<T>): Promise<T> {
    return runInDurableObject(env.STREAM.getByName(this.streamId), (_, ctx) => {
      this.#takeAlarm(ctx);
      this.#object ??= new StreamObject(ctx, { ...env, PARTITION: this.partitions.namespace as never });
      return use(this.#object);
    });
  }

  /** All that the object holds in memory is gone; what was stored stays. */
  crash(): void {
    this.#object = null;
  }

  /** Fires the alarm, if it is set, whatever the time. */
  async fireAlarm(): Promise<boolean> {
    if (this.alarmAt === null) return false;
    this.alarmAt = null;
    await this.call((stream) => stream.alarm());
    return true;
  }

  /** Every cell of every table, as text. */
  async dump(): Promise<string> {
    return runInDurableObject(env.STREAM.getByName(this.streamId), (_, { storage: { sql } }) => {
      const tables = sql
        .exec<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
        )
        .toArray();
      return JSON.stringify(tables.map(({ name }) => [name, sql.exec(`SELECT * FROM "${name}"`).toArray()]));
    });
  }

  /** The object insists on the platform's own context, so the alarm is taken out of its hand there. */
  #takeAlarm({ storage }: DurableObjectState): void {
    storage.setAlarm = async (at) => void (this.alarmAt = Number(at));
    storage.getAlarm = async () => this.alarmAt;
    storage.deleteAlarm = async () => void (this.alarmAt = null);
  }
}
