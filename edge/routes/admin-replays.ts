/** Replays: started, watched, promoted, cancelled. */
import { ok, type Result } from "#protocol";
import type { AdminFailure, Note, ReplayJob, StreamRpc } from "../stream/rpc.ts";
import { administeredStream, parseBody } from "./admin-request.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Failure } from "./failures.ts";
import type { HttpContext } from "./http.ts";
import { noteOf, NoteSchema } from "./schemas/note.ts";
import { ReplayAnswerSchema, ReplayListSchema, ReplayRequestSchema, ReplayStartedSchema } from "./schemas/replay.ts";
import type { StreamDirectory } from "./stream-access.ts";

async function startReplay(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const request = await parseBody(c, ReplayRequestSchema, "invalid_replay");
  if (!request.ok) return request;
  const { name, object } = stream.value;
  const started = await object.startReplay(request.value);
  directory.forget(name);
  if (!started.ok) return started;
  const { id } = started.value;
  return ok(c.json({ id }, 202, { Location: `/admin/streams/${name}/replays/${id}` }));
}

async function listReplays(c: HttpContext, directory: StreamDirectory): Promise<Result<Response, Failure>> {
  const stream = await administeredStream(c, directory);
  if (!stream.ok) return stream;
  const replays = await stream.value.object.replays();
  return replays.ok ? ok(c.json({ replays: replays.value })) : replays;
}

type Act = (stream: StreamRpc, id: string, note: Note | undefined) => Promise<Result<ReplayJob, AdminFailure>>;

/** A handler that does something to the replay which the path names, and shows it. */
const onReplay =
  (act: Act): Endpoint["handle"] =>
  async (c, directory) => {
    const stream = await administeredStream(c, directory);
    if (!stream.ok) return stream;
    const said = c.req.method === "GET" ? ok({}) : await parseBody(c, NoteSchema, "invalid_replay");
    if (!said.ok) return said;
    const replay = await act(stream.value.object, c.req.param("id") ?? "", noteOf(said.value));
    if (c.req.method !== "GET") directory.forget(stream.value.name);
    return replay.ok ? ok(c.json(replay.value)) : replay;
  };

const REPLAY = { description: "The replay", schema: ReplayAnswerSchema };

export const replayEndpoints: readonly Endpoint[] = [
  {
    method: "POST",
    path: "/admin/streams/:stream/replays",
    summary: "Fold the log again: into a new generation of a view, or to verify the one in force",
    access: "admin",
    body: ReplayRequestSchema,
    answers: { 202: { description: "Started; Location says where to watch it", schema: ReplayStartedSchema } },
    failures: ["unknown_stream", "unknown_view", "invalid_replay", "replay_running", "view_not_ready"],
    handle: startReplay,
  },
  {
    method: "GET",
    path: "/admin/streams/:stream/replays",
    summary: "List the replays, the newest first",
    access: "admin",
    answers: { 200: { description: "The replays", schema: ReplayListSchema } },
    failures: ["unknown_stream"],
    handle: listReplays,
  },
  {
    method: "GET",
    path: "/admin/streams/:stream/replays/:id",
    summary: "Watch a replay",
    access: "admin",
    answers: { 200: REPLAY },
    failures: ["unknown_stream", "unknown_replay"],
    handle: onReplay((stream, id) => stream.replay(id)),
  },
  {
    method: "POST",
    path: "/admin/streams/:stream/replays/:id/promote",
    summary: "Let a caught-up generation answer from now on",
    access: "admin",
    body: NoteSchema,
    answers: { 200: REPLAY },
    failures: ["unknown_stream", "unknown_replay", "invalid_replay", "replay_state", "partition_unavailable"],
    handle: onReplay((stream, id, note) => stream.promote(id, note)),
  },
  {
    method: "POST",
    path: "/admin/streams/:stream/replays/:id/cancel",
    summary: "Stop a replay and drop what it built",
    access: "admin",
    body: NoteSchema,
    answers: { 200: REPLAY },
    failures: ["unknown_stream", "unknown_replay", "invalid_replay", "replay_state"],
    handle: onReplay((stream, id, note) => stream.cancel(id, note)),
  },
  {
    method: "POST",
    path: "/admin/streams/:stream/replays/:id/pause",
    summary: "Let a replay stand still, with what it has built",
    access: "admin",
    body: NoteSchema,
    answers: { 200: REPLAY },
    failures: ["unknown_stream", "unknown_replay", "invalid_replay", "replay_state"],
    handle: onReplay((stream, id) => stream.pause(id)),
  },
  {
    method: "POST",
    path: "/admin/streams/:stream/replays/:id/resume",
    summary: "Let a paused replay go on",
    access: "admin",
    body: NoteSchema,
    answers: { 200: REPLAY },
    failures: ["unknown_stream", "unknown_replay", "invalid_replay", "replay_state"],
    handle: onReplay((stream, id) => stream.resume(id)),
  },
];
