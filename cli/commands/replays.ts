/** `headwater replays` and `headwater diff`: what was computed anew, and what it would change. */
import { buildCommand } from "@stricli/core";
import * as v from "valibot";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { printDiff } from "../diff-table.ts";
import { CliError } from "../failure.ts";
import { argument, FORMAT_FLAG } from "../flags.ts";
import { type Cell, print, printJson, printTable, showTime } from "../output.ts";
import { getReplay, replayPath } from "../replay-api.ts";
import { type Replay, ReplaysSchema } from "../replay-schemas.ts";

interface Flags extends StreamFlags {
  readonly format: "table" | "json";
}

const flags = { ...STREAM_FLAGS, format: FORMAT_FLAG };

export const replays = buildCommand<Flags, [], Context>({
  docs: {
    brief: "List a stream's replays, the newest first",
    fullDescription: `List a stream's replays, the newest first. Needs HEADWATER_ADMIN_TOKEN.

EXAMPLE
  headwater replays --stream clicks`,
  },
  parameters: { flags },
  async func({ format, ...connection }) {
    const api = new StreamApi(connection, this.env);
    const path = api.admin("/replays");
    if (format === "json") return printJson(await api.call(path, "admin", v.unknown()));
    const answer = await api.call(path, "admin", ReplaysSchema);
    printTable({
      columns: ["id", "view", "generation", "mode", "state", "%", "records", "started", "changed rows"],
      rows: answer.replays.map((replay): Cell[] => [
        replay.id,
        replay.view,
        replay.generation,
        replay.mode,
        stateOf(replay),
        Math.floor(replay.progress * 100),
        replay.recordsDone,
        showTime(replay.startedAt),
        replay.diff?.rowsChanged,
      ]),
    });
  },
});

const stateOf = ({ state, paused, error }: Replay): string =>
  [paused ? `${state}, paused` : state, ...(error === undefined ? [] : [error])].join(": ");

export const diff = buildCommand<Flags, [id: string], Context>({
  docs: {
    brief: "Show what a replay changes: totals, and the largest changes",
    fullDescription: `Show what a replay changes, as it stood when it had caught up: totals before and after, and the largest
changes by window and key. Needs HEADWATER_ADMIN_TOKEN.

EXAMPLES
  headwater diff clicks_per_ad-2
  headwater diff clicks_per_ad-2 --format json | jq .totals`,
  },
  parameters: { flags, positional: { kind: "tuple", parameters: [argument("ID", "the replay's id")] } },
  async func({ format, ...connection }, id) {
    const api = new StreamApi(connection, this.env);
    const found = await getReplay(api, id);
    if (found.diff === undefined) {
      const why = found.state === "running" ? "it is still running" : `it is ${found.state}`;
      throw new CliError(`replay ${id} has no diff: ${found.error ?? why}`);
    }
    if (format === "json") {
      const whole = await api.call(replayPath(api, id), "admin", v.object({ diff: v.unknown() }));
      return printJson(whole.diff);
    }
    print(`Replay ${id} of ${found.view}, generation ${found.generation}: ${found.state}`);
    printDiff(found.diff);
  },
});
