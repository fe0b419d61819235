/** Whether all is well, for who is on duty: what does not answer, what has failed, and what a verification found to differ. */
import * as v from "valibot";
import { ok, type Result } from "#protocol";
import type { StreamDescription } from "../stream/rpc.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { directoryOf, streamOf } from "./objects.ts";

const CODES = [
  "partition_unavailable",
  "archive_unavailable",
  "view_failed",
  "view_differs",
  "verification_failed",
] as const;

interface Trouble {
  readonly stream: string;
  readonly view?: string;
  readonly partition?: number;
  readonly code: (typeof CODES)[number];
  readonly detail: string;
}

async function health(c: HttpContext): Promise<Result<Response, Failure>> {
  const streams = await directoryOf(c.env).list();
  const troubles = await Promise.all(
    streams.map(async ({ name, streamId }) => {
      const description = await streamOf(c.env, streamId).describe();
      return description.ok ? troublesOf(name, description.value) : [];
    }),
  );
  const all = troubles.flat();
  return ok(c.json({ status: all.length === 0 ? "ok" : "troubled", troubles: all }));
}

function troublesOf(stream: string, { partitions, views }: StreamDescription): Trouble[] {
  const troubles: Trouble[] = [];
  for (const report of partitions) {
    const { partition } = report;
    if ("error" in report) {
      troubles.push({ stream, partition, code: "partition_unavailable", detail: report.error });
    } else if (report.archive?.error !== undefined) {
      troubles.push({ stream, partition, code: "archive_unavailable", detail: report.archive.error });
    }
  }
  for (const { name: view, state, error, verification } of views) {
    if (state === "failed") troubles.push({ stream, view, code: "view_failed", detail: error ?? "no reason given" });
    if (verification?.state === "differs") {
      const detail = `${verification.differing} of ${verification.compared} windows differ from a replay of the log`;
      troubles.push({ stream, view, code: "view_differs", detail });
    } else if (verification?.state === "failed") {
      const detail = verification.error ?? "no reason given";
      troubles.push({ stream, view, code: "verification_failed", detail });
    }
  }
  return troubles;
}

export const healthEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/admin/health",
    summary: "Whether all is well, over all streams, and else what is not",
    access: "admin",
    answers: {
      200: {
        description: "`ok`, or `troubled` and why",
        schema: v.object({
          status: v.picklist(["ok", "troubled"]),
          troubles: v.array(
            v.object({
              stream: v.string(),
              view: v.exactOptional(v.string()),
              partition: v.exactOptional(v.number()),
              code: v.picklist(CODES),
              detail: v.string(),
            }),
          ),
        }),
      },
    },
    failures: [],
    handle: health,
  },
];
