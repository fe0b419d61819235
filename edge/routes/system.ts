/** What is open to everybody: whether the worker runs. */
import * as v from "valibot";
import { ok } from "#protocol";
import type { Endpoint } from "./endpoint.ts";

export const systemEndpoints: readonly Endpoint[] = [
  {
    method: "GET",
    path: "/health",
    summary: "Whether the worker runs",
    access: "open",
    answers: { 200: { description: "It does", schema: v.object({ status: v.literal("ok") }) } },
    failures: [],
    handle: async (c) => ok(c.json({ status: "ok" })),
  },
];
