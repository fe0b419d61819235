/** What a Worker and a partition settle between them before a call counts. */
import { describe, expect, it } from "vitest";
import { fail, ok, type Result } from "#protocol";
import type { ConfigFailure, PartitionConfig } from "../../../edge/partition/rpc.ts";
import { callPartition } from "../../../edge/routes/partition-call.ts";
import type { AppendContext } from "../../../edge/stream/rpc.ts";

const CONFIG = { version: 7, partition: 0 } as PartitionConfig;
const CONTEXT = { streamId: "s", jurisdiction: null, partitionConfigs: [CONFIG] } as unknown as AppendContext;

type Step = Result<string, ConfigFailure> | Error;

/** A partition that answers step by step, and what it was asked. */
function scripted(steps: readonly Step[], configured: Result<null, ConfigFailure> = ok(null)) {
  const calls: unknown[] = [];
  const object = {
    configure: async (config: PartitionConfig) => {
      calls.push(config);
      return configured;
    },
    status: async () => {
      const step = steps[calls.filter((call) => call === "status").length];
      calls.push("status");
      if (step instanceof Error) throw step;
      return step;
    },
  };
  const env = { PARTITION: { getByName: () => object } } as unknown as Env;
  const ask = (repeatable?: boolean) =>
    callPartition(
      env,
      CONTEXT,
      0,
      (partition) => partition.status() as Promise<Result<unknown, ConfigFailure>>,
      repeatable,
    );
  return { calls, ask };
}

const moved = Object.assign(new Error("moved"), { retryable: true });
const overloaded = Object.assign(new Error("too much"), { retryable: true, overloaded: true });
const bug = new TypeError("a bug");

describe("a call to a partition", () => {
  it("that lacks its configuration tells it, and is made again", async () => {
    const { calls, ask } = scripted([fail({ reason: "config_needed" }), ok("answer")]);
    expect(await ask()).toEqual(ok("answer"));
    expect(calls).toEqual(["status", CONFIG, "status"]);
  });

  it("tells it once: a partition that never has enough is not told for ever", async () => {
    const { calls, ask } = scripted([fail({ reason: "config_needed" }), fail({ reason: "config_needed" })]);
    expect(await ask()).toEqual(fail({ reason: "stale_config", version: CONFIG.version }));
    expect(calls).toHaveLength(3);
  });

  it("says when the configuration it would tell is old itself", async () => {
    const stale = fail({ reason: "stale_config", version: 8 } as const);
    const { ask } = scripted([fail({ reason: "config_needed" })], stale);
    expect(await ask()).toEqual(stale);
  });

  it("is made again when the object had moved, if it bears repeating", async () => {
    expect(await scripted([moved, ok("answer")]).ask()).toEqual(ok("answer"));
    await expect(scripted([moved, ok("answer")]).ask(false)).rejects.toBe(moved);
    await expect(scripted([moved, moved, ok("answer")]).ask()).rejects.toBe(moved);
  });

  it("is not made again to one that has too much to do, or a bug", async () => {
    await expect(scripted([overloaded, ok("answer")]).ask()).rejects.toBe(overloaded);
    await expect(scripted([bug, ok("answer")]).ask()).rejects.toBe(bug);
  });
});
