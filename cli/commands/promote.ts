/** `headwater promote` and `headwater rollback`: which generation answers. */
import { buildCommand } from "@stricli/core";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { argument } from "../flags.ts";
import { NOTE_FLAGS, type NoteFlags, noteOf } from "../note-flags.ts";
import { note, print } from "../output.ts";
import { replayPath } from "../replay-api.ts";
import { ReplaySchema } from "../replay-schemas.ts";
import { ViewSchema } from "../schemas.ts";

export const promote = buildCommand<StreamFlags & NoteFlags, [id: string], Context>({
  docs: {
    brief: "Let a replay's generation answer from now on",
    fullDescription: `Let the generation that a replay has built answer from now on, in one step over all partitions. The one
before is kept for seven days. Needs HEADWATER_ADMIN_TOKEN.

EXAMPLE
  headwater promote clicks_per_ad-2 --reason "spam rule agreed with the advertiser"`,
  },
  parameters: {
    flags: { ...STREAM_FLAGS, ...NOTE_FLAGS },
    positional: { kind: "tuple", parameters: [argument("ID", "the replay's id")] },
  },
  async func({ reason, by, ...connection }, id) {
    const body = noteOf({ ...(reason && { reason }), ...(by && { by }) }, this.env);
    const api = new StreamApi(connection, this.env);
    const path = replayPath(api, id, "/promote");
    const { view, generation } = await api.call(path, "admin", ReplaySchema, { method: "POST", body });
    print(`${view} is answered by generation ${generation} from now on.`);
    note(`Take it back:  headwater rollback ${view} --stream ${api.stream}`);
  },
});

export const rollback = buildCommand<StreamFlags & NoteFlags, [view: string], Context>({
  docs: {
    brief: "Let the generation before answer again",
    fullDescription: `Let the generation that answered before the last promotion answer again, at once. Needs HEADWATER_ADMIN_TOKEN.

EXAMPLE
  headwater rollback clicks_per_ad --reason "the rule also hit double clicks"`,
  },
  parameters: {
    flags: { ...STREAM_FLAGS, ...NOTE_FLAGS },
    positional: { kind: "tuple", parameters: [argument("VIEW", "the view's name")] },
  },
  async func({ reason, by, ...connection }, view) {
    const body = noteOf({ ...(reason && { reason }), ...(by && { by }) }, this.env);
    const api = new StreamApi(connection, this.env);
    const path = api.admin(`/views/${encodeURIComponent(view)}/rollback`);
    const { generation } = await api.call(path, "admin", ViewSchema, { method: "POST", body });
    print(`${view} is answered by generation ${generation} again.`);
  },
});
