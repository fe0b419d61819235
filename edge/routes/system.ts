/** What is open to everybody: whether the worker runs, what it offers, and what it does not offer yet. */
import * as v from "valibot";
import { fail, ok } from "#protocol";
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
  {
    method: "GET",
    path: "/v1/streams/:stream/live",
    summary: "A WebSocket on which an answer follows its stream: not there yet",
    access: "open",
    answers: {},
    failures: ["not_implemented"],
    handle: async () =>
      fail({ reason: "not_implemented", detail: "the live feed is not there yet: ask again by query" }),
  },
];
