/** Calls to all partitions: bounded, in order, and never an exception. */
import { describe, expect, it } from "vitest";
import type { PartitionRpc } from "../../../edge/partition/rpc.ts";
import { STREAM_LIMITS } from "../../../edge/stream/limits.ts";
import { callPartitions, type Partitions, partitionsOf } from "../../../edge/stream/partitions.ts";

const partitions = (count: number): Partitions => ({ count, stub: () => ({}) as PartitionRpc });
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

describe("calls to all partitions", () => {
  it("are made a bounded number at a time, and answered in order", async () => {
    let running = 0;
    let most = 0;
    const answers = await callPartitions(partitions(256), async (_, index) => {
      most = Math.max(most, ++running);
      await turn();
      running--;
      return index;
    });
    expect(most).toBe(STREAM_LIMITS.partitionCallsAtOnceMax);
    expect(answers).toEqual(Array.from({ length: 256 }, (_, index) => ({ ok: true, value: index })));
  });

  it("can be made to some, and say of each why it did not answer", async () => {
    const call = async (_: PartitionRpc, index: number) => {
      if (index === 5) throw new Error("network");
      return index;
    };
    expect(await callPartitions(partitions(8), call, [5, 2])).toEqual([
      { ok: false, failure: { reason: "unreachable", detail: "network" } },
      { ok: true, value: 2 },
    ]);
  });

  it("try again with a new stub, because one that has failed stays broken", async () => {
    const stubs: number[] = [];
    const some: Partitions = { count: 1, stub: () => ({ stub: stubs.push(0) }) as unknown as PartitionRpc };
    const call = async (stub: PartitionRpc) => {
      const { stub: number } = stub as unknown as { stub: number };
      if (number === 1) throw Object.assign(new Error("moved"), { retryable: true });
      return number;
    };
    expect(await callPartitions(some, call)).toEqual([{ ok: true, value: 2 }]);
  });

  it("go to objects that are named by the stream's id, where its jurisdiction is", () => {
    const named: string[] = [];
    const namespace = {
      getByName: (name: string) => named.push(name),
      jurisdiction: (where: string) => ({ getByName: (name: string) => named.push(`${where}:${name}`) }),
    } as unknown as DurableObjectNamespace;
    for (const jurisdiction of [null, "eu"] as const) {
      partitionsOf(namespace, { streamId: "5eed", settings: { partitions: 2, jurisdiction } }).stub(1);
    }
    expect(named).toEqual(["5eed/1", "eu:5eed/1"]);
  });
});
