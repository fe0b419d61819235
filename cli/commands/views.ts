/** `headwater views`: what is kept ready, and which generation answers. */
import { buildCommand } from "@stricli/core";
import * as v from "valibot";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { FORMAT_FLAG } from "../flags.ts";
import { printJson } from "../output.ts";
import { ViewsSchema } from "../schemas.ts";
import { printViews } from "../views-table.ts";

interface Flags extends StreamFlags {
  readonly format: "table" | "json";
}

export const views = buildCommand<Flags, [], Context>({
  docs: {
    brief: "List a stream's views and the generations that answer",
    fullDescription: `List a stream's views: which generation answers, and which is kept to roll back to. Needs HEADWATER_ADMIN_TOKEN.

EXAMPLE
  headwater views --stream clicks`,
  },
  parameters: { flags: { ...STREAM_FLAGS, format: FORMAT_FLAG } },
  async func({ format, ...connection }) {
    const api = new StreamApi(connection, this.env);
    if (format === "json") return printJson(await api.call(api.admin("/views"), "admin", v.unknown()));
    printViews((await api.call(api.admin("/views"), "admin", ViewsSchema)).views);
  },
});
