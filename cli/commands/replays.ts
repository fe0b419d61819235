/** `headwater replays`: what was computed anew. */
import { buildCommand } from "@stricli/core";
import * as v from "valibot";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { FORMAT_FLAG } from "../flags.ts";
import { type Cell, printJson, printTable, showTime } from "../output.ts";
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
