/** `headwater streams`: which there are, and how one stands. */
import { buildCommand, buildRouteMap } from "@stricli/core";
import * as v from "valibot";
import { Api } from "../api.ts";
import { CONNECTION_FLAGS, type ConnectionFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { argument, FORMAT_FLAG } from "../flags.ts";
import { print, printJson, printPairs, printTable, showDuration, showTime } from "../output.ts";
import { type Stream, StreamSchema, StreamsSchema } from "../schemas.ts";
import { printViews } from "../views-table.ts";

interface Flags extends ConnectionFlags {
  readonly format: "table" | "json";
}

const flags = { ...CONNECTION_FLAGS, format: FORMAT_FLAG };

const list = buildCommand<Flags, [], Context>({
  docs: {
    brief: "List the streams",
    fullDescription: `List the streams of a deployment. Needs HEADWATER_ADMIN_TOKEN.

EXAMPLE
  headwater streams`,
  },
  parameters: { flags },
  async func({ format, ...connection }) {
    const api = new Api(connection, this.env);
    if (format === "json") return printJson(await api.call("/admin/streams", "admin", v.unknown()));
    const answer = await api.call("/admin/streams", "admin", StreamsSchema);
    printTable({ columns: ["stream"], rows: answer.streams.map(({ name }) => [name]) });
  },
});

const show = buildCommand<Flags, [name: string], Context>({
  docs: {
    brief: "Show a stream: configuration, views, keys, and each partition's log",
    fullDescription: `Show a stream: its configuration, views and keys, and each partition's log. Needs HEADWATER_ADMIN_TOKEN.
Keys are shown by kind and age; what they are was shown once, when they were made.

EXAMPLES
  headwater streams show clicks
  headwater streams show clicks --format json | jq .config`,
  },
  parameters: { flags, positional: { kind: "tuple", parameters: [argument("STREAM", "its name")] } },
  async func({ format, ...connection }, name) {
    const path = `/admin/streams/${encodeURIComponent(name)}`;
    const api = new Api(connection, this.env);
    if (format === "json") return printJson(await api.call(path, "admin", v.unknown()));
    printStream(await api.call(path, "admin", StreamSchema));
  },
});

function printStream(stream: Stream): void {
  const { views: _, ...config } = stream.config;
  const settings = Object.entries(config).map(([name, value]) => [name, showSetting(name, value)] as const);
  printPairs([["stream", stream.name], ["created", showTime(stream.createdAt)], ...settings]);
  print("\nViews");
  printViews(stream.views);
  print("\nPartitions");
  printTable({
    columns: [
      "partition",
      "archived from",
      "log start",
      "log end",
      "records",
      "MiB",
      "segments",
      "late",
      "rejected",
      "watermark",
    ],
    rows: stream.partitions.map((partition) => {
      if (!("logStart" in partition)) return [partition.partition, `does not answer: ${partition.error}`];
      const { archive, logStart, logEnd, records, bytes, segments, late, rejected, watermark } = partition;
      const mebibytes = Number((bytes / 2 ** 20).toFixed(1));
      return [
        partition.partition,
        archive?.start ?? "–",
        logStart,
        logEnd,
        records,
        mebibytes,
        segments,
        late,
        rejected,
        showTime(watermark),
      ];
    }),
  });
  print("\nKeys");
  printTable({
    columns: ["kind", "id", "created", "ends"],
    rows: stream.keys.map(({ kind, id, createdAt, expiresAt }) => [kind, id, showTime(createdAt), showTime(expiresAt)]),
  });
}

function showSetting(name: string, value: unknown): string {
  if (name.endsWith("Ms") && typeof value === "number") return showDuration(value);
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value);
}

export const streams = buildRouteMap({
  routes: { list, show },
  defaultCommand: "list",
  docs: { brief: "List the streams, or show one" },
});
