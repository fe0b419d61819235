/** `headwater replay`: fold the log again, watch, stop. */
import { buildCommand, buildRouteMap } from "@stricli/core";
import { StreamApi } from "../api.ts";
import { STREAM_FLAGS, type StreamFlags } from "../connection.ts";
import type { Context } from "../context.ts";
import { CliError, UsageError } from "../failure.ts";
import { argument, optionalText } from "../flags.ts";
import { untilInterrupted } from "../interrupt.ts";
import { NOTE_FLAGS, type NoteFlags, noteOf } from "../note-flags.ts";
import { note, print, showNumber } from "../output.ts";
import { timeOf } from "../query-flags.ts";
import { readJsonObject } from "../read-input.ts";
import { getReplay, replayPath, watchReplay } from "../replay-api.ts";
import { type Replay, ReplaySchema, StartedSchema, type Verification } from "../replay-schemas.ts";
import { StreamSchema } from "../schemas.ts";

interface StartFlags extends StreamFlags, NoteFlags {
  readonly set?: string;
  readonly spec?: string;
  readonly from?: string;
  readonly verify?: boolean;
  readonly auto?: boolean;
  readonly totalChangeMax?: number;
  readonly rowsChangedMax?: number;
  readonly maxDuty?: number;
  readonly detach?: boolean;
}

const flag = (brief: string) => ({ kind: "boolean", optional: true, withNegated: false, brief }) as const;

const share = (brief: string) =>
  ({ kind: "parsed", parse: parseShare, optional: true, placeholder: "SHARE", brief }) as const;

function parseShare(input: string): number {
  const number = Number(input);
  if (input.trim() === "" || !(number >= 0)) throw new UsageError(`${input} is no share, as 0.05 for 5 %`);
  return number;
}

const start = buildCommand<StartFlags, [view: string], Context>({
  docs: {
    brief: "Compute a view anew from the log, beside the generation that answers",
    fullDescription: `Compute a view anew from the log, beside the generation that answers, and watch. Needs HEADWATER_ADMIN_TOKEN.

Nothing changes for those who ask until it is promoted. Ctrl-C ends the watching, not the replay.
--set lays changes over the view's rules as they stand; null takes a field away.

EXAMPLES
  headwater replay clicks_per_ad
  headwater replay clicks_per_ad --set '{"spam": {"by": ["userId", "adId"], "within": "10s"}}'
  headwater replay clicks_per_ad --set '{"where": null}' --from 2025-01-01 --detach
  headwater replay clicks_per_ad --total-change-max 0.01 --reason "daily correction"
  headwater replay clicks_per_ad --verify`,
  },
  parameters: {
    flags: {
      ...STREAM_FLAGS,
      set: optionalText("changes to the view, in JSON: a file, - for standard input, or {…}", "SOURCE"),
      spec: optionalText("the whole view instead, in the same ways", "SOURCE"),
      from: optionalText("compute only from this event time on, and carry over the rest", "TIME"),
      verify: flag("only compare: does the log still give what answers?"),
      auto: flag("promote it as soon as it has caught up"),
      totalChangeMax: share("the same, unless a total changes by more than this share"),
      rowsChangedMax: share("the same, unless more than this share of the rows changes"),
      maxDuty: share("share of the time that it may take (default 0.5)"),
      ...NOTE_FLAGS,
      detach: flag("start it, print its id, and do not watch"),
    },
    positional: { kind: "tuple", parameters: [argument("VIEW", "the view's name")] },
  },
  async func(
    { set, spec, from, verify, auto, totalChangeMax, rowsChangedMax, maxDuty, detach, reason, by, ...connection },
    view,
  ) {
    if (set !== undefined && spec !== undefined)
      throw new UsageError("--set changes a view, --spec replaces it: give one.");
    const api = new StreamApi(connection, this.env);
    const changed = spec === undefined ? undefined : readJsonObject(spec);
    const promoteIf = {
      ...(totalChangeMax !== undefined && { totalChangeMax }),
      ...(rowsChangedMax !== undefined && { rowsChangedMax }),
    };
    const hasPolicy = Object.keys(promoteIf).length > 0;
    const body = {
      view: set === undefined ? ((changed && { ...changed, name: view }) ?? view) : await changedView(api, view, set),
      ...(from !== undefined && { from: timeOf(from) }),
      ...(verify && { mode: "verify" }),
      ...((auto || hasPolicy) && { promote: "auto" }),
      ...(hasPolicy && { promoteIf }),
      ...noteOf({ ...(reason && { reason }), ...(by && { by }) }, this.env),
      ...(maxDuty !== undefined && { maxDuty }),
    };
    const { id } = await api.call(api.admin("/replays"), "admin", StartedSchema, { method: "POST", body });
    if (detach) return print(id);
    await watchToTheEnd(api, id, `Replay ${id} of ${view} has started.`);
  },
});

/** The view as it is configured, with changes laid over it. */
async function changedView(api: StreamApi, name: string, set: string): Promise<Record<string, unknown>> {
  const changes = readJsonObject(set);
  const { config } = await api.call(api.admin(), "admin", StreamSchema);
  const view = config.views.find((configured) => configured.name === name);
  if (view === undefined) throw new CliError(`unknown_view: ${api.stream} has no view ${name}`);
  return Object.fromEntries(Object.entries({ ...view, ...changes }).filter(([, value]) => value !== null));
}

const ID = { kind: "tuple", parameters: [argument("ID", "the replay's id; `headwater replays` lists them")] } as const;

const watch = buildCommand<StreamFlags, [id: string], Context>({
  docs: {
    brief: "Watch a replay until it has caught up or ended",
    fullDescription: `Watch a replay until it has caught up or ended. Needs HEADWATER_ADMIN_TOKEN. Ctrl-C ends the watching only.
Ends with 1 if the replay failed, was cancelled, or found a difference.

EXAMPLE
  headwater replay watch clicks_per_ad-2`,
  },
  parameters: { flags: STREAM_FLAGS, positional: ID },
  async func(connection, id) {
    await watchToTheEnd(new StreamApi(connection, this.env), id);
  },
});

/** A command that does something to a replay, and says what it has done. */
const action = (name: string, brief: string, explanation: string, done: string) =>
  buildCommand<StreamFlags, [id: string], Context>({
    docs: {
      brief,
      fullDescription: `${explanation} Needs HEADWATER_ADMIN_TOKEN.

EXAMPLE
  headwater replay ${name} clicks_per_ad-2`,
    },
    parameters: { flags: STREAM_FLAGS, positional: ID },
    async func(connection, id) {
      const api = new StreamApi(connection, this.env);
      const { view } = await api.call(replayPath(api, id, `/${name}`), "admin", ReplaySchema, { method: "POST" });
      print(`Replay ${id} of ${view} ${done}.`);
    },
  });

const cancel = action(
  "cancel",
  "Stop a replay and drop what it built",
  "Stop a replay and drop what it built.",
  "is cancelled",
);
const pause = action(
  "pause",
  "Let a replay stand still, with what it has built",
  "Let a replay that builds stand still. It keeps what it has built, and goes on from there with `resume`.",
  "stands still",
);
const resume = action("resume", "Let a paused replay go on", "Let a paused replay go on.", "goes on");

async function watchToTheEnd(api: StreamApi, id: string, greeting?: string): Promise<void> {
  const comeBack = `headwater replay watch ${id} --stream ${api.stream}`;
  const replay = await untilInterrupted(
    async (signal) => {
      if (greeting !== undefined) note(greeting);
      const { view, state } = await getReplay(api, id); // what is wrong from the start is said at once, not waited for
      if (greeting === undefined) note(`Replay ${id} of ${view} is ${state}.`);
      return watchReplay(api, id, signal);
    },
    () => `the replay goes on. Come back to it with:\n  ${comeBack}`,
  );
  report(replay, api.stream);
}

/** @throws if it did not come to a good end */
function report(replay: Replay, stream: string): void {
  const { id, view, generation, state, recordsDone, recordsPerSecond, diff, verification, held, error } = replay;
  const done = `${showNumber(recordsDone)} records, ${showNumber(Math.round(recordsPerSecond))}/s`;
  const compared = verification ? `; ${showVerification(verification)}` : "";
  if (state === "failed" || state === "cancelled" || state === "differs") {
    throw new CliError(`replay ${id} of ${view}: ${state}${compared}${error === undefined ? "" : ` (${error})`}`);
  }
  print(`Replay ${id} of ${view}: ${state}. ${done}${compared}`);
  if (error !== undefined) note(error);
  if (held !== undefined) note(`Not promoted by itself: ${held}`);
  if (state !== "caught-up") return;
  if (diff) print(`${showNumber(diff.rowsChanged)} of ${showNumber(diff.rowsCompared)} rows would change.`);
  note(`See what changes:  headwater diff ${id} --stream ${stream}`);
  note(`Let it answer:     headwater promote ${id} --stream ${stream}    (generation ${generation})`);
}

const showVerification = ({ compared, differing, skipped }: Verification): string =>
  `${showNumber(compared)} windows compared, ${showNumber(differing)} differ, ${showNumber(skipped)} skipped`;

export const replay = buildRouteMap({
  routes: { start, watch, pause, resume, cancel },
  defaultCommand: "start",
  docs: {
    brief: "Compute a view anew; watch, pause, resume or cancel",
    fullDescription: `Compute a view anew from the log. \`headwater replay VIEW\` is short for \`headwater replay start VIEW\`.`,
  },
});
